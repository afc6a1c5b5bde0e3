//! Keywords of `vrrp_script`.

use super::super::draft::ScriptDraft;
use super::form::{Form, Keyword};
use super::{MILLIS, SECS};

pub(crate) static SCRIPT: &[Keyword<ScriptDraft>] = &[
    Keyword::carried("script", Form::PlainCommand(|s| &mut s.command), "required"),
    Keyword::carried("interval", Form::Seconds(MILLIS, 4294 * SECS, |s, v| s.interval = Some(v)), "1"),
    Keyword::carried("timeout", Form::Seconds(MILLIS, 4294 * SECS, |s, v| s.timeout = Some(v)), "interval"),
    Keyword::wire("weight", Form::Weight(253, |s, v| s.weight = Some(v)), "0: failure is FAULT"),
    Keyword::wire("rise", Form::Number(1, i32::MAX as i64, |s, v| s.rise = Some(v)), "1"),
    Keyword::wire("fall", Form::Number(1, i32::MAX as i64, |s, v| s.fall = Some(v)), "1"),
    Keyword::carried("user", Form::User(|s, v| s.user = Some(v)), "script_user"),
    Keyword::carried("init_fail", Form::Flag(|s, v| s.init_fail = v.value), "off"),
];
