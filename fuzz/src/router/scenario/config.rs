//! Small configurations: few instances, but every option of them.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use vrrp_core::{
    Config, Destination, Family, GroupConfig, InstanceConfig, InterfaceConfig, InterfaceId, Interval,
    Password, Peer, Priority, RouterConfig, ScriptConfig, Track, TrackerConfig, TrackerKind, Version, Vip,
    Vrid,
};

use super::packet;

/// A configuration, or none when its parts do not fit together.
pub(crate) fn config(bytes: &mut Unstructured<'_>) -> Result<Option<Config>> {
    let mut config = RouterConfig::new();
    for (id, name) in [(1, "one"), (2, "two")] {
        let mut interface = InterfaceConfig::new(InterfaceId(id), name);
        if bytes.int_in_range(0..=15_u8)? == 0 {
            interface.mtu = bytes.arbitrary()?;
        }
        config.interfaces.push(interface);
    }
    for number in 0..bytes.int_in_range(0..=3_u8)? {
        config.trackers.push(TrackerConfig::new(format!("t{number}"), tracker(bytes)?));
    }
    for number in 0..bytes.int_in_range(1..=4_u8)? {
        config.instances.push(instance(bytes, number, config.trackers.len())?);
    }
    let mut members: Vec<usize> = (0..config.instances.len()).collect();
    for number in 0..bytes.int_in_range(0..=2_u8)? {
        let size = bytes.int_in_range(0..=members.len())?;
        let mut group = GroupConfig::new(format!("g{number}"), members.split_off(members.len() - size));
        group.track = tracks(bytes, config.trackers.len())?;
        config.groups.push(group);
    }
    if bytes.int_in_range(0..=7_u8)? == 0 {
        config.startup_delay = Duration::from_millis(bytes.arbitrary::<u16>()?.into());
    }
    Ok(Config::new(config).ok())
}

pub(super) fn family(bytes: &mut Unstructured<'_>) -> Result<Family> {
    Ok(if bytes.ratio(1, 3)? { Family::V6 } else { Family::V4 })
}

fn tracker(bytes: &mut Unstructured<'_>) -> Result<TrackerKind> {
    Ok(match bytes.int_in_range(0..=2_u8)? {
        0 => TrackerKind::External,
        1 => TrackerKind::Interface(super::interface(bytes)?),
        _ => {
            let mut script = ScriptConfig::new(millis(bytes)?);
            script.timeout = millis(bytes)?;
            (script.rise, script.fall) = (bytes.int_in_range(1..=3)?, bytes.int_in_range(1..=3)?);
            script.init_fail = bytes.arbitrary()?;
            TrackerKind::Script(script)
        }
    })
}

fn instance(bytes: &mut Unstructured<'_>, number: u8, trackers: usize) -> Result<InstanceConfig> {
    let (interface, family) = (super::interface(bytes)?, family(bytes)?);
    let vrid = Vrid::new(bytes.int_in_range(1..=3)?).expect("not zero");
    let addresses = vips(bytes, family, interface)?;
    let mut config = InstanceConfig::new(format!("i{number}"), interface, vrid, addresses);
    config.family = family;
    config.destination = Destination::multicast(family);
    if family == Family::V4 && bytes.arbitrary()? {
        config.version = Version::V2;
    }
    config.priority = match bytes.int_in_range(0..=3_u8)? {
        0 => Priority::OWNER,
        1 => Priority::new(bytes.int_in_range(1..=255)?).expect("not zero"),
        _ => Priority::DEFAULT,
    };
    config.interval = match (config.version, bytes.int_in_range(0..=3_u8)?) {
        (Version::V2, 0) => Interval::from_secs(bytes.int_in_range(1..=255)?).expect("not zero"),
        (Version::V3, 0) => Interval::from_centis(bytes.int_in_range(1..=4095)?).expect("not zero"),
        (Version::V2 | Version::V3, _) => Interval::DEFAULT,
    };
    config.down_timer_adverts = if bytes.ratio(1, 8)? { bytes.int_in_range(1..=100)? } else { 3 };
    if bytes.ratio(1, 3)? {
        let peers = (0..bytes.int_in_range(0..=3_u8)?)
            .map(|_| {
                let peer = Peer::new(packet::host(family, bytes.int_in_range(1..=4)?));
                Ok(Peer { min_ttl: if bytes.ratio(1, 4)? { bytes.arbitrary()? } else { 0 }, ..peer })
            })
            .collect::<Result<_>>()?;
        config.destination = Destination::Unicast(peers);
    }
    if bytes.ratio(1, 4)? {
        config.source = Some(packet::host(family, 1));
    }
    if config.version == Version::V2 && bytes.ratio(1, 3)? {
        config.password = Password::new(b"s3cr3t").ok();
    }
    let flags: u16 = bytes.arbitrary()?;
    config.preempt = flags & 1 == 0;
    config.checksum_as_v2 = flags & 2 != 0;
    config.lower_prio_no_advert = flags & 4 != 0;
    config.higher_prio_send_advert = flags & 8 != 0;
    config.owner_ignore_adverts = flags & 16 != 0;
    config.check_address_list = flags & 32 != 0;
    config.check_unicast_src = flags & 64 != 0;
    config.track_primary = flags & 128 == 0;
    if flags & 256 != 0 {
        config.preempt_delay = millis(bytes)?;
    }
    if flags & 512 != 0 {
        let announce = &mut config.announce;
        (announce.master_delay, announce.master_refresh) = (millis(bytes)?, millis(bytes)?);
        (announce.master_repeat, announce.master_refresh_repeat) = (bytes.arbitrary()?, bytes.arbitrary()?);
        (announce.lower_prio_delay, announce.lower_prio_repeat) = (millis(bytes)?, bytes.arbitrary()?);
    }
    if flags & 1024 != 0 {
        let family = self::family(bytes)?;
        let interface = super::interface(bytes)?;
        config.excluded = vips(bytes, family, interface)?;
    }
    config.track = tracks(bytes, trackers)?;
    Ok(config)
}

fn vips(bytes: &mut Unstructured<'_>, family: Family, interface: InterfaceId) -> Result<Vec<Vip>> {
    let first: u8 = bytes.int_in_range(100..=103)?;
    let count = if bytes.ratio(1, 32)? { 140 } else { bytes.int_in_range(0..=3)? };
    Ok((first..first + count).map(|host| Vip::new(packet::host(family, host), 24, interface)).collect())
}

fn tracks(bytes: &mut Unstructured<'_>, trackers: usize) -> Result<Vec<Track>> {
    if trackers == 0 {
        return Ok(Vec::new());
    }
    let track = |bytes: &mut Unstructured<'_>| {
        let weight = if bytes.arbitrary()? { 0 } else { bytes.int_in_range(-253..=253)? };
        let tracker = bytes.choose_index(trackers)?;
        Ok(Track { reverse: bytes.ratio(1, 4)?, ..Track::new(tracker, weight) })
    };
    (0..bytes.int_in_range(0..=2_u8)?).map(|_| track(bytes)).collect()
}

/// From 1 ms to about a minute, and sometimes nothing.
fn millis(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_millis(bytes.arbitrary::<u16>()?.into()))
}
