//! Our types into payloads, through neli's builders.

use std::io::Cursor;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use neli::consts::rtnl::{
    Ifa, Iff, Ifla, IflaInfo, RtAddrFamily, RtScope, RtTable, Rta, RtaType, Rtn, Rtprot,
};
use neli::rtnl::{IfaddrmsgBuilder, Ifinfomsg, IfinfomsgBuilder, Rtattr, RtattrBuilder, RtmsgBuilder};
use neli::types::{Buffer, RtBuffer};
use neli::{Size, ToBytes, neli_enum};

use super::address::Address;
use super::decode::IFA_PROTO;
use super::link::{LinkChange, LinkKind, MacvlanMode, NewLink, Peer};
use super::route::Route;

type Payload = Result<Vec<u8>, String>;

pub(super) fn link_dump() -> Payload {
    payload(&ifinfo(0, [attribute(Ifla::ExtMask, SKIP_STATISTICS)])?)
}

pub(super) fn link_named(name: &str) -> Payload {
    payload(&ifinfo(0, [interface_name(name), attribute(Ifla::ExtMask, SKIP_STATISTICS)])?)
}

pub(super) fn link_numbered(index: u32) -> Payload {
    payload(&ifinfo(index, [])?)
}

pub(super) fn link_group(group: u32) -> Payload {
    payload(&ifinfo(0, [attribute(Ifla::Group, group)])?)
}

pub(super) fn new_link(link: &NewLink<'_>) -> Payload {
    let mut attributes = vec![interface_name(link.name)?];
    let (name, data) = match &link.kind {
        LinkKind::Bridge => {
            ("bridge", nested(IflaInfo::Data, &attribute(InfoBridge::MulticastSnooping, 0_u8)?)?)
        }
        LinkKind::Macvlan { parent, mode } => {
            let mode: u32 = match mode {
                MacvlanMode::Private => 1,
                MacvlanMode::Vepa => 2,
                MacvlanMode::Bridge => 4,
            };
            attributes.push(attribute(Ifla::Link, *parent)?);
            ("macvlan", nested(IflaInfo::Data, &attribute(InfoMacvlan::Mode, mode)?)?)
        }
        LinkKind::Veth { peer } => {
            ("veth", nested(IflaInfo::Data, &attribute(InfoVeth::Peer, Buffer::from(peer_message(peer)?))?)?)
        }
    };
    attributes.push(nested(Ifla::Linkinfo, &attribute(IflaInfo::Kind, name)?)?.nest(&data).map_err(words)?);
    if let Some(mac) = link.mac {
        attributes.push(attribute(Ifla::Address, mac)?);
    }
    if let Some(mtu) = link.mtu {
        attributes.push(attribute(Ifla::Mtu, mtu)?);
    }
    if link.group != 0 {
        attributes.push(attribute(Ifla::Group, link.group)?);
    }
    attributes.extend(namespace(link.namespace).transpose()?);
    payload(&ifinfo(0, attributes.into_iter().map(Ok))?)
}

pub(super) fn change_link(index: u32, change: &LinkChange<'_>) -> Payload {
    let mut attributes = Vec::new();
    attributes.extend(change.name.map(interface_name).transpose()?);
    attributes.extend(change.mac.map(|mac| attribute(Ifla::Address, mac)).transpose()?);
    attributes.extend(change.mtu.map(|mtu| attribute(Ifla::Mtu, mtu)).transpose()?);
    attributes.extend(change.master.map(|master| attribute(Ifla::Master, master)).transpose()?);
    attributes.extend(namespace(change.namespace).transpose()?);
    let message = IfinfomsgBuilder::default()
        .ifi_family(RtAddrFamily::Unspecified)
        .ifi_index(signed(index)?)
        .rtattrs(attributes.into_iter().collect());
    let message = match change.up {
        Some(true) => message.up(),
        Some(false) => message.down(),
        None => message.ifi_flags(Iff::empty()),
    };
    payload(&message.build().map_err(words)?)
}

