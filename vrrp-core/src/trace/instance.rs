//! One virtual router as a line of a configuration.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::LineError;
use super::advert::{interval, trim};
use super::config::{changed, flag, name, read_tracks, set, span, write_tracks};
use super::words::{self, List, Span, Word, Words, parse};
use crate::config::{AnnounceSchedule, Destination, InstanceConfig, Peer};
use crate::types::{Family, InterfaceId, Password, Priority, Version, Vip, Vrid};

pub(super) fn write_instance(f: &mut fmt::Formatter<'_>, instance: &InstanceConfig) -> fmt::Result {
    let InstanceConfig { name, interface, vrid, .. } = instance;
    let plain = InstanceConfig::new(name.as_str(), *interface, *vrid, instance.addresses.clone());
    write!(f, "\n| instance {} if={interface} vrid={vrid}", Word(name.as_bytes()))?;
    if instance.family != plain.family {
        write!(f, " family={}", instance.family)?;
    }
    flag(f, "v2", instance.version == Version::V2)?;
    changed(f, "prio", &instance.priority, &plain.priority)?;
    changed(f, "every", &instance.interval, &plain.interval)?;
    changed(f, "down-adverts", &instance.down_timer_adverts, &plain.down_timer_adverts)?;
    match &instance.destination {
        Destination::Multicast(group) if instance.destination != plain.destination => {
            write!(f, " to={group}")?
        }
        Destination::Multicast(_) => {}
        Destination::Unicast(peers) => write!(f, " peers={}", List(peers.iter().map(PeerWord)))?,
    }
    if let Some(source) = instance.source {
        write!(f, " source={source}")?;
    }
    changed(f, "ttl", &instance.ttl, &plain.ttl)?;
    if let Some(password) = &instance.password {
        write!(f, " password={}", Word(trim(password.octets())))?;
    }
    changed(f, "preempt-delay", &Span(instance.preempt_delay), &Span(plain.preempt_delay))?;
    for (name, set) in flags(instance) {
        flag(f, name, set)?;
    }
    write_schedule(f, &instance.announce)?;
    write_vips(f, "vips", &instance.addresses)?;
    write_vips(f, "excluded", &instance.excluded)?;
    write_tracks(f, &instance.track)
}

/// Each in the form in which it is false by default.
const fn flags(instance: &InstanceConfig) -> [(&'static str, bool); 8] {
    [
        ("nopreempt", !instance.preempt),
        ("checksum-as-v2", instance.checksum_as_v2),
        ("lower-prio-no-advert", instance.lower_prio_no_advert),
        ("higher-prio-send-advert", instance.higher_prio_send_advert),
        ("owner-ignore-adverts", instance.owner_ignore_adverts),
        ("check-address-list", instance.check_address_list),
        ("check-unicast-src", instance.check_unicast_src),
        ("no-track-primary", !instance.track_primary),
    ]
}

pub(super) fn read_instance(words: &mut Words<'_>) -> Result<InstanceConfig, LineError> {
    let name = name(words)?;
    let interface = InterfaceId(words.must("if")?);
    let vrid = Vrid::new(words.must("vrid")?).map_err(LineError::new)?;
    let mut instance = InstanceConfig::new(name, interface, vrid, read_vips(words, "vips")?);
    instance.excluded = read_vips(words, "excluded")?;
    if let Some(word) = words.value("family") {
        instance.family = match word {
            "IPv4" => Family::V4,
            "IPv6" => Family::V6,
            other => return Err(LineError::new(format_args!("{other} is neither IPv4 nor IPv6"))),
        };
    }
    if words.flag("v2") {
        instance.version = Version::V2;
    }
    if let Some(priority) = words.maybe("prio")? {
        instance.priority = Priority::new(priority).map_err(LineError::new)?;
    }
    set(&mut instance.interval, words.value("every").map(interval).transpose()?);
    set(&mut instance.down_timer_adverts, words.maybe("down-adverts")?);
    set(&mut instance.destination, words.maybe("to")?.map(Destination::Multicast));
    if let Some(peers) = words.value("peers") {
        instance.destination = Destination::Unicast(words::list(peers, read_peer)?);
    }
    instance.source = words.maybe("source")?;
    set(&mut instance.ttl, words.maybe("ttl")?);
    if let Some(password) = words.value("password") {
        instance.password = Some(Password::new(&words::octets(password)?).map_err(LineError::new)?);
    }
    set(&mut instance.preempt_delay, span(words, "preempt-delay")?);
    instance.preempt = !words.flag("nopreempt");
    instance.checksum_as_v2 = words.flag("checksum-as-v2");
    instance.lower_prio_no_advert = words.flag("lower-prio-no-advert");
    instance.higher_prio_send_advert = words.flag("higher-prio-send-advert");
    instance.owner_ignore_adverts = words.flag("owner-ignore-adverts");
    instance.check_address_list = words.flag("check-address-list");
    instance.check_unicast_src = words.flag("check-unicast-src");
    instance.track_primary = !words.flag("no-track-primary");
    read_schedule(words, &mut instance.announce)?;
    instance.track = read_tracks(words)?;
    Ok(instance)
}

fn write_schedule(f: &mut fmt::Formatter<'_>, schedule: &AnnounceSchedule) -> fmt::Result {
    let plain = AnnounceSchedule::default();
    let mut span = |key, new: Duration, old: Duration| changed(f, key, &Span(new), &Span(old));
    span("master-delay", schedule.master_delay, plain.master_delay)?;
    span("master-refresh", schedule.master_refresh, plain.master_refresh)?;
    span("lower-delay", schedule.lower_prio_delay, plain.lower_prio_delay)?;
    span("garp-interval", schedule.garp_interval, plain.garp_interval)?;
    span("gna-interval", schedule.gna_interval, plain.gna_interval)?;
    changed(f, "master-repeat", &schedule.master_repeat, &plain.master_repeat)?;
    changed(f, "refresh-repeat", &schedule.master_refresh_repeat, &plain.master_refresh_repeat)?;
    changed(f, "lower-repeat", &schedule.lower_prio_repeat, &plain.lower_prio_repeat)
}

fn read_schedule(words: &mut Words<'_>, schedule: &mut AnnounceSchedule) -> Result<(), LineError> {
    set(&mut schedule.master_delay, span(words, "master-delay")?);
    set(&mut schedule.master_refresh, span(words, "master-refresh")?);
    set(&mut schedule.lower_prio_delay, span(words, "lower-delay")?);
    set(&mut schedule.garp_interval, span(words, "garp-interval")?);
    set(&mut schedule.gna_interval, span(words, "gna-interval")?);
    set(&mut schedule.master_repeat, words.maybe("master-repeat")?);
    set(&mut schedule.master_refresh_repeat, words.maybe("refresh-repeat")?);
    set(&mut schedule.lower_prio_repeat, words.maybe("lower-repeat")?);
    Ok(())
}

/// `ADDRESS` or `ADDRESS;MIN;MAX`, the range of TTLs.
#[derive(Clone)]
struct PeerWord<'a>(&'a Peer);

