//! A configuration while it is read: what the file says and nothing else, so that inheritance comes at the end.

use std::net::IpAddr;
use std::time::Duration;

use super::command::{Command, UserSpec};
use super::model::{Address, Global, Notify, Peer, Tracked, Weight};
use super::span::{Secret, Span, Spanned};

/// What a block of keywords is read into.
pub(crate) trait Target {
    /// Hears of every keyword of the block, also of one whose value cannot be used.
    fn written(&mut self, _keyword: &'static str) {}
}

impl Target for Draft {}
impl Target for GlobalDraft {}
impl Target for ScriptDraft {}
impl Target for GroupDraft {}

impl Target for InstanceDraft {
    fn written(&mut self, keyword: &'static str) {
        self.written.push(keyword);
    }
}

/// The whole file.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) global: GlobalDraft,
    pub(super) scripts: Vec<ScriptDraft>,
    pub(super) groups: Vec<GroupDraft>,
    pub(super) instances: Vec<InstanceDraft>,
}

/// `global_defs`.
#[derive(Default)]
pub(super) struct GlobalDraft {
    pub(super) done: Global,
    pub(super) inherited: Inherited,
}

/// What an instance takes from `global_defs` unless it says otherwise.
#[derive(Clone, Default)]
pub(super) struct Inherited {
    pub(super) version: Option<Spanned<i64>>,
    pub(super) strict: Option<Spanned<bool>>,
    pub(super) skip_check_addresses: Option<Spanned<bool>>,
    pub(super) check_unicast_source: Option<Spanned<bool>>,
    pub(super) down_timer_adverts: Option<Spanned<i64>>,
    pub(super) lower_priority_no_advert: Option<Spanned<bool>>,
    pub(super) higher_priority_send_advert: Option<Spanned<bool>>,
    pub(super) owner_ignores_adverts: Option<Spanned<bool>>,
    pub(super) checksum_as_v2: Option<Spanned<bool>>,
    pub(super) garp_delay: Option<Spanned<Duration>>,
    pub(super) garp_repeat: Option<Spanned<i64>>,
    pub(super) garp_refresh: Option<Spanned<Duration>>,
    pub(super) garp_refresh_repeat: Option<Spanned<i64>>,
    pub(super) garp_lower_delay: Option<Spanned<Duration>>,
    pub(super) garp_lower_repeat: Option<Spanned<i64>>,
    /// One announcement, no second set; `global_defs` only.
    pub(super) min_garp: Option<Spanned<bool>>,
}

/// `vrrp_script`.
pub(super) struct ScriptDraft {
    pub(super) name: Spanned<String>,
    pub(super) command: Option<Command>,
    pub(super) interval: Option<Spanned<Duration>>,
    pub(super) timeout: Option<Spanned<Duration>>,
    pub(super) weight: Option<Spanned<Weight>>,
    pub(super) rise: Option<Spanned<i64>>,
    pub(super) fall: Option<Spanned<i64>>,
    pub(super) user: Option<UserSpec>,
    pub(super) init_fail: bool,
}

/// `vrrp_sync_group`.
pub(super) struct GroupDraft {
    pub(super) name: Spanned<String>,
    pub(super) members: Vec<Spanned<String>>,
    pub(super) track_interfaces: Vec<Tracked>,
    pub(super) track_scripts: Vec<Tracked>,
    pub(super) tracking_weight: bool,
    pub(super) notify: Notify,
    pub(super) smtp_alert: Option<Spanned<bool>>,
}

/// `vrrp_instance`.
pub(super) struct InstanceDraft {
    pub(super) name: Spanned<String>,
    pub(super) inherited: Inherited,
    /// The keywords that stand in the block.
    pub(super) written: Vec<&'static str>,
    pub(super) interface: Option<Spanned<String>>,
    pub(super) vrid: Option<Spanned<i64>>,
    pub(super) state: Option<Spanned<usize>>,
    pub(super) priority: Option<Spanned<i64>>,
    pub(super) advert: Option<Spanned<Duration>>,
    pub(super) auth_type: Option<Spanned<usize>>,
    pub(super) auth_pass: Option<Spanned<Secret<Vec<u8>>>>,
    pub(super) nopreempt: Option<Spanned<bool>>,
    pub(super) preempt_delay: Option<Spanned<Duration>>,
    pub(super) addresses: Vec<Address>,
    pub(super) excluded: Vec<Address>,
    pub(super) no_addresses: bool,
    pub(super) mcast_source: Option<Spanned<IpAddr>>,
    pub(super) unicast_source: Option<Spanned<IpAddr>>,
    pub(super) peers: Vec<Peer>,
    /// Where `unicast_peer` stands.
    pub(super) unicast: Option<Span>,
    pub(super) unicast_ttl: Option<Spanned<i64>>,
    pub(super) fault_without_peers: bool,
    pub(super) track_interfaces: Vec<Tracked>,
    pub(super) track_scripts: Vec<Tracked>,
    pub(super) ignore_interface: bool,
    pub(super) accept: Option<Spanned<bool>>,
    pub(super) notify: Notify,
    pub(super) smtp_alert: Option<Spanned<bool>>,
}

impl ScriptDraft {
    pub(super) fn new(name: Spanned<String>) -> Self {
        Self {
            name,
            command: None,
            interval: None,
            timeout: None,
            weight: None,
            rise: None,
            fall: None,
            user: None,
            init_fail: false,
        }
    }
}

impl GroupDraft {
    pub(super) fn new(name: Spanned<String>) -> Self {
        Self {
            name,
            members: Vec::new(),
            track_interfaces: Vec::new(),
            track_scripts: Vec::new(),
            tracking_weight: false,
            notify: Notify::default(),
            smtp_alert: None,
        }
    }
}

impl InstanceDraft {
    pub(super) fn new(name: Spanned<String>) -> Self {
        Self {
            name,
            inherited: Inherited::default(),
            written: Vec::new(),
            interface: None,
            vrid: None,
            state: None,
            priority: None,
            advert: None,
            auth_type: None,
            auth_pass: None,
            nopreempt: None,
            preempt_delay: None,
            addresses: Vec::new(),
            excluded: Vec::new(),
            no_addresses: false,
            mcast_source: None,
            unicast_source: None,
            peers: Vec::new(),
            unicast: None,
            unicast_ttl: None,
            fault_without_peers: false,
            track_interfaces: Vec::new(),
            track_scripts: Vec::new(),
            ignore_interface: false,
            accept: None,
            notify: Notify::default(),
            smtp_alert: None,
        }
    }
}
