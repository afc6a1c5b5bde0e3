//! The frames themselves, built by smoltcp.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
    Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscRepr,
};

use super::Port;

/// An Ethernet frame that announces an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    octets: [u8; ROOM],
    length: usize,
    ether_type: u16,
    destination: EthernetAddress,
}

impl Frame {
    pub(super) fn announce(address: IpAddr, port: &Port) -> Self {
        match address {
            IpAddr::V4(address) => Self::gratuitous_arp(address, port),
            IpAddr::V6(address) => Self::neighbor_advert(address, port),
        }
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&self.octets)
    }

    pub(super) fn ether_type(&self) -> u16 {
        self.ether_type
    }

    pub(super) fn destination(&self) -> [u8; 6] {
        self.destination.0
    }

    /// A request from the address about itself, to everybody: the form that keepalived sends (RFC 5227 section 3).
    fn gratuitous_arp(address: Ipv4Addr, port: &Port) -> Self {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: EthernetAddress(port.mac),
            source_protocol_addr: address,
            target_hardware_addr: EthernetAddress::BROADCAST,
            target_protocol_addr: address,
        };
        Self::new(port, EthernetAddress::BROADCAST, EthernetProtocol::Arp, arp.buffer_len(), |payload| {
            arp.emit(&mut ArpPacket::new_unchecked(payload));
        })
    }

    /// To all nodes, with the override flag (RFC 4861 section 7.2.6).
    fn neighbor_advert(address: Ipv6Addr, port: &Port) -> Self {
        let mut flags = NdiscNeighborFlags::OVERRIDE;
        flags.set(NdiscNeighborFlags::ROUTER, port.router);
        let advert = Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
            flags,
            target_addr: address,
            lladdr: Some(EthernetAddress(port.mac).into()),
        });
        let ip = Ipv6Repr {
            src_addr: address,
            dst_addr: ALL_NODES,
            next_header: IpProtocol::Icmpv6,
            payload_len: advert.buffer_len(),
            hop_limit: 255,
        };
        let length = ip.buffer_len() + advert.buffer_len();
        Self::new(port, ALL_NODES_MAC, EthernetProtocol::Ipv6, length, |payload| {
            let mut packet = Ipv6Packet::new_unchecked(payload);
            ip.emit(&mut packet);
            let mut message = Icmpv6Packet::new_unchecked(packet.payload_mut());
            advert.emit(&address, &ALL_NODES, &mut message, &ChecksumCapabilities::default());
        })
    }

    fn new(
        port: &Port,
        destination: EthernetAddress,
        ethertype: EthernetProtocol,
        payload: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Self {
        let header = EthernetRepr { src_addr: EthernetAddress(port.mac), dst_addr: destination, ethertype };
        let mut octets = [0; ROOM];
        let length = header.buffer_len() + payload;
        let room = octets.get_mut(..length).expect("both kinds of frame fit in the room made for them");
        let mut frame = EthernetFrame::new_unchecked(room);
        header.emit(&mut frame);
        write(frame.payload_mut());
        Self { octets, length, ether_type: ethertype.into(), destination }
    }
}

/// A neighbour advert with its option: 14 + 40 + 32 octets.
const ROOM: usize = 86;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: EthernetAddress = EthernetAddress([0x33, 0x33, 0, 0, 0, 1]);

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Port = Port { index: 3, mac: [2, 0, 0, 0, 0, 9], router: false };

    #[test]
    fn a_gratuitous_arp_asks_everybody_about_its_own_address() {
        let frame = Frame::announce([192, 0, 2, 7].into(), &PORT);
        let mac = PORT.mac;
        let mut expected = vec![0xff; 6];
        expected.extend(mac);
        expected.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        expected.extend(mac);
        expected.extend([192, 0, 2, 7]);
        expected.extend([0xff; 6]);
        expected.extend([192, 0, 2, 7]);
        assert_eq!(frame.octets(), expected);
        assert_eq!((frame.ether_type(), frame.destination()), (0x0806, [0xff; 6]));
    }

    #[test]
    fn a_neighbour_advert_overrides_and_says_whether_a_router_speaks() {
        let address: Ipv6Addr = "2001:db8::7".parse().expect("an address");
        for router in [false, true] {
            let frame = Frame::announce(address.into(), &Port { router, ..PORT });
            let octets = frame.octets();
            assert_eq!(octets.len(), 86);
            assert_eq!(octets[..6], [0x33, 0x33, 0, 0, 0, 1]);
            assert_eq!(octets[21], 255, "hop limit");
            assert_eq!(octets[22..38], address.octets(), "from the address itself");
            assert_eq!(octets[54], 136);
            assert_eq!(octets[58], if router { 0xa0 } else { 0x20 });
            assert_eq!(octets[62..78], address.octets());
            assert_eq!(octets[78..], [2, 1, 2, 0, 0, 0, 0, 9]);
        }
    }
}
