//! VRRPv3 (RFC 9568 section 5.1), the same over IPv4 and IPv6.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+---------------+---------------+
//! | ver 3 | type 1|     VRID      |   priority    |     count     |
//! +-------+-------+---------------+---------------+---------------+
//! |reserve|     interval, cs      |           checksum            |
//! +-------+-----------------------+-------------------------------+
//! |              IPv4 or IPv6 address (1) to (count)              |
//! +---------------------------------------------------------------+
//! ```
//!
//! Over IPv6 the first address is link-local. The checksum covers all of it; over IPv6 with the pseudo-header
//! of RFC 8200 section 8.1, over IPv4 with or without one.

use super::checksum::{verify_either, verify_pseudo_header};
use super::{Advert, Expect, FIXED_LEN, Header, Reject, TYPE_ADVERT, address_len};
use crate::{Family, Interval, Version};

/// The part of octets 4 and 5 that is the interval; the rest is reserved and not looked at.
const INTERVAL_MASK: u16 = 0x0fff;

/// Judges a message whose version has been seen to be 3.
pub(super) fn parse<'a>(header: &Header, payload: &'a [u8], expect: &Expect) -> Result<Advert<'a>, Reject> {
    let family = header.family();
    let Some((fixed, addresses)) = payload.split_first_chunk::<FIXED_LEN>() else {
        return Err(Reject::length(payload.len(), FIXED_LEN));
    };
    let [version_and_type, vrid, priority, count, interval_high, interval_low, _, _] = *fixed;
    let list_len = usize::from(count) * address_len(family);
    if addresses.len() != list_len {
        return Err(Reject::length(payload.len(), FIXED_LEN + list_len));
    }
    if version_and_type & 0x0f != TYPE_ADVERT {
        return Err(Reject::Type { found: version_and_type & 0x0f });
    }
    let form = match family {
        Family::V4 => verify_either(payload, header.source, header.destination, expect.form)?,
        Family::V6 => verify_pseudo_header(payload, header.source, header.destination)?,
    };
    if count == 0 && !expect.empty {
        return Err(Reject::CountZero);
    }
    let centis = u16::from_be_bytes([interval_high, interval_low]) & INTERVAL_MASK;
    let interval = Interval::from_centis(centis).map_err(|_| Reject::IntervalZero)?;
    Ok(Advert { version: Version::V3, family, vrid, priority, count, interval, form, auth: None, addresses })
}
