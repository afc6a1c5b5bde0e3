//! Carrying wishes out, chunk by chunk, the newest wish first to count.

use std::sync::Arc;
use std::time::Duration;

use vrrp_core::{Time, Vip};

use super::Kernel;
use super::holding::{Holding, Wish};
use crate::clock;
use crate::netlink::{self, Address, Outcome};

/// An instance's addresses on their way to be as it wishes.
#[derive(Clone, Debug)]
pub(super) struct Work {
    holding: Arc<Holding>,
    /// The wish that is carried out, or was.
    wish: Wish,
    losses: u64,
    state: State,
    /// When to try again what the kernel refused, and how long to wait after that.
    retry: Option<(Time, Duration)>,
    /// Addresses that the host had before us, by place.
    pub(super) hosts_own: Vec<usize>,
    /// Whether the kernel's addresses were compared with these once.
    pub(super) looked_at: bool,
    /// Whether the plan says that nothing of this is wanted any more.
    pub(super) retired: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Settled,
    /// At the address with this place.
    Adding(usize),
    Removing(usize),
}

impl Work {
    pub(super) fn new(holding: Arc<Holding>) -> Self {
        Self {
            holding,
            wish: Wish::default(),
            losses: 0,
            state: State::Settled,
            retry: None,
            hosts_own: Vec::new(),
            looked_at: false,
            retired: false,
        }
    }

    /// Work on the addresses of a new configuration: what was the host's own under the old one still is.
    pub(super) fn inherit(holding: Arc<Holding>, before: &[Self]) -> Self {
        let was_hosts_own = |vip: &Vip| {
            let mut own = before
                .iter()
                .flat_map(|work| work.hosts_own.iter().filter_map(|place| work.holding.vips.get(*place)));
            own.any(|own| is_same(own, vip))
        };
        let vips = (0..).zip(&holding.vips);
        let hosts_own = vips.filter(|(_, vip)| was_hosts_own(vip)).map(|(place, _)| place).collect();
        Self { hosts_own, ..Self::new(holding) }
    }

    pub(super) fn holding(&self) -> &Arc<Holding> {
        &self.holding
    }

    /// Whether its addresses are wanted, as far as is known here.
    pub(super) fn wants(&self) -> bool {
        self.wish.wanted
    }

    pub(super) fn is_removing(&self) -> bool {
        matches!(self.state, State::Removing(_))
    }

    pub(super) fn retry_at(&self) -> Option<Time> {
        self.retry.map(|(at, _)| at)
    }

    /// Whether there is something to do.
    pub(super) fn has_news(&self) -> bool {
        self.state != State::Settled
            || self.newest_wish() != self.wish
            || self.holding.losses() != self.losses
    }

    fn newest_wish(&self) -> Wish {
        let wish = self.holding.wish();
        Wish { wanted: wish.wanted && !self.retired, ..wish }
    }

    /// Has the addresses that are missing added, without a new wish.
    pub(super) fn repair(&mut self) {
        if self.state == State::Settled {
            self.state = State::Adding(0);
        }
    }

    /// Takes a new wish, a loss, or the time to try again.
    fn look(&mut self, now: Time) {
        let wish = self.newest_wish();
        if wish != self.wish {
            self.wish = wish;
            self.retry = None;
            self.state = match wish.wanted {
                true => State::Adding(0),
                false => State::Removing(0),
            };
        }
        if self.state != State::Settled {
            // A loss in the middle of it is looked at behind its end, or the end might never come.
            return;
        }
        let losses = self.holding.losses();
        let again = losses != self.losses || self.retry.is_some_and(|(at, _)| at <= now);
        self.losses = losses;
        if again && self.wish.wanted {
            // Everything is asked for again: what is there says so at little cost, and nothing has to be believed.
            self.state = State::Adding(0);
        }
    }
}

