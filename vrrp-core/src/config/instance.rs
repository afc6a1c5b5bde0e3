//! One virtual router as configured.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::tracker::Track;
use crate::types::{Family, InterfaceId, Interval, Password, Priority, Version, Vip, Vrid};

/// What one virtual router is to do (`vrrp_instance`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstanceConfig {
    /// The name, unique among instances.
    pub name: String,
    /// The interface that adverts use.
    pub interface: InterfaceId,
    /// The address family of the adverts.
    pub family: Family,
    /// The protocol version; IPv6 needs version 3.
    pub version: Version,
    /// The identifier that all routers of this virtual router share.
    pub vrid: Vrid,
    /// The configured priority; 255 is the owner of the addresses.
    pub priority: Priority,
    /// The time between our own adverts.
    pub interval: Interval,
    /// Master_Down_Interval is this many intervals and Skew_Time (`down_timer_adverts`); 3 in every RFC, 1 to 100.
    pub down_timer_adverts: u8,
    /// Where adverts go.
    pub destination: Destination,
    /// The source address of adverts; without it, the primary address of the interface
    /// ([`crate::Input::Source`]).
    pub source: Option<IpAddr>,
    /// The TTL or hop limit of our adverts, 255 in every RFC.
    pub ttl: u8,
    /// The simple text password of RFC 2338, VRRPv2 only.
    pub password: Option<Password>,
    /// Whether a router with a higher priority takes over from one with a lower (Preempt_Mode);
    /// the owner always does.
    pub preempt: bool,
    /// How long a lower-priority master that is alive is left alone, from its first advert (`preempt_delay`).
    pub preempt_delay: Duration,
    /// VRRPv3 over IPv4: send the checksum without a pseudo-header, as RFC 9568 has it (`v3_checksum_as_v2`).
    pub checksum_as_v2: bool,
    /// Do not answer a lower-priority advert while MASTER (`lower_prio_no_advert`).
    pub lower_prio_no_advert: bool,
    /// Send one more advert before yielding to a higher priority (`higher_prio_send_advert`).
    pub higher_prio_send_advert: bool,
    /// As owner, ignore all adverts (`owner_ignore_adverts`).
    pub owner_ignore_adverts: bool,
    /// Discard adverts whose address list differs from ours, unless their priority is 255 (RFC 3768 section 7.1).
    pub check_address_list: bool,
    /// In unicast, take adverts from listed peers only (`check_unicast_src`).
    pub check_unicast_src: bool,
    /// Whether the interface going down is a fault (not `dont_track_primary`).
    pub track_primary: bool,
    /// How addresses are announced.
    pub announce: AnnounceSchedule,
    /// The addresses in the adverts, in this order; all of [`InstanceConfig::family`].
    pub addresses: Vec<Vip>,
    /// Addresses that come and go with the others but are in no advert (`virtual_ipaddress_excluded`).
    pub excluded: Vec<Vip>,
    /// What is watched.
    pub track: Vec<Track>,
}

impl InstanceConfig {
    /// An instance with the defaults of RFC 9568: version 3, priority 100, one second, multicast, preempting.
    pub fn new(name: impl Into<String>, interface: InterfaceId, vrid: Vrid, addresses: Vec<Vip>) -> Self {
        let family = addresses.first().map_or(Family::V4, |vip| Family::of(&vip.address));
        Self {
            name: name.into(),
            interface,
            family,
            version: Version::V3,
            vrid,
            priority: Priority::DEFAULT,
            interval: Interval::DEFAULT,
            down_timer_adverts: 3,
            destination: Destination::multicast(family),
            source: None,
            ttl: 255,
            password: None,
            preempt: true,
            preempt_delay: Duration::ZERO,
            checksum_as_v2: false,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            owner_ignore_adverts: false,
            check_address_list: false,
            check_unicast_src: false,
            track_primary: true,
            announce: AnnounceSchedule::default(),
            addresses,
            excluded: Vec::new(),
            track: Vec::new(),
        }
    }
}

/// Where adverts go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // an instance is in exactly one of two modes
pub enum Destination {
    /// To a multicast group on the interface.
    Multicast(IpAddr),
    /// To each peer by itself; our own address among them is passed over.
    Unicast(Vec<Peer>),
}

impl Destination {
    /// The group of VRRP: 224.0.0.18 (RFC 9568 section 5.1.1.2) or ff02::12 (section 5.1.2.2).
    pub const fn multicast(family: Family) -> Self {
        Self::Multicast(match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
        })
    }
}

/// A unicast peer (`unicast_peer`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // an address and the range of its TTL
pub struct Peer {
    /// The address of the peer.
    pub address: IpAddr,
    /// The lowest TTL or hop limit that is accepted (`min_ttl`).
    pub min_ttl: u8,
    /// The highest TTL or hop limit that is accepted (`max_ttl`).
    pub max_ttl: u8,
}

impl Peer {
    /// A peer from which every TTL is accepted: it may be behind a router.
    pub const fn new(address: IpAddr) -> Self {
        Self { address, min_ttl: 0, max_ttl: 255 }
    }
}

/// When and how often the addresses of a MASTER are announced (`garp_*`, `vrrp_gna_interval`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AnnounceSchedule {
    /// From the first set to the second; zero means no second set (`garp_master_delay`).
    pub master_delay: Duration,
    /// Announcements of each address in a set (`garp_master_repeat`).
    pub master_repeat: u8,
    /// From one refresh to the next while MASTER; zero means none (`garp_master_refresh`).
    pub master_refresh: Duration,
    /// Announcements of each address in a refresh (`garp_master_refresh_repeat`).
    pub master_refresh_repeat: u8,
    /// From the set that answers a lower-priority advert to a second one; zero means none
    /// (`garp_lower_prio_delay`).
    pub lower_prio_delay: Duration,
    /// Announcements of each address in a set that answers a lower-priority advert; may be 0
    /// (`garp_lower_prio_repeat`).
    pub lower_prio_repeat: u8,
    /// The gap between gratuitous ARPs on one interface (`vrrp_garp_interval`).
    pub garp_interval: Duration,
    /// The gap between unsolicited neighbour adverts on one interface (`vrrp_gna_interval`).
    pub gna_interval: Duration,
}

impl Default for AnnounceSchedule {
    /// keepalived's: five at once, five more after five seconds, no refresh.
    fn default() -> Self {
        let (delay, repeat) = (Duration::from_secs(5), 5);
        Self {
            master_delay: delay,
            master_repeat: repeat,
            master_refresh: Duration::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: delay,
            lower_prio_repeat: repeat,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
        }
    }
}
