//! VRRPv2 (RFC 3768 section 5.1, with the authentication of RFC 2338).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+---------------+---------------+
//! | ver 2 | type 1|     VRID      |   priority    |     count     |
//! +-------+-------+---------------+---------------+---------------+
//! |   auth type   |  interval, s  |           checksum            |
//! +---------------+---------------+-------------------------------+
//! |                  IPv4 address (1) to (count)                  |
//! +---------------------------------------------------------------+
//! |        authentication data, eight octets, always there        |
//! |                                                               |
//! +---------------------------------------------------------------+
//! ```
//!
//! The checksum covers all of it and has no pseudo-header.

use super::advert::Auth;
use super::checksum::verify_message;
use super::{Advert, Expect, FIXED_LEN, Reject, TYPE_ADVERT, address_len};
use crate::{Family, Interval, Version};

/// The octets of authentication data behind the addresses.
pub(super) const AUTH_LEN: usize = 8;

/// Judges a message whose version has been seen to be 2.
pub(super) fn parse<'a>(payload: &'a [u8], expect: &Expect) -> Result<Advert<'a>, Reject> {
    let Some((fixed, rest)) = payload.split_first_chunk::<FIXED_LEN>() else {
        return Err(Reject::length(payload.len(), FIXED_LEN));
    };
    let [version_and_type, vrid, priority, count, auth_type, secs, _, _] = *fixed;
    let list_len = usize::from(count) * address_len(Family::V4);
    let complete = rest
        .split_at_checked(list_len)
        .and_then(|(addresses, data)| Some((addresses, data.try_into().ok()?)));
    let Some((addresses, data)) = complete else {
        return Err(Reject::length(payload.len(), FIXED_LEN + list_len + AUTH_LEN));
    };
    if version_and_type & 0x0f != TYPE_ADVERT {
        return Err(Reject::Type { found: version_and_type & 0x0f });
    }
    let form = verify_message(payload)?;
    if count == 0 && !expect.empty {
        return Err(Reject::CountZero);
    }
    let interval = Interval::from_secs(secs).map_err(|_| Reject::IntervalZero)?;
    let auth = Some(Auth { kind: auth_type, data });
    Ok(Advert {
        version: Version::V2,
        family: Family::V4,
        vrid,
        priority,
        count,
        interval,
        form,
        auth,
        addresses,
    })
}
