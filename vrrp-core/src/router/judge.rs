//! The receive rules (RFC 9568 section 7.1 with errata 8298 to 8301, RFC 3768 section 7.1): the first rule
//! that a packet breaks is counted, and nothing else changes.

use core::net::IpAddr;

use super::queue::Told;
use super::{Phase, Router};
use crate::config::Destination;
use crate::event::InstanceEvent;
use crate::input::Packet;
use crate::instance::Instance;
use crate::types::Version;
use crate::wire::{self, Advert, ChecksumForm, Expect, Header, Reject};

impl Router {
    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.stats.packets += 1;
        let (header, payload) = match packet.datagram.split() {
            Ok(parts) => parts,
            Err(reject) => return self.reject(None, reject),
        };
        if !matches!(self.phase, Phase::Running) {
            return self.reject(Some(header.source), Reject::NotReady);
        }
        let Some(position) = self.addressee(packet, &header, payload) else {
            return self.reject(Some(header.source), unknown(&header, payload));
        };
        let Some(instance) = self.instances.get_mut(position) else { return };
        let (now, received, id) = (self.now, packet.received.min(self.now), instance.id);
        let events = &mut self.events;
        let mut tell = |what: InstanceEvent| events.push(Told::Instance(id, what));
        let verdict = judge(instance, &header, payload)
            .and_then(|advert| instance.receive(now, received, header.source, &advert, &mut tell));
        if let Err(reject) = verdict {
            instance.stats.rejected.count(reject);
            if instance.told.first(reject) {
                tell(InstanceEvent::Rejected { source: header.source, reject });
            }
            return;
        }
        self.after(position);
    }

    /// The instance that a packet is for. Where several share interface, family and VRID, it is the one that
    /// the destination and the peers fit; then the one whose source the packet was sent to; a packet that fits
    /// none is counted with the last one configured.
    fn addressee(&self, packet: &Packet<'_>, header: &Header, payload: &[u8]) -> Option<usize> {
        let vrid = wire::peek_vrid(payload)?;
        let all = || self.demux.find(packet.interface, header.family(), vrid);
        let first = all().next()?;
        let find = |fits: fn(&Instance, &Header) -> bool| {
            all().find(|position| self.instances.get(*position).is_some_and(|i| fits(i, header)))
        };
        let is_sent_to = |instance: &Instance, header: &Header| instance.source == Some(header.destination);
        Some(find(is_meant).or_else(|| find(is_sent_to)).unwrap_or(first))
    }

    fn reject(&mut self, source: Option<IpAddr>, reject: Reject) {
        self.stats.rejected.count(reject);
        if self.told.first(reject) {
            self.events.push(Told::Rejected(source, reject));
        }
    }
}

fn is_meant(instance: &Instance, header: &Header) -> bool {
    match &instance.config.destination {
        Destination::Multicast(group) => header.destination == *group,
        Destination::Unicast(peers) => {
            !header.destination.is_multicast() && peers.iter().any(|peer| peer.address == header.source)
        }
    }
}

/// What is wrong with a packet that no instance is configured for: a corrupt VRID is a checksum error.
fn unknown(header: &Header, payload: &[u8]) -> Reject {
    let ttl = match header.destination.is_multicast() {
        true => ttl_in(header, wire::TTL, wire::TTL),
        false => Ok(()),
    };
    let empty = Expect { empty: true, ..Expect::ANY };
    let judged = header.check_source().and(ttl).and_then(|()| wire::parse(header, payload, &empty).map(drop));
    judged.err().unwrap_or(Reject::Vrid { found: wire::peek_vrid(payload).unwrap_or(0) })
}

fn judge<'a>(instance: &Instance, header: &Header, payload: &'a [u8]) -> Result<Advert<'a>, Reject> {
    let config = &instance.config;
    check_destination(&config.destination, header)?;
    if instance.source == Some(header.source) {
        return Err(Reject::OwnSource);
    }
    header.check_source()?;
    check_ttl(instance, header)?;
    let expect = Expect {
        version: Some(config.version),
        form: ChecksumForm::Either,
        empty: config.addresses.is_empty(),
    };
    let advert = wire::parse(header, payload, &expect)?;
    if instance.priority.is_owner() && (config.version == Version::V2 || config.owner_ignore_adverts) {
        return Err(Reject::Owner);
    }
    advert.authenticate(config.password.as_ref())?;
    advert.agrees_on_interval(config.interval)?;
    let tolerated = !config.check_address_list || advert.priority() == u8::MAX;
    if !tolerated && !advert.holds_in_any_order(instance.template.addresses()) {
        return Err(Reject::AddressList);
    }
    Ok(advert)
}

fn check_destination(ours: &Destination, header: &Header) -> Result<(), Reject> {
    match (ours, header.destination.is_multicast()) {
        (Destination::Multicast(group), true) if *group == header.destination => Ok(()),
        (Destination::Unicast(_), false) => Ok(()),
        (Destination::Multicast(_), true) => Err(Reject::Destination),
        (Destination::Multicast(_), false) | (Destination::Unicast(_), true) => Err(Reject::Mode),
    }
}

/// A TTL of 255 proves that the sender is on the link. A listed peer may be behind routers; from anybody else
/// unicast is taken only from the link, and not at all with `check_unicast_src`.
fn check_ttl(instance: &Instance, header: &Header) -> Result<(), Reject> {
    match &instance.config.destination {
        Destination::Multicast(_) => ttl_in(header, wire::TTL, wire::TTL),
        Destination::Unicast(peers) => match peers.iter().find(|peer| peer.address == header.source) {
            Some(peer) => ttl_in(header, peer.min_ttl, peer.max_ttl),
            None if instance.config.check_unicast_src => Err(Reject::UnlistedPeer),
            None => ttl_in(header, wire::TTL, wire::TTL),
        },
    }
}

fn ttl_in(header: &Header, min: u8, max: u8) -> Result<(), Reject> {
    match (min..=max).contains(&header.ttl) {
        true => Ok(()),
        false => Err(Reject::Ttl { found: header.ttl, min, max }),
    }
}
