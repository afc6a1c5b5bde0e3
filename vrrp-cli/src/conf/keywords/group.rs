//! Keywords of `vrrp_sync_group`.

use super::super::draft::GroupDraft;
use super::form::{Form, Keyword};
use super::{TRACK_LATER, mail};

pub(crate) static GROUP: &[Keyword<GroupDraft>] = &[
    Keyword::wire("group", Form::List(|g, v| g.members.extend(v)), "required"),
    Keyword::wire("track_interface", Form::Tracks(253, |g, v| g.track_interfaces.extend(v)), ""),
    Keyword::wire("track_script", Form::Tracks(253, |g, v| g.track_scripts.extend(v)), ""),
    Keyword::later_wire_block("track_file", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::later_wire_block("track_process", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::later_wire_block("track_bfd", "{ NAME [weight N]… }", TRACK_LATER),
    Keyword::carried("notify_master", Form::Command(|g| &mut g.notify.master), ""),
    Keyword::carried("notify_backup", Form::Command(|g| &mut g.notify.backup), ""),
    Keyword::carried("notify_fault", Form::Command(|g| &mut g.notify.fault), ""),
    Keyword::carried("notify_stop", Form::Command(|g| &mut g.notify.stop), ""),
    Keyword::carried("notify", Form::Command(|g| &mut g.notify.any), ""),
    Keyword::later("notify_priority_changes", "BOOL", "there are no notify FIFOs yet"),
    mail("smtp_alert", Form::Bool(|g, v| g.smtp_alert = Some(v))),
    Keyword::wire("sync_group_tracking_weight", Form::Flag(|g, v| g.tracking_weight = v.value), "off"),
    Keyword::obsolete("global_tracking", "", "keepalived ignores it, too"),
];
