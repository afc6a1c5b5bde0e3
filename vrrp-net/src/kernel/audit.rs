//! Looking at the whole: what the kernel holds is read, compared with what is wanted, and put in order.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use vrrp_core::{InterfaceId, Time};

use super::carry::{Work, address};
use super::{AUDIT, Fact, Forwarding, Kernel, Snapshot};
use crate::clock;
use crate::netlink::{Address, Error, Link, flag, protocol};
use crate::queue::Refused;

impl Kernel {
    /// Compares and repairs, and tells the packet thread how the interfaces are.
    pub(super) fn audit(&mut self) {
        // Questions that come while the kernel answers are not answered by this.
        let (asked, asked_at) = (self.snapshots_asked(), clock::now());
        let known = self.request.links().and_then(|links| Ok((links, self.request.addresses(None)?)));
        let (links, addresses) = match known {
            Ok(known) => known,
            Err(error) => return self.audit_later(error),
        };
        let renamed: Vec<_> = self.links.iter().filter(|(_, old)| is_renamed(old, &links)).cloned().collect();
        self.abandon(&renamed, &addresses);
        self.links = self.planned_links(links);
        self.compare(&addresses);
        self.silence();
        self.listen();
        let snapshot = self.snapshot(asked_at, addresses);
        match self.facts.send(Fact::Snapshot(Box::new(snapshot))) {
            Ok(()) => self.snapshots_given = asked,
            // Its receivers must not be lost. What it says is asked again.
            Err(Refused::Full(fact) | Refused::Gone(fact)) => {
                if let Fact::Snapshot(snapshot) = fact {
                    self.opened.extend(snapshot.receivers);
                }
                self.no_answer_before = clock::now() + AGAIN;
            }
        }
        self.next_audit = clock::now() + AUDIT;
        let [now, before] = &mut self.complaints;
        *before = std::mem::take(now);
    }

    fn audit_later(&mut self, error: Error) {
        self.complain(None, error.to_string());
        self.no_answer_before = clock::now() + AGAIN;
        self.next_audit = self.no_answer_before;
    }

    /// Takes our addresses away from interfaces that have another name now: by that name nobody looks after them, and
    /// another host may be master of them.
    fn abandon(&mut self, renamed: &[(InterfaceId, Link)], addresses: &[Address]) {
        let mut unwanted = Vec::new();
        for (interface, link) in renamed {
            for work in &self.works {
                let vips = work.holding().vips.iter().enumerate();
                for (_, vip) in
                    vips.filter(|(place, vip)| vip.interface == *interface && !work.hosts_own.contains(place))
                {
                    let wanted = address(vip, link.index);
                    unwanted.extend(addresses.iter().find(|there| there.is_same(&wanted)).cloned());
                }
            }
        }
        if let Err(error) = self.request.remove_addresses(&unwanted, |_, _| {}) {
            self.complain(None, error.to_string());
        }
    }

    fn planned_links(&self, links: Vec<Link>) -> Vec<(InterfaceId, Link)> {
        let planned = |link: Link| {
            let plan = self.plan.interfaces.iter().find(|(_, name)| **name == *link.name)?;
            Some((plan.0, link))
        };
        links.into_iter().filter_map(planned).collect()
    }

    /// Has what is missing added, and removes what nobody wants.
    fn compare(&mut self, addresses: &[Address]) {
        let mut present: Vec<_> =
            addresses.iter().filter(|there| there.flags & flag::DADFAILED == 0).map(key).collect();
        present.sort_unstable();
        let mut unwanted = Vec::new();
        for at in 0..self.works.len() {
            let Some(work) = self.works.get(at) else { continue };
            let holding = work.holding().clone();
            let (wants, first_look) = (work.wants(), !work.looked_at);
            let mut hosts_own = work.hosts_own.clone();
            let mut missing = false;
            for (place, vip) in holding.vips.iter().enumerate() {
                let Some(index) = self.index_of(vip.interface) else { continue };
                let wanted = address(vip, index);
                let there = present.binary_search(&key(&wanted)).is_ok();
                if wants {
                    missing |= !there;
                    holding.set_held(place, there);
                } else if there && first_look && holding.owner && !is_marked(addresses, &wanted) {
                    hosts_own.push(place);
                } else if there && !hosts_own.contains(&place) && !self.is_wanted(vip) {
                    unwanted.push(wanted);
                }
            }
            if let Some(work) = self.works.get_mut(at) {
                work.looked_at = true;
                work.hosts_own = hosts_own;
                if missing {
                    work.repair();
                }
            }
        }
        let failed = addresses.iter().filter(|there| there.flags & flag::DADFAILED != 0);
        unwanted.extend(failed.filter(|there| self.is_planned(there)).cloned());
        if let Err(error) = self.request.remove_addresses(&unwanted, |_, _| {}) {
            self.complain(None, error.to_string());
        }
    }

    /// Whether an address of the kernel is one that an instance wants.
    fn is_planned(&self, there: &Address) -> bool {
        self.works.iter().filter(|work| work.wants()).any(|work| {
            let mut vips = work.holding().vips.iter();
            vips.any(|vip| {
                self.index_of(vip.interface).is_some_and(|index| address(vip, index).is_same(there))
            })
        })
    }

    /// Without the virtual addresses that no host can be known by, which may be thousands.
    fn snapshot(&mut self, asked_at: Time, mut addresses: Vec<Address>) -> Snapshot {
        let others = self.works.iter().map(Work::holding).filter(|holding| !holding.owner);
        let mut virtual_addresses: Vec<_> =
            others.flat_map(|holding| &holding.vips).map(|vip| vip.address).collect();
        virtual_addresses.sort_unstable();
        addresses.retain(|address| {
            self.links.iter().any(|(_, link)| link.index == address.index)
                && virtual_addresses.binary_search(&address.address).is_err()
        });
        let links = self.links.iter().map(|(id, link)| (*id, link.clone(), forwarding(&link.name))).collect();
        Snapshot { asked_at, links, addresses, receivers: std::mem::take(&mut self.opened) }
    }
}

/// How long the kernel, or the packet thread, is left alone after it could not answer or listen.
const AGAIN: Duration = Duration::from_millis(20);

/// Whether an interface is there by another name.
fn is_renamed(before: &Link, links: &[Link]) -> bool {
    links.iter().any(|link| link.index == before.index && link.name != before.name)
}

/// What makes two addresses one to the kernel.
fn key(address: &Address) -> (u32, IpAddr, u8) {
    let prefix = if address.address.is_ipv6() { 128 } else { address.prefix };
    (address.index, address.address, prefix)
}

/// Whether the kernel holds an address with our mark on it.
fn is_marked(addresses: &[Address], wanted: &Address) -> bool {
    let mut same = addresses.iter().filter(|there| there.is_same(wanted));
    same.any(|there| there.protocol == protocol::KEEPALIVED)
}

fn forwarding(name: &str) -> Forwarding {
    // A name has no slash; where there is no IPv6 there is no file, and nothing to advertise.
    let file = Path::new("/proc/sys/net/ipv6/conf").join(name).join("forwarding");
    Forwarding(std::fs::read_to_string(file).is_ok_and(|text| text.trim() != "0"))
}