impl Kernel {
    /// Carries wishes out until none is left: one chunk of each instance in turn, so that a thousand addresses of one
    /// do not keep the one address of another waiting, and removals before additions.
    pub(super) fn work_off(&mut self) {
        let mut filter_changes = false;
        loop {
            let now = clock::now();
            let silent_work = self.has_silent_work();
            self.works.iter_mut().for_each(|work| work.look(now));
            if silent_work {
                self.silence();
                filter_changes = true;
            }
            let mut busy = false;
            for removing in [true, false] {
                for at in 0..self.works.len() {
                    busy |= match self.works.get(at).map(|work| work.state) {
                        Some(State::Removing(place)) if removing => self.remove(at, place),
                        Some(State::Adding(place)) if !removing => self.add(at, place),
                        Some(State::Settled | State::Removing(_) | State::Adding(_)) | None => false,
                    };
                }
            }
            if !busy {
                break;
            }
        }
        if filter_changes {
            self.silence();
        }
    }

    /// Adds one chunk.
    fn add(&mut self, at: usize, place: usize) -> bool {
        let Some(holding) = self.works.get(at).map(|work| Arc::clone(&work.holding)) else { return false };
        let (places, addresses) = self.chunk(&holding.vips, place);
        let end = place + places.len();
        let mut refused = None;
        let mut outcomes = vec![false; addresses.len()];
        let result = self.request.add_addresses(&addresses, |number, outcome| {
            if let Some(held) = outcomes.get_mut(number) {
                *held = outcome.is_as_asked();
            }
            if let Outcome::Refused(error) = outcome {
                refused.get_or_insert((number, error));
            }
        });
        let mut troubles = Vec::new();
        if let Some((number, error)) = refused {
            let vips = places.iter().zip(holding.vips.get(place..).unwrap_or_default());
            let vip = vips.filter(|(exists, _)| **exists).map(|(_, vip)| vip).nth(number);
            troubles.push(self.words("add", vip, error));
        }
        if let Err(error) = result {
            troubles.push(error.to_string());
            // What became of them is not known.
            self.audit_soon();
        }
        let mut outcomes = outcomes.into_iter();
        for (number, exists) in places.iter().enumerate() {
            let held = *exists && outcomes.next().unwrap_or(false);
            holding.set_held(place + number, held);
            if !*exists && let Some(vip) = holding.vips.get(place + number) {
                let interface = self.name_of(vip.interface);
                troubles.push(format!("cannot add {vip} on {interface}: the interface does not exist"));
            }
        }
        if let Some(trouble) = troubles.into_iter().next() {
            self.complain(Some(Arc::clone(&holding.name)), trouble);
        }
        self.proceed(at, State::Adding(end), end == holding.vips.len());
        self.driver.ring();
        true
    }

    /// Removes one chunk, but for what another instance wants and what the host had before us.
    fn remove(&mut self, at: usize, place: usize) -> bool {
        let Some(work) = self.works.get(at) else { return false };
        let holding = Arc::clone(&work.holding);
        let (places, addresses) = self.chunk(&holding.vips, place);
        let end = place + places.len();
        let mut existing = (place..end).zip(&places).filter(|(_, exists)| **exists).map(|(place, _)| place);
        let (vips, unwanted): (Vec<&Vip>, Vec<Address>) = addresses
            .into_iter()
            .filter_map(|address| {
                let place = existing.next()?;
                let vip = holding.vips.get(place)?;
                let unwanted = !work.hosts_own.contains(&place) && !self.is_wanted(vip);
                unwanted.then_some((vip, address))
            })
            .unzip();
        let mut refused = None;
        let result = self.request.remove_addresses(&unwanted, |number, outcome| {
            if let Outcome::Refused(error) = outcome
                && error.errno() != Some(libc::ENODEV)
            {
                refused.get_or_insert((number, error));
            }
        });
        let mut troubles = Vec::new();
        if let Some((number, error)) = refused {
            troubles.push(self.words("remove", vips.get(number).copied(), error));
        }
        if let Err(error) = result {
            troubles.push(error.to_string());
            self.audit_soon();
        }
        (place..end).for_each(|place| holding.set_held(place, false));
        if let Some(trouble) = troubles.into_iter().next() {
            self.complain(Some(Arc::clone(&holding.name)), trouble);
            // Somebody must not go on answering for what another host has now.
            self.audit_soon();
        }
        self.proceed(at, State::Removing(end), end == holding.vips.len());
        true
    }

