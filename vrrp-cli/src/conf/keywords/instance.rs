//! Keywords of `vrrp_instance`.

use super::super::draft::InstanceDraft;
use super::form::{Form, Keyword};
use super::{MILLIS, SECS, TRACK_LATER, VMAC_LATER, mail};

const AUTHENTICATION: &[Keyword<InstanceDraft>] = &[
    Keyword::wire("auth_type", Form::Choice(&["PASS", "AH"], |i, v| i.auth_type = Some(v)), "none"),
    Keyword::wire("auth_pass", Form::Secret(|i, v| i.auth_pass = Some(v)), "none; 8 bytes are used"),
];

pub(crate) static INSTANCE: &[Keyword<InstanceDraft>] = &[
    Keyword::carried("state", Form::Choice(&["MASTER", "BACKUP"], |i, v| i.state = Some(v)), "BACKUP"),
    Keyword::wire("interface", Form::Word(|i, v| i.interface = Some(v)), "required"),
    Keyword::wire("virtual_router_id", Form::Number(1, 255, |i, v| i.vrid = Some(v)), "required"),
    Keyword::wire(
        "priority",
        Form::Number(1, 255, |i, v| i.priority = Some(v)),
        "100; 255 with state MASTER",
    ),
    Keyword::wire("advert_int", Form::Seconds(10 * MILLIS, 255 * SECS, |i, v| i.advert = Some(v)), "1"),
    Keyword::wire("version", Form::Number(2, 3, |i, v| i.inherited.version = Some(v)), "vrrp_version"),
    Keyword::carried("nopreempt", Form::Flag(|i, v| i.nopreempt = Some(v)), "off"),
    Keyword::carried("preempt", Form::Flag(|i, v| i.nopreempt = Some(v.map(|_| false))), "on"),
    Keyword::wire("preempt_delay", Form::Seconds(0, 1000 * SECS, |i, v| i.preempt_delay = Some(v)), "0"),
    Keyword::wire("authentication", Form::Block(AUTHENTICATION), "none"),
    Keyword::later_wire_block("auth_hmac", "{ … }", "the peers would refuse every advert"),
    Keyword::carried("virtual_ipaddress", Form::Addresses(|i, v| i.addresses.extend(v)), ""),
    Keyword::carried("virtual_ipaddress_excluded", Form::Addresses(|i, v| i.excluded.extend(v)), ""),
    Keyword::carried("no_virtual_ipaddress", Form::Flag(|i, v| i.no_addresses = v.value), "off"),
    Keyword::later_block(
        "virtual_routes",
        "{ ROUTE… }",
        "routes are not set yet; addresses move all the same",
    ),
    Keyword::later_block("virtual_rules", "{ RULE… }", "rules are not set yet; addresses move all the same"),
    Keyword::wire("track_interface", Form::Tracks(253, |i, v| i.track_interfaces.extend(v)), ""),
    Keyword::wire("track_script", Form::Tracks(253, |i, v| i.track_scripts.extend(v)), ""),
    Keyword::later_wire_block("track_file", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::later_wire_block("track_process", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::later_wire_block("track_bfd", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::later_wire(
        "track_src_ip",
        "",
        "the instance would not leave its state when its source address goes",
    ),
    Keyword::carried("dont_track_primary", Form::Flag(|i, v| i.ignore_interface = v.value), "off"),
    Keyword::wire("unicast_src_ip", Form::Ip(|i, v| i.unicast_source = Some(v)), "the interface's address"),
    Keyword::wire("mcast_src_ip", Form::Ip(|i, v| i.mcast_source = Some(v)), "the interface's address"),
    Keyword::wire(
        "unicast_peer",
        Form::Peers(|i, at, v| {
            i.unicast = Some(at);
            i.peers.extend(v);
        }),
        "none: multicast",
    ),
    Keyword::wire("unicast_ttl", Form::Number(1, 255, |i, v| i.unicast_ttl = Some(v)), "255"),
    Keyword::wire("unicast_fault_no_peer", Form::Flag(|i, v| i.fault_without_peers = v.value), "off"),
    Keyword::carried(
        "check_unicast_src",
        Form::Flag(|i, v| i.inherited.check_unicast_source = Some(v)),
        "vrrp_check_unicast_src",
    ),
    Keyword::later_wire("mcast_dst_ip", "IP", "adverts would go to another group"),
    Keyword::later_wire("old_unicast_checksum", "[never]", "adverts would carry another checksum"),
    Keyword::wire(
        "v3_checksum_as_v2",
        Form::Bool(|i, v| i.inherited.checksum_as_v2 = Some(v)),
        "global v3_checksum_as_v2",
    ),
    Keyword::later_wire("use_vmac", "[[name] IF] [MAC] [netlink_notify_msg] [group G]", VMAC_LATER),
    Keyword::later_wire("use_vmac_addr", "", VMAC_LATER),
    Keyword::later(
        "vmac_xmit_base",
        "",
        "there are no virtual MAC interfaces yet, so all adverts leave as it asks",
    ),
    Keyword::later_wire("use_ipvlan", "[[name] IF] [IP] [bridge|private|vepa] [group G]", VMAC_LATER),
    Keyword::later_wire("vrf", "IF", "adverts would be sent outside of the VRF"),
    Keyword::obsolete("native_ipv6", "", "the family follows from the addresses"),
    Keyword::carried("accept", Form::Flag(|i, v| i.accept = Some(v)), "on; in strict mode off"),
    Keyword::carried(
        "no_accept",
        Form::Flag(|i, v| i.accept = Some(v.map(|_| false))),
        "off; in strict mode on",
    ),
    Keyword::later("promote_secondaries", "", "the interface's setting is left as it is"),
    Keyword::carried(
        "skip_check_adv_addr",
        Form::Bool(|i, v| i.inherited.skip_check_addresses = Some(v)),
        "vrrp_skip_check_adv_addr",
    ),
    Keyword::wire("strict_mode", Form::Bool(|i, v| i.inherited.strict = Some(v)), "vrrp_strict"),
    Keyword::carried(
        "garp_master_delay",
        Form::Seconds(0, 4294 * SECS, |i, v| i.inherited.garp_delay = Some(v)),
        "vrrp_garp_master_delay",
    ),
    Keyword::carried(
        "garp_master_repeat",
        Form::Count(i32::MAX as i64, |i, v| i.inherited.garp_repeat = Some(v)),
        "vrrp_garp_master_repeat",
    ),
    Keyword::carried(
        "garp_master_refresh",
        Form::Seconds(0, u32::MAX as u64 * SECS, |i, v| i.inherited.garp_refresh = Some(v)),
        "vrrp_garp_master_refresh",
    ),
    Keyword::carried(
        "garp_master_refresh_repeat",
        Form::Count(i32::MAX as i64, |i, v| i.inherited.garp_refresh_repeat = Some(v)),
        "vrrp_garp_master_refresh_repeat",
    ),
    Keyword::carried(
        "garp_lower_prio_delay",
        Form::Seconds(0, 4294 * SECS, |i, v| i.inherited.garp_lower_delay = Some(v)),
        "vrrp_garp_lower_prio_delay",
    ),
    Keyword::carried(
        "garp_lower_prio_repeat",
        Form::Number(0, i32::MAX as i64, |i, v| i.inherited.garp_lower_repeat = Some(v)),
        "vrrp_garp_lower_prio_repeat",
    ),
    Keyword::later(
        "garp_extra_if",
        "[all] SECONDS",
        "addresses on other interfaces are announced on change only",
    ),
    Keyword::later("vmac_garp_intvl", "[all] SECONDS", "an old name of garp_extra_if"),
    Keyword::wire(
        "lower_prio_no_advert",
        Form::Bool(|i, v| i.inherited.lower_priority_no_advert = Some(v)),
        "vrrp_lower_prio_no_advert",
    ),
    Keyword::wire(
        "higher_prio_send_advert",
        Form::Bool(|i, v| i.inherited.higher_priority_send_advert = Some(v)),
        "vrrp_higher_prio_send_advert",
    ),
    Keyword::wire(
        "owner_ignore_adverts",
        Form::Bool(|i, v| i.inherited.owner_ignores_adverts = Some(v)),
        "vrrp_owner_ignore_adverts",
    ),
    Keyword::wire(
        "down_timer_adverts",
        Form::Number(1, 100, |i, v| i.inherited.down_timer_adverts = Some(v)),
        "vrrp_down_timer_adverts",
    ),
    Keyword::later(
        "timer_expired_backup",
        "[1 to 254]",
        "after a pause the core listens before it acts, always",
    ),
    Keyword::later("thread_timer_expired", "[1 to 254]", "an old name of timer_expired_backup"),
    Keyword::carried("notify_master", Form::Command(|i| &mut i.notify.master), ""),
    Keyword::carried("notify_backup", Form::Command(|i| &mut i.notify.backup), ""),
    Keyword::carried("notify_fault", Form::Command(|i| &mut i.notify.fault), ""),
    Keyword::carried("notify", Form::Command(|i| &mut i.notify.any), ""),
    Keyword::carried("notify_stop", Form::Command(|i| &mut i.notify.stop), ""),
    Keyword::carried("notify_deleted", Form::Flag(|i, v| i.notify.tells_deleted = v.value), "off"),
    Keyword::carried("notify_master_rx_lower_pri", Form::Command(|i| &mut i.notify.master_rx_lower_pri), ""),
    Keyword::later("notify_priority_changes", "BOOL", "there are no notify FIFOs yet"),
    mail("smtp_alert", Form::Bool(|i, v| i.smtp_alert = Some(v))),
    Keyword::later("lvs_sync_daemon_interface", "IF", "the IPVS synchronisation daemon is not run yet"),
    Keyword::later("kernel_rx_buf_size", "BYTES", "receive buffers are sized by vrrpd itself"),
    Keyword::obsolete("debug", "0 to 4", "keepalived ignores it, too"),
    Keyword::obsolete("linkbeat_use_polling", "", "the kernel reports the state of the link"),
];
