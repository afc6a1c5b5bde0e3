//! Configurations in lines that begin with `|`. What has its default is left out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::time::Duration;

use super::LineError;
use super::instance::{read_instance, write_instance};
use super::words::{self, List, Span, Word, Words, parse};
use crate::config::{
    GroupConfig, InterfaceConfig, RouterConfig, ScriptConfig, Track, TrackerConfig, TrackerKind,
};
use crate::types::InterfaceId;

pub(super) fn write(f: &mut fmt::Formatter<'_>, config: &RouterConfig) -> fmt::Result {
    if !config.startup_delay.is_zero() {
        write!(f, "\n| startup-delay {}", Span(config.startup_delay))?;
    }
    config.interfaces.iter().try_for_each(|interface| write_interface(f, interface))?;
    config.trackers.iter().try_for_each(|tracker| write_tracker(f, tracker))?;
    config.instances.iter().try_for_each(|instance| write_instance(f, instance))?;
    config.groups.iter().try_for_each(|group| write_group(f, group))
}

pub(super) fn read(lines: &str) -> Result<RouterConfig, LineError> {
    let mut config = RouterConfig::new();
    for line in lines.lines() {
        let line = line.strip_prefix('|').ok_or_else(|| {
            LineError::new(format_args!("a line of a configuration begins with |, not {line}"))
        })?;
        let mut words = Words::new(line);
        match words.word("an entry")? {
            "startup-delay" => config.startup_delay = words::span(words.word("a time")?)?,
            "interface" => config.interfaces.push(read_interface(&mut words)?),
            "tracker" => config.trackers.push(read_tracker(&mut words)?),
            "instance" => config.instances.push(read_instance(&mut words)?),
            "group" => config.groups.push(read_group(&mut words)?),
            other => return Err(LineError::new(format_args!("a configuration has no {other}"))),
        }
        words.end()?;
    }
    Ok(config)
}

fn write_interface(f: &mut fmt::Formatter<'_>, interface: &InterfaceConfig) -> fmt::Result {
    write!(f, "\n| interface {} {}", interface.id, Word(interface.name.as_bytes()))?;
    changed(f, "mtu", &interface.mtu, &1500)
}

fn read_interface(words: &mut Words<'_>) -> Result<InterfaceConfig, LineError> {
    let id = InterfaceId(words.parse("an interface")?);
    let mut interface = InterfaceConfig::new(id, name(words)?);
    set(&mut interface.mtu, words.maybe("mtu")?);
    Ok(interface)
}

fn write_tracker(f: &mut fmt::Formatter<'_>, tracker: &TrackerConfig) -> fmt::Result {
    write!(f, "\n| tracker {}", Word(tracker.name.as_bytes()))?;
    match &tracker.kind {
        TrackerKind::External => f.write_str(" external"),
        TrackerKind::Interface(interface) => write!(f, " interface={interface}"),
        TrackerKind::Script(script) => {
            write!(f, " script={}", Span(script.interval))?;
            changed(f, "timeout", &Span(script.timeout), &Span(script.interval))?;
            changed(f, "rise", &script.rise, &1)?;
            changed(f, "fall", &script.fall, &1)?;
            flag(f, "init-fail", script.init_fail)
        }
    }
}

fn read_tracker(words: &mut Words<'_>) -> Result<TrackerConfig, LineError> {
    let name = name(words)?;
    let kind = match (words.flag("external"), words.maybe("interface")?, words.value("script")) {
        (true, None, None) => TrackerKind::External,
        (false, Some(interface), None) => TrackerKind::Interface(InterfaceId(interface)),
        (false, None, Some(every)) => {
            let mut script = ScriptConfig::new(words::span(every)?);
            set(&mut script.timeout, span(words, "timeout")?);
            set(&mut script.rise, words.maybe("rise")?);
            set(&mut script.fall, words.maybe("fall")?);
            script.init_fail = words.flag("init-fail");
            TrackerKind::Script(script)
        }
        _ => return Err(LineError::new("a tracker is external, interface= or script=")),
    };
    Ok(TrackerConfig::new(name, kind))
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &GroupConfig) -> fmt::Result {
    write!(f, "\n| group {} members={}", Word(group.name.as_bytes()), List(group.members.iter()))?;
    write_tracks(f, &group.track)
}

fn read_group(words: &mut Words<'_>) -> Result<GroupConfig, LineError> {
    let name = name(words)?;
    let members = words::list(words.value("members").unwrap_or_default(), |word| parse("members", word))?;
    let mut group = GroupConfig::new(name, members);
    group.track = read_tracks(words)?;
    Ok(group)
}

/// `TRACKER:WEIGHT`, then `:reverse`.
pub(super) fn write_tracks(f: &mut fmt::Formatter<'_>, tracks: &[Track]) -> fmt::Result {
    let mut between = " track=";
    for Track { tracker, weight, reverse } in tracks {
        write!(f, "{between}{tracker}:{weight}{}", if *reverse { ":reverse" } else { "" })?;
        between = ",";
    }
    Ok(())
}

pub(super) fn read_tracks(words: &mut Words<'_>) -> Result<Vec<Track>, LineError> {
    words::list(words.value("track").unwrap_or_default(), |word| {
        let parts: Vec<&str> = word.split(':').collect();
        let (tracker, weight, reverse) = match parts.as_slice() {
            [tracker, weight] => (tracker, weight, false),
            [tracker, weight, "reverse"] => (tracker, weight, true),
            _ => {
                return Err(LineError::new(format_args!(
                    "{word} is not TRACKER:WEIGHT or TRACKER:WEIGHT:reverse"
                )));
            }
        };
        Ok(Track { tracker: parse("a tracker", tracker)?, weight: parse("a weight", weight)?, reverse })
    })
}

pub(super) fn name(words: &mut Words<'_>) -> Result<String, LineError> {
    words::text(words.word("a name")?)
}

pub(super) fn span(words: &mut Words<'_>, key: &str) -> Result<Option<Duration>, LineError> {
    words.value(key).map(words::span).transpose()
}

pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

pub(super) fn changed<T: fmt::Display + PartialEq>(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    value: &T,
    default: &T,
) -> fmt::Result {
    match value == default {
        true => Ok(()),
        false => write!(f, " {key}={value}"),
    }
}

pub(super) fn flag(f: &mut fmt::Formatter<'_>, name: &str, set: bool) -> fmt::Result {
    match set {
        true => f.write_char(' ').and_then(|()| f.write_str(name)),
        false => Ok(()),
    }
}
