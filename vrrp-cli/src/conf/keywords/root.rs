//! Keywords outside of every block.

use super::super::draft::Draft;
use super::form::{Form, Keyword};

const LVS: &str = "the load balancer has an issue of its own; VRRP runs without it";
const STATIC: &str = "static addresses, routes and rules are not set yet";
const TRACKER: &str = "nothing that is carried out can track it yet";

pub(crate) static ROOT: &[Keyword<Draft>] = &[
    Keyword::carried("global_defs", Form::Root("{ … }", |r, s, d| r.global_defs(s, d)), ""),
    Keyword::later_wire(
        "net_namespace",
        "NAME",
        "adverts and addresses would go to another network namespace",
    ),
    Keyword::later("net_namespace_ipvs", "[NAME]", LVS),
    Keyword::later("namespace_with_ipsets", "", "no ipsets are used"),
    Keyword::later("instance", "NAME", "it names pid files; give them with -p"),
    Keyword::later("use_pid_dir", "", "give the pid file with -p"),
    Keyword::later("child_wait_time", "SECONDS", "there are no child processes"),
    Keyword::obsolete("linkbeat_use_polling", "", "the kernel reports the state of the link"),
    Keyword::later_block("linkbeat_interfaces", "{ IF [MII|ETHTOOL|IOCTL]… }", "the kernel reports the link"),
    Keyword::later_wire_block(
        "interface_up_down_delays",
        "{ IF DOWN [UP]… }",
        "an instance would leave its state earlier than it is told to",
    ),
    Keyword::later_block("static_ipaddress", "{ ADDRESS… }", STATIC),
    Keyword::later_block("static_routes", "{ ROUTE… }", STATIC),
    Keyword::later_block("static_rules", "{ RULE… }", STATIC),
    Keyword::later_block("track_group", "NAME { group { NAME… } }", STATIC),
    Keyword::later_block("track_file", "NAME { … }", TRACKER),
    Keyword::later_block("vrrp_track_file", "NAME { … }", TRACKER),
    Keyword::carried("vrrp_script", Form::Root("NAME { … }", |r, s, d| r.vrrp_script(s, d)), ""),
    Keyword::later_block("vrrp_track_process", "NAME { … }", TRACKER),
    Keyword::later_block("bfd_instance", "NAME { … }", TRACKER),
    Keyword::wire("vrrp_sync_group", Form::Root("NAME { … }", |r, s, d| r.vrrp_sync_group(s, d)), ""),
    Keyword::later_block("garp_group", "{ … }", "announcements are paced by vrrp_garp_interval alone"),
    Keyword::wire("vrrp_instance", Form::Root("NAME { … }", |r, s, d| r.vrrp_instance(s, d)), ""),
    Keyword::later_block("virtual_server_group", "NAME { … }", LVS),
    Keyword::later_block("virtual_server", "IP PORT|fwmark N|group NAME { … }", LVS),
    Keyword::later_block("SSL", "{ … }", LVS),
];