pub(super) fn no_link_local(index: u32) -> Payload {
    let inet6 =
        nested(Ifla::from(libc::AF_INET6 as u16), &attribute(Inet6::AddressGeneration, GENERATE_NONE)?)?;
    payload(&ifinfo(index, [nested(Ifla::AfSpec, &inet6)])?)
}

pub(super) fn port_state(index: u32, state: u8) -> Payload {
    let protocol = Ifla::from(u16::from(Ifla::Protinfo) | NESTED);
    let message = IfinfomsgBuilder::default()
        .ifi_family(RtAddrFamily::from(libc::AF_BRIDGE as u8))
        .ifi_index(signed(index)?)
        .rtattrs([nested(protocol, &attribute(InfoPort::State, state)?)?].into_iter().collect())
        .build()
        .map_err(words)?;
    payload(&message)
}

/// `index` 0: the addresses of all interfaces.
pub(super) fn address_dump(index: u32) -> Payload {
    let message = IfaddrmsgBuilder::default()
        .ifa_family(RtAddrFamily::Unspecified)
        .ifa_prefixlen(0)
        .ifa_scope(RtScope::Universe)
        .ifa_index(index)
        .build()
        .map_err(words)?;
    payload(&message)
}

pub(super) fn address(address: &Address) -> Payload {
    let peer = address.peer.unwrap_or(address.address);
    let mut attributes = vec![ip(Ifa::Local, address.address)?, ip(Ifa::Address, peer)?];
    attributes.extend(address.broadcast.map(|broadcast| ip(Ifa::Broadcast, broadcast.into())).transpose()?);
    if let Some(label) = &address.label {
        attributes.push(attribute(Ifa::Label, label.as_str())?);
    }
    attributes.push(attribute(Ifa::Flags, address.flags)?);
    if address.protocol != 0 {
        // A kernel before 5.18 skips it.
        attributes.push(attribute(Ifa::from(IFA_PROTO), address.protocol)?);
    }
    if address.preferred.is_some() || address.valid.is_some() {
        let seconds = |lifetime: Option<u32>| lifetime.unwrap_or(u32::MAX).to_ne_bytes();
        let cache = [seconds(address.preferred), seconds(address.valid), [0; 4], [0; 4]].concat();
        attributes.push(attribute(Ifa::Cacheinfo, cache)?);
    }
    let message = IfaddrmsgBuilder::default()
        .ifa_family(family(address.address))
        .ifa_prefixlen(address.prefix)
        .ifa_scope(RtScope::from(address.scope))
        .ifa_index(address.index)
        .rtattrs(attributes.into_iter().collect())
        .build()
        .map_err(words)?;
    payload(&message)
}

pub(super) fn route(route: &Route) -> Payload {
    let mut attributes = vec![attribute(Rta::Table, route.table)?];
    if route.prefix > 0 {
        attributes.push(ip_route(Rta::Dst, route.destination)?);
    }
    attributes.extend(route.via.map(|via| ip_route(Rta::Gateway, via)).transpose()?);
    attributes.extend(route.index.map(|index| attribute(Rta::Oif, index)).transpose()?);
    let message = RtmsgBuilder::default()
        .rtm_family(family(route.destination))
        .rtm_dst_len(route.prefix)
        .rtm_src_len(0)
        .rtm_tos(0)
        .rtm_table(RtTable::Unspec)
        .rtm_protocol(Rtprot::from(route.protocol))
        .rtm_scope(if route.via.is_some() { RtScope::Universe } else { RtScope::Link })
        .rtm_type(Rtn::Unicast)
        .rtattrs(attributes.into_iter().collect())
        .build()
        .map_err(words)?;
    payload(&message)
}

/// `IFLA_MACVLAN_*` of `<linux/if_link.h>`.
#[neli_enum(serialized_type = "u16")]
enum InfoMacvlan {
    Mode = 1,
}
impl RtaType for InfoMacvlan {}

/// `VETH_INFO_*` of `<linux/veth.h>`.
#[neli_enum(serialized_type = "u16")]
enum InfoVeth {
    Peer = 1,
}
impl RtaType for InfoVeth {}