    /// Goes on behind a chunk, or reports after the last one.
    fn proceed(&mut self, at: usize, next: State, last: bool) {
        let Some(work) = self.works.get_mut(at) else { return };
        if !last {
            work.state = next;
            return;
        }
        work.state = State::Settled;
        let complete = match work.wish.wanted {
            true => work.holding.count_held() == work.holding.vips.len(),
            false => true,
        };
        work.retry = match (complete, work.retry) {
            (true, _) => None,
            (false, None) => Some((clock::now() + FIRST_RETRY, FIRST_RETRY * 2)),
            (false, Some((_, wait))) => Some((clock::now() + wait, (wait * 2).min(LAST_RETRY))),
        };
        work.holding.set_report(work.wish, complete);
        self.driver.ring();
    }

    /// The next addresses of an instance that go to the kernel in one request: for each place, whether its interface
    /// exists, and the addresses of those that do.
    fn chunk(&self, vips: &[Vip], place: usize) -> (Vec<bool>, Vec<Address>) {
        let rest = vips.get(place..).unwrap_or_default();
        let limit = match rest.first().map(|vip| vip.address.is_ipv6()) {
            Some(true) => IPV6_CHUNK,
            Some(false) | None => IPV4_CHUNK,
        };
        let ipv6 = rest.first().is_some_and(|vip| vip.address.is_ipv6());
        let chunk = rest.iter().take(limit).take_while(|vip| vip.address.is_ipv6() == ipv6);
        let addresses: Vec<_> =
            chunk.map(|vip| self.index_of(vip.interface).map(|index| address(vip, index))).collect();
        (addresses.iter().map(Option::is_some).collect(), addresses.into_iter().flatten().collect())
    }

    /// Why the kernel refused an address, with the name by which people know the interface: the kernel may have it no more.
    fn words(&self, verb: &str, vip: Option<&Vip>, error: netlink::Error) -> String {
        match (error, vip) {
            (netlink::Error::Refused { errno, explanation, .. }, Some(vip)) => {
                let request = format!("{verb} {vip} on {}", self.name_of(vip.interface));
                netlink::Error::Refused { request, errno, explanation }.to_string()
            }
            (error, _) => error.to_string(),
        }
    }

    /// Looks at everything again in a moment: not at once, for what failed may fail again.
    fn audit_soon(&mut self) {
        self.next_audit = self.next_audit.min(clock::now() + FIRST_RETRY);
    }

    /// Whether any instance wants an address.
    pub(super) fn is_wanted(&self, vip: &Vip) -> bool {
        self.works
            .iter()
            .filter(|work| work.wants())
            .any(|work| work.holding.vips.iter().any(|wanted| is_same(wanted, vip)))
    }
}

/// Whether two virtual addresses are one to the kernel.
fn is_same(a: &Vip, b: &Vip) -> bool {
    let same_prefix = a.prefix == b.prefix || a.address.is_ipv6();
    a.address == b.address && a.interface == b.interface && same_prefix
}

/// A virtual address as the kernel is to hold it.
pub(super) fn address(vip: &Vip, index: u32) -> Address {
    Address {
        broadcast: vip.options.broadcast,
        label: vip.options.label.map(|label| label.as_str().to_string()),
        scope: vip.options.scope,
        ..Address::virtual_address(index, vip.address, vip.prefix)
    }
}

/// As many as the kernel takes in about half a millisecond: an IPv6 address costs eight times as much.
const IPV4_CHUNK: usize = 64;
const IPV6_CHUNK: usize = 8;
/// A refused address is tried again after this, then after twice as long each time.
const FIRST_RETRY: Duration = Duration::from_millis(5);
const LAST_RETRY: Duration = Duration::from_secs(5);
