//! A configuration as values: what the file says, after inheritance and without anything that was refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use vrrp_core::{Family, Version};

use super::command::{Command, UserSpec};
use super::span::{Secret, Span, Spanned};

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Settings of the whole daemon.
    pub global: Global,
    /// Checks, in the order of the file.
    pub scripts: Vec<Script>,
    /// Groups of instances that change state together.
    pub groups: Vec<Group>,
    /// Virtual routers, in the order of the file.
    pub instances: Vec<Instance>,
}

/// `global_defs`, without what instances inherit.
#[derive(Clone, Debug, Default)]
pub struct Global {
    /// The name in mails.
    pub router_id: Option<Spanned<String>>,
    /// Mail settings, for the mailer.
    pub mail: Mail,
    /// Who commands run as if they do not say so.
    pub script_user: Option<UserSpec>,
    /// Commands of root in places that others can write to are refused.
    pub script_security: bool,
    /// Programs run by their paths as they are written, not by what symbolic links led to when the file was read.
    pub symlink_paths: bool,
    /// The interface of addresses that name none and have no instance interface.
    pub default_interface: Option<Spanned<String>>,
    /// Interfaces may be missing.
    pub dynamic_interfaces: bool,
    /// The name of the nftables tables that keep addresses from answering.
    pub filter_table: Option<String>,
    /// VRRP is held back this long after the start.
    pub startup_delay: Duration,
    /// Destination of IPv4 adverts.
    pub group4: Option<Spanned<Ipv4Addr>>,
    /// Destination of IPv6 adverts.
    pub group6: Option<Spanned<Ipv6Addr>>,
    /// The gap between two gratuitous ARPs on one interface.
    pub garp_interval: Duration,
    /// The gap between two unsolicited neighbour adverts on one interface.
    pub gna_interval: Duration,
}

/// Mail settings of `global_defs`.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Who gets mails.
    pub to: Vec<Spanned<String>>,
    /// The sender.
    pub from: Option<Spanned<String>>,
    /// Host and port of the relay.
    pub server: Vec<Spanned<String>>,
    /// The name to greet with.
    pub helo: Option<Spanned<String>>,
    /// How long to wait for the relay.
    pub connect_timeout: Option<Duration>,
    /// The default of every `smtp_alert`.
    pub alert: Option<bool>,
    /// The default of every `smtp_alert` of VRRP.
    pub alert_vrrp: Option<bool>,
    /// No mail about FAULT.
    pub no_faults: bool,
}

/// What a tracked thing does to the priority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weight {
    /// −253 to 253; 0 means FAULT on failure.
    pub value: i16,
    /// Success and failure change places.
    pub reverse: bool,
}

/// A `vrrp_script`.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name.
    pub name: Spanned<String>,
    /// What is run.
    pub command: Command,
    /// From one start to the next.
    pub interval: Duration,
    /// How long a run may take.
    pub timeout: Duration,
    /// What its result does.
    pub weight: Weight,
    /// Successes in a row until it counts as up.
    pub rise: u32,
    /// Failures in a row until it counts as down.
    pub fall: u32,
    /// It counts as failed until it has succeeded.
    pub init_fail: bool,
}

/// A thing that an instance or group watches.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// Its name.
    pub name: Spanned<String>,
    /// The weight that stands beside it, if any.
    pub weight: Option<Weight>,
}

/// Commands that are run on a change of state.
#[derive(Clone, Debug, Default)]
pub struct Notify {
    /// On MASTER.
    pub master: Option<Command>,
    /// On BACKUP.
    pub backup: Option<Command>,
    /// On FAULT.
    pub fault: Option<Command>,
    /// When the daemon stops.
    pub stop: Option<Command>,
    /// On every change, with four more arguments.
    pub any: Option<Command>,
    /// When a master hears an advert of lower priority; instances only.
    pub master_rx_lower_pri: Option<Command>,
    /// An instance that a reload removes is reported as DELETED, not as FAULT; instances only.
    pub tells_deleted: bool,
}

/// A `vrrp_sync_group`.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: Spanned<String>,
    /// Its members; each is the name of an instance.
    pub members: Vec<Spanned<String>>,
    /// Interfaces watched for every member.
    pub track_interfaces: Vec<Tracked>,
    /// Scripts watched for every member.
    pub track_scripts: Vec<Tracked>,
    /// Members keep the weights of their own trackers.
    pub tracking_weight: bool,
    /// Commands of the group.
    pub notify: Notify,
    /// Mail on changes.
    pub smtp_alert: bool,
}