impl fmt::Display for PeerWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Peer { address, min_ttl, max_ttl } = self.0;
        match *self.0 == Peer::new(*address) {
            true => write!(f, "{address}"),
            false => write!(f, "{address};{min_ttl};{max_ttl}"),
        }
    }
}

fn read_peer(word: &str) -> Result<Peer, LineError> {
    let parts: Vec<&str> = word.split(';').collect();
    let ttl = |word| parse("a TTL", word);
    match parts.as_slice() {
        [address] => Ok(Peer::new(parse("peers", address)?)),
        [address, min, max] => {
            Ok(Peer { address: parse("peers", address)?, min_ttl: ttl(min)?, max_ttl: ttl(max)? })
        }
        _ => Err(LineError::new(format_args!("{word} is not ADDRESS or ADDRESS;MIN;MAX"))),
    }
}

/// `ADDRESS/PREFIX@INTERFACE`, then `;brd=…`, `;label=…`, `;scope=…`.
#[derive(Clone)]
pub(super) struct VipWord<'a>(pub(super) &'a Vip);

impl fmt::Display for VipWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Vip { address, prefix, interface, options } = self.0;
        write!(f, "{address}/{prefix}@{interface}")?;
        if let Some(broadcast) = options.broadcast {
            write!(f, ";brd={broadcast}")?;
        }
        if let Some(label) = &options.label {
            write!(f, ";label={}", Word(label.as_str().as_bytes()))?;
        }
        match options.scope {
            0 => Ok(()),
            scope => write!(f, ";scope={scope}"),
        }
    }
}

fn read_vip(word: &str) -> Result<Vip, LineError> {
    let wrong = || LineError::new(format_args!("{word} is not ADDRESS/PREFIX@INTERFACE"));
    let mut parts = word.split(';');
    let (address, place) = parts.next().unwrap_or_default().split_once('/').ok_or_else(wrong)?;
    let (prefix, interface) = place.split_once('@').ok_or_else(wrong)?;
    let address: IpAddr = parse("an address", address)?;
    let mut vip =
        Vip::new(address, parse("a prefix", prefix)?, InterfaceId(parse("an interface", interface)?));
    for part in parts {
        match part.split_once('=') {
            Some(("brd", word)) => vip.options.broadcast = Some(parse("brd", word)?),
            Some(("label", word)) => vip.options.label = Some(parse("label", &words::text(word)?)?),
            Some(("scope", word)) => vip.options.scope = parse("scope", word)?,
            Some(_) | None => return Err(LineError::new(format_args!("{part} is no option of an address"))),
        }
    }
    Ok(vip)
}

fn write_vips(f: &mut fmt::Formatter<'_>, key: &str, vips: &[Vip]) -> fmt::Result {
    match vips {
        [] => Ok(()),
        vips => write!(f, " {key}={}", List(vips.iter().map(VipWord))),
    }
}

fn read_vips(words: &mut Words<'_>, key: &str) -> Result<Vec<Vip>, LineError> {
    words::list(words.value(key).unwrap_or_default(), read_vip)
}
