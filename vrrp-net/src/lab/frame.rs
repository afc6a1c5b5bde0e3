//! A packet, taken apart only as far as a test asks. It shares no code with the encoder and decoder under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{NetSlice, SlicedPacket};
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress};

use super::moment::Moment;

/// A captured Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When the kernel saw it.
    pub at: Moment,
    /// Whether it left through the interface; it came in otherwise.
    pub outgoing: bool,
    /// All its octets.
    pub octets: Vec<u8>,
}

/// The Internet part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip<'a> {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// The protocol behind all extension headers.
    pub protocol: u8,
    /// What that protocol carries.
    pub payload: &'a [u8],
}

/// A VRRP advertisement of version 2 or 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// 2 or 3.
    pub version: u8,
    /// Virtual router id.
    pub vrid: u8,
    /// Priority; 0 resigns.
    pub priority: u8,
    /// Authentication type (version 2).
    pub auth_type: u8,
    /// The interval in the units of its version: seconds (2) or centiseconds (3).
    pub interval: u16,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// The VRRP packet from its first octet on.
    pub octets: Vec<u8>,
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Whether it is a request; a reply otherwise.
    pub request: bool,
    /// The sender's hardware address.
    pub sender_mac: [u8; 6],
    /// The sender's address.
    pub sender: Ipv4Addr,
    /// The hardware address that is asked for or told.
    pub target_mac: [u8; 6],
    /// The address that is asked for or told.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Whether it announces its sender's own address.
    pub fn is_gratuitous(&self) -> bool {
        self.sender == self.target
    }
}

/// An ICMPv6 neighbour advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborAdvert {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// The router, solicited and override bits: 0x80, 0x40, 0x20.
    pub flags: u8,
    /// The address that is told.
    pub target: Ipv6Addr,
    /// The hardware address in its option.
    pub mac: Option<[u8; 6]>,
}

impl Frame {
    /// The sender's hardware address.
    pub fn source_mac(&self) -> Option<[u8; 6]> {
        self.octets.get(6..12)?.try_into().ok()
    }

    /// The Internet packet in it, if it is one and whole.
    pub fn ip(&self) -> Option<Ip<'_>> {
        let packet = SlicedPacket::from_ethernet(&self.octets).ok()?;
        let (source, destination, ttl, payload) = match packet.net? {
            NetSlice::Ipv4(packet) => {
                let header = packet.header();
                let (source, destination) = (header.source_addr().into(), header.destination_addr().into());
                (source, destination, header.ttl(), packet.payload().clone())
            }
            NetSlice::Ipv6(packet) => {
                let header = packet.header();
                let (source, destination) = (header.source_addr().into(), header.destination_addr().into());
                (source, destination, header.hop_limit(), packet.payload().clone())
            }
            NetSlice::Arp(_) => return None,
        };
        Some(Ip { source, destination, ttl, protocol: payload.ip_number.0, payload: payload.payload })
    }

    /// The VRRP advertisement in it.
    pub fn advert(&self) -> Option<Advert> {
        let ip = self.ip().filter(|ip| ip.protocol == VRRP)?;
        let [first, vrid, priority, count, a, b, ..] = *ip.payload else { return None };
        let (version, kind) = (first >> 4, first & 0xf);
        if kind != ADVERTISEMENT {
            return None;
        }
        let (auth_type, interval) = match version {
            2 => (a, u16::from(b)),
            3 => (0, u16::from_be_bytes([a & 0xf, b])),
            _ => return None,
        };
        let width = if ip.source.is_ipv4() { 4 } else { 16 };
        let listed = ip.payload.get(8..8 + usize::from(count) * width)?;
        let address = |octets: &[u8]| match <[u8; 4]>::try_from(octets) {
            Ok(octets) => Some(IpAddr::from(octets)),
            Err(_) => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        };
        Some(Advert {
            source: ip.source,
            destination: ip.destination,
            ttl: ip.ttl,
            version,
            vrid,
            priority,
            auth_type,
            interval,
            addresses: listed.chunks_exact(width).filter_map(address).collect(),
            octets: ip.payload.to_vec(),
        })
    }

    /// The ARP packet in it.
    pub fn arp(&self) -> Option<Arp> {
        if self.octets.get(12..14)? != ETHER_ARP {
            return None;
        }
        let packet = ArpPacket::new_checked(self.octets.get(14..)?).ok()?;
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(sender_mac),
            source_protocol_addr: sender,
            target_hardware_addr: EthernetAddress(target_mac),
            target_protocol_addr: target,
        } = ArpRepr::parse(&packet).ok()?
        else {
            return None;
        };
        Some(Arp { request: operation == ArpOperation::Request, sender_mac, sender, target_mac, target })
    }

    /// The neighbour advertisement in it.
    pub fn neighbor_advert(&self) -> Option<NeighborAdvert> {
        let ip =
            self.ip().filter(|ip| ip.protocol == ICMPV6 && ip.payload.first() == Some(&NEIGHBOR_ADVERT))?;
        let target = <[u8; 16]>::try_from(ip.payload.get(8..24)?).ok()?.into();
        let mac = match *ip.payload.get(24..)? {
            [TARGET_MAC, 1, a, b, c, d, e, f, ..] => Some([a, b, c, d, e, f]),
            _ => None,
        };
        let flags = *ip.payload.get(4)?;
        Some(NeighborAdvert { source: ip.source, destination: ip.destination, flags, target, mac })
    }
}

const VRRP: u8 = 112;
const ADVERTISEMENT: u8 = 1;
const ICMPV6: u8 = 58;
const NEIGHBOR_ADVERT: u8 = 136;
const TARGET_MAC: u8 = 2;
const ETHER_ARP: [u8; 2] = [0x08, 0x06];