/// The state an instance wishes to start in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Waits for silence of the master.
    Backup,
    /// As backup, except for an address owner.
    Master,
}

/// The whole announce schedule of an instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Announce {
    /// From the first set to the second; zero means that there is no second.
    pub delay: Duration,
    /// Announcements per address and set.
    pub repeat: u8,
    /// Announces again so often while master; zero means never.
    pub refresh: Duration,
    /// Announcements per address at a refresh.
    pub refresh_repeat: u8,
    /// As `delay`, after an advert of lower priority was heard.
    pub lower_priority_delay: Duration,
    /// As `repeat`, after an advert of lower priority was heard.
    pub lower_priority_repeat: u8,
}

/// A peer of an instance that sends unicast.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: Spanned<IpAddr>,
    /// The lowest TTL or hop limit accepted from it.
    pub min_ttl: Option<u8>,
    /// The highest TTL or hop limit accepted from it.
    pub max_ttl: Option<u8>,
}

/// A line of an address block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// The length of its prefix.
    pub prefix: u8,
    /// The interface that it is put on, if it is not the instance's.
    pub dev: Option<Spanned<String>>,
    /// Its label.
    pub label: Option<String>,
    /// Its broadcast address.
    pub broadcast: Option<Ipv4Addr>,
    /// Its scope, as the kernel counts: 0 is global, 253 link, 254 host.
    pub scope: Option<u8>,
    /// The state of its interface does not matter to the instance.
    pub no_track: bool,
    /// Where it stands.
    pub span: Span,
}

/// A `vrrp_instance`, with everything it inherits.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its name.
    pub name: Spanned<String>,
    /// The interface of its adverts.
    pub interface: Option<Spanned<String>>,
    /// The virtual router identifier.
    pub vrid: Spanned<u8>,
    /// The version of the protocol.
    pub version: Version,
    /// The family of the virtual router: that of its first address.
    pub family: Family,
    /// The state it wishes to start in.
    pub state: State,
    /// 1 to 255.
    pub priority: u8,
    /// The advert interval in centiseconds, as the version can carry it.
    pub advert_centis: u16,
    /// The password of VRRPv2.
    pub password: Option<Secret<[u8; 8]>>,
    /// A backup of higher priority lets the master be.
    pub nopreempt: bool,
    /// How long a backup of higher priority lets the master be.
    pub preempt_delay: Duration,
    /// Addresses that stand in the adverts.
    pub addresses: Vec<Address>,
    /// Addresses that do not.
    pub excluded: Vec<Address>,
    /// That there is no address is intended.
    pub no_addresses: bool,
    /// The source of multicast adverts.
    pub mcast_source: Option<Spanned<IpAddr>>,
    /// The source of unicast adverts.
    pub unicast_source: Option<Spanned<IpAddr>>,
    /// Adverts are sent to peers, not to the group.
    pub unicast: bool,
    /// Peers, without the host itself as far as `unicast_source` says who that is.
    pub peers: Vec<Peer>,
    /// The TTL or hop limit of unicast adverts.
    pub unicast_ttl: u8,
    /// Without peers the instance is in FAULT instead of using multicast.
    pub fault_without_peers: bool,
    /// Unicast adverts are taken from peers only.
    pub check_unicast_source: bool,
    /// Interfaces watched, without the instance's own.
    pub track_interfaces: Vec<Tracked>,
    /// Scripts watched.
    pub track_scripts: Vec<Tracked>,
    /// The state of the instance's own interface does not matter.
    pub ignore_interface: bool,
    /// RFC-strict mode.
    pub strict: bool,
    /// Packets to the addresses are answered.
    pub accept: bool,
    /// The address list of an advert is not compared while the master stays the same.
    pub skip_check_addresses: bool,
    /// Adverts missed until the master counts as gone.
    pub down_timer_adverts: u8,
    /// An advert of lower priority is not answered.
    pub lower_priority_no_advert: bool,
    /// One advert is sent before yielding to a higher priority.
    pub higher_priority_send_advert: bool,
    /// The address owner ignores all adverts.
    pub owner_ignores_adverts: bool,
    /// The VRRPv3 checksum over IPv4 is sent without pseudo header.
    pub checksum_as_v2: bool,
    /// When addresses are announced.
    pub announce: Announce,
    /// Commands of the instance.
    pub notify: Notify,
    /// Mail on changes.
    pub smtp_alert: bool,
}
