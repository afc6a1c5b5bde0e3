//! Payloads into our types, through neli's parsers, which are total on a payload that has been cut out for them.
//!
//! Numbers and names are read from the octets of an attribute: neli's own conversion of an empty string panics.

use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use neli::FromBytesWithInput;
use neli::consts::nl::NlmsgerrAttr;
use neli::consts::rtnl::{Ifa, Ifla, IflaInfo, RtaType};
use neli::genl::Nlattr;
use neli::rtnl::{Ifaddrmsg, Ifinfomsg, Rtattr};
use neli::types::{Buffer, GenlBuffer, RtBuffer};

use super::address::Address;
use super::frame::number_u32;
use super::link::Link;

/// What the kernel answered: done, or why not.
pub(super) struct Verdict {
    pub(super) errno: Option<i32>,
    pub(super) explanation: Option<String>,
}

/// Reads `NLMSG_ERROR` and the number that `NLMSG_DONE` carries.
pub(super) fn verdict(payload: &[u8], flags: u16) -> Option<Verdict> {
    let number = number_u32(payload)?.cast_signed();
    let errno = (number != 0).then(|| number.wrapping_neg());
    Some(Verdict { errno, explanation: explanation(payload, flags) })
}

/// An interface; nothing for a message of another family, as a bridge sends about its ports.
pub(super) fn link(payload: &[u8]) -> Option<Link> {
    let message = Ifinfomsg::from_bytes_with_input(&mut Cursor::new(payload), payload.len()).ok()?;
    if u8::from(*message.ifi_family()) != libc::AF_UNSPEC as u8 {
        return None;
    }
    let attributes = message.rtattrs();
    let number = |kind| find(attributes, kind).and_then(number_u32);
    Some(Link {
        index: u32::try_from(*message.ifi_index()).ok()?,
        name: text(find(attributes, Ifla::Ifname)?),
        flags: message.ifi_flags().bits(),
        operstate: find(attributes, Ifla::Operstate).and_then(|octets| octets.first().copied()).unwrap_or(0),
        mac: find(attributes, Ifla::Address).and_then(|octets| octets.try_into().ok()),
        mtu: number(Ifla::Mtu).unwrap_or(0),
        master: number(Ifla::Master).filter(|index| *index != 0),
        lower: number(Ifla::Link).filter(|index| *index != 0),
        kind: find(attributes, Ifla::Linkinfo).and_then(link_kind),
        group: number(Ifla::Group).unwrap_or(0),
    })
}

/// An IPv4 or IPv6 address.
pub(super) fn address(payload: &[u8]) -> Option<Address> {
    let message = Ifaddrmsg::from_bytes_with_input(&mut Cursor::new(payload), payload.len()).ok()?;
    let attributes = message.rtattrs();
    let ip = |kind| find(attributes, kind).and_then(ip);
    let (local, other) = (ip(Ifa::Local), ip(Ifa::Address));
    let address = local.or(other)?;
    let (preferred, valid) = find(attributes, Ifa::Cacheinfo).map_or((None, None), |octets| {
        let seconds =
            |at: usize| octets.get(at..).and_then(number_u32).filter(|seconds| *seconds != u32::MAX);
        (seconds(0), seconds(4))
    });
    Some(Address {
        index: *message.ifa_index(),
        address,
        prefix: *message.ifa_prefixlen(),
        peer: other.filter(|other| *other != address),
        broadcast: match ip(Ifa::Broadcast) {
            Some(IpAddr::V4(broadcast)) => Some(broadcast),
            Some(IpAddr::V6(_)) | None => None,
        },
        label: find(attributes, Ifa::Label).map(text),
        scope: u8::from(*message.ifa_scope()),
        flags: find(attributes, Ifa::Flags)
            .and_then(number_u32)
            .unwrap_or(u32::from(message.ifa_flags().bits())),
        protocol: find(attributes, Ifa::from(IFA_PROTO))
            .and_then(|octets| octets.first().copied())
            .unwrap_or(0),
        preferred,
        valid,
    })
}

/// `IFA_PROTO` of `<linux/if_addr.h>`, Linux 5.18.
pub(super) const IFA_PROTO: u16 = 11;

const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;
const HEADER: usize = 16;

/// The kernel's words stand behind the number and the request that is sent back: all of it, or its header when the
/// answer says so or is an acknowledgement.
fn explanation(payload: &[u8], flags: u16) -> Option<String> {
    if flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let request = payload.get(4..)?;
    let length =
        if flags & NLM_F_CAPPED != 0 { HEADER } else { usize::try_from(number_u32(request)?).ok()? };
    let words = request.get(length.checked_next_multiple_of(4)?..)?;
    let attributes =
        GenlBuffer::<NlmsgerrAttr, Buffer>::from_bytes_with_input(&mut Cursor::new(words), words.len())
            .ok()?;
    let message = |attribute: &&Nlattr<NlmsgerrAttr, Buffer>| {
        u16::from(*attribute.nla_type().nla_type()) == u16::from(NlmsgerrAttr::Msg)
    };
    attributes.iter().find(message).map(|attribute| text(attribute.nla_payload().as_ref()))
}

fn find<T: RtaType + PartialEq>(attributes: &RtBuffer<T, Buffer>, kind: T) -> Option<&[u8]> {
    attributes.iter().find(|attribute| *attribute.rta_type() == kind).map(octets)
}

fn octets<T>(attribute: &Rtattr<T, Buffer>) -> &[u8] {
    attribute.rta_payload().as_ref()
}

fn link_kind(info: &[u8]) -> Option<String> {
    let info =
        RtBuffer::<IflaInfo, Buffer>::from_bytes_with_input(&mut Cursor::new(info), info.len()).ok()?;
    find(&info, IflaInfo::Kind).map(text)
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(|octets| Ipv4Addr::from(octets).into()),
        16 => <[u8; 16]>::try_from(octets).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

fn text(octets: &[u8]) -> String {
    let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_payload_makes_a_decoder_panic(payload in proptest::collection::vec(any::<u8>(), 0..200), flags: u16) {
            let _ = link(&payload);
            let _ = address(&payload);
            let _ = verdict(&payload, flags);
        }

        #[test]
        fn no_attributes_make_a_decoder_panic(
            attributes in proptest::collection::vec((0..30_u16, 0..48_u16, any::<[u8; 20]>()), 0..8),
            header: [u8; 16],
        ) {
            let mut tail = Vec::new();
            for (length, kind, octets) in attributes {
                tail.extend(length.to_ne_bytes());
                tail.extend(kind.to_ne_bytes());
                tail.extend(octets.iter().take(usize::from(length).saturating_sub(4).next_multiple_of(4)));
            }
            let with = |header: &[u8]| [header, &tail].concat();
            let _ = link(&with(&header));
            let _ = link(&with(&[0; 16]));
            let _ = address(&with(&header[..8]));
            let _ = verdict(&with(&header[..4]), NLM_F_ACK_TLVS | NLM_F_CAPPED);
            let _ = verdict(&with(&[[1; 4].as_slice(), &16_u32.to_ne_bytes(), &header[4..]].concat()), NLM_F_ACK_TLVS);
        }
    }
}
