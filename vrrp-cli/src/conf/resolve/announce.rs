//! The announce schedule of an instance.

use std::time::Duration;

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::draft::Inherited;
use super::super::model::Announce;
use super::super::severity::Code;
use super::super::span::Spanned;

/// What the instance says, then `global_defs`, then the mode, then keepalived's defaults.
pub(super) fn announce(
    own: &Inherited,
    global: &Inherited,
    strict: bool,
    diagnostics: &mut Diagnostics,
) -> Announce {
    // RFC 9568 section 6.4.2 announces once; so does whoever asks for few announcements.
    let few = strict || global.min_garp.is_some_and(|few| few.value);
    let span = |own: Option<Spanned<Duration>>, global: Option<Spanned<Duration>>| {
        own.or(global).map(|value| value.value)
    };
    let mut count = |own: Option<Spanned<i64>>, global: Option<Spanned<i64>>| {
        let value = own.or(global)?;
        Some(u8::try_from(value.value).unwrap_or_else(|_| {
            let message = format!("{} announcements in a row are too many; 255 are sent", value.value);
            diagnostics.push(Diagnostic::at(Code::Adjusted, value.span, message));
            u8::MAX
        }))
    };
    let delay = span(own.garp_delay, global.garp_delay).unwrap_or(match few {
        true => Duration::ZERO,
        false => Duration::from_secs(5),
    });
    let repeat = count(own.garp_repeat, global.garp_repeat).unwrap_or(if few { 1 } else { 5 });
    Announce {
        delay,
        repeat,
        refresh: span(own.garp_refresh, global.garp_refresh).unwrap_or(Duration::ZERO),
        refresh_repeat: count(own.garp_refresh_repeat, global.garp_refresh_repeat).unwrap_or(1),
        lower_priority_delay: span(own.garp_lower_delay, global.garp_lower_delay).unwrap_or(delay),
        lower_priority_repeat: count(own.garp_lower_repeat, global.garp_lower_repeat).unwrap_or(repeat),
    }
}