/// `IFLA_BR_*` of `<linux/if_link.h>`.
#[neli_enum(serialized_type = "u16")]
enum InfoBridge {
    MulticastSnooping = 23,
}
impl RtaType for InfoBridge {}

/// `IFLA_BRPORT_*` of `<linux/if_link.h>`.
#[neli_enum(serialized_type = "u16")]
enum InfoPort {
    State = 1,
}
impl RtaType for InfoPort {}

/// `IFLA_INET6_*` of `<linux/if_link.h>`.
#[neli_enum(serialized_type = "u16")]
enum Inet6 {
    AddressGeneration = 8,
}
impl RtaType for Inet6 {}

const GENERATE_NONE: u8 = 1;
/// `RTEXT_FILTER_SKIP_STATS`.
const SKIP_STATISTICS: u32 = 1 << 3;
const NESTED: u16 = libc::NLA_F_NESTED as u16;
/// `IFNAMSIZ` less the zero at its end.
const NAME_MAX: usize = 15;

fn ifinfo(
    index: u32,
    attributes: impl IntoIterator<Item = Result<Rtattr<Ifla, Buffer>, String>>,
) -> Result<Ifinfomsg, String> {
    IfinfomsgBuilder::default()
        .ifi_family(RtAddrFamily::Unspecified)
        .ifi_index(signed(index)?)
        .rtattrs(attributes.into_iter().collect::<Result<RtBuffer<_, _>, _>>()?)
        .build()
        .map_err(words)
}

fn peer_message(peer: &Peer<'_>) -> Payload {
    let mut attributes = vec![interface_name(peer.name)?];
    attributes.extend(peer.mac.map(|mac| attribute(Ifla::Address, mac)).transpose()?);
    attributes.extend(namespace(peer.namespace).transpose()?);
    payload(&ifinfo(0, attributes.into_iter().map(Ok))?)
}

fn interface_name(name: &str) -> Result<Rtattr<Ifla, Buffer>, String> {
    match name.len() {
        1..=NAME_MAX if !name.contains('\0') => attribute(Ifla::Ifname, name),
        length => Err(format!(
            "the name {name:?} has {length} octets, 1 to {NAME_MAX} are allowed, none of them zero"
        )),
    }
}

fn namespace(fd: Option<BorrowedFd<'_>>) -> Option<Result<Rtattr<Ifla, Buffer>, String>> {
    fd.map(|fd| attribute(Ifla::NetNsFd, fd.as_raw_fd().cast_unsigned()))
}

fn ip(kind: Ifa, address: IpAddr) -> Result<Rtattr<Ifa, Buffer>, String> {
    match address {
        IpAddr::V4(address) => attribute(kind, address.octets()),
        IpAddr::V6(address) => attribute(kind, address.octets()),
    }
}

fn ip_route(kind: Rta, address: IpAddr) -> Result<Rtattr<Rta, Buffer>, String> {
    match address {
        IpAddr::V4(address) => attribute(kind, address.octets()),
        IpAddr::V6(address) => attribute(kind, address.octets()),
    }
}

fn family(address: IpAddr) -> RtAddrFamily {
    match address {
        IpAddr::V4(_) => RtAddrFamily::Inet,
        IpAddr::V6(_) => RtAddrFamily::Inet6,
    }
}

fn signed(index: u32) -> Result<i32, String> {
    i32::try_from(index).map_err(|_| format!("interface number {index} is larger than {}", i32::MAX))
}

fn attribute<T: RtaType, P: Size + ToBytes>(kind: T, value: P) -> Result<Rtattr<T, Buffer>, String> {
    RtattrBuilder::default().rta_type(kind).rta_payload(value).build().map_err(words)
}

fn nested<T: RtaType, U: RtaType>(kind: T, inner: &Rtattr<U, Buffer>) -> Result<Rtattr<T, Buffer>, String> {
    attribute(kind, Buffer::new())?.nest(inner).map_err(words)
}

fn payload(message: &impl ToBytes) -> Payload {
    let mut buffer = Cursor::new(Vec::new());
    message.to_bytes(&mut buffer).map_err(words)?;
    Ok(buffer.into_inner())
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
