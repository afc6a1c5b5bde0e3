//! What an advert does (RFC 9568 sections 6.4.2 and 6.4.3, RFC 3768 section 6.4).

use core::cmp::Ordering;
use core::net::IpAddr;

use super::{Backup, Instance, Machine, Tell};
use crate::action::Cause;
use crate::event::InstanceEvent;
use crate::time::Time;
use crate::types::{Interval, Version};
use crate::wire::{Advert, ChecksumForm, Reject};

/// What matters of an accepted advert.
#[derive(Clone, Copy, Debug)]
struct Heard {
    from: IpAddr,
    priority: u8,
    interval: Interval,
    received: Time,
}

impl Instance {
    /// Takes an advert that passed every receive rule.
    ///
    /// # Errors
    /// The instance takes no part at present.
    pub(crate) fn receive(
        &mut self,
        now: Time,
        received: Time,
        from: IpAddr,
        advert: &Advert<'_>,
        tell: &mut impl Tell,
    ) -> Result<(), Reject> {
        if let Machine::Initialize | Machine::Fault = self.machine {
            return Err(Reject::NotReady);
        }
        self.note(from, advert, tell);
        let heard = Heard { from, priority: advert.priority(), interval: advert.interval(), received };
        match self.machine {
            Machine::Initialize | Machine::Fault => {}
            Machine::Backup(backup) => self.backup_receives(backup, heard, tell),
            Machine::Master(_) => self.master_receives(now, heard, tell),
        }
        Ok(())
    }

    /// Counts what is remarkable about an advert that is accepted all the same.
    fn note(&mut self, from: IpAddr, advert: &Advert<'_>, tell: &mut impl Tell) {
        self.stats.adverts_received += 1;
        self.stats.priority_zero_received += u64::from(advert.priority() == 0);
        match advert.checksum_form() {
            ChecksumForm::MessageOnly => self.stats.checksum_message_only += 1,
            ChecksumForm::PseudoHeader => self.stats.checksum_pseudo_header += 1,
            ChecksumForm::Either => {}
        }
        if advert.version() == Version::V3 && advert.interval() != self.config.interval {
            self.stats.interval_mismatches += 1;
        }
        if !advert.link_local_first() {
            self.stats.link_local_not_first += 1;
            if !core::mem::replace(&mut self.told.link_local, true) {
                tell.tell(InstanceEvent::LinkLocalNotFirst { from });
            }
        }
        if !advert.holds_in_any_order(self.template.addresses()) {
            self.stats.address_list_mismatches += 1;
            if !core::mem::replace(&mut self.told.addresses, true) {
                let ours = u8::try_from(self.config.addresses.len()).unwrap_or(u8::MAX);
                tell.tell(InstanceEvent::AddressListDiffers { from, theirs: advert.count(), ours });
            }
        }
    }

    fn backup_receives(&mut self, backup: Backup, heard: Heard, tell: &mut impl Tell) {
        let ours = self.priority.get();
        if heard.priority == 0 {
            if !core::mem::replace(&mut self.told.priority_zero, true) {
                tell.tell(InstanceEvent::BackupReceivedPriorityZero);
            }
            self.followed_since = None;
            // Not later than it is: a stream of such adverts must not hold us back for ever.
            let skewed = heard.received + self.skew();
            let down_at = backup.down_at.map(|down_at| down_at.min(skewed));
            let resigned = backup.resigned || down_at == Some(skewed);
            let listening_since = if down_at == Some(skewed) { heard.received } else { backup.heard };
            self.machine = Machine::Backup(Backup { down_at, resigned, heard: listening_since, ..backup });
            return;
        }
        let mut preempt_at = backup.preempt_at;
        if heard.priority >= ours {
            if preempt_at.take().is_some() && !self.config.preempt_delay.is_zero() {
                tell.tell(InstanceEvent::PreemptDelayStopped);
            }
        } else if self.preempts() {
            let delay = self.config.preempt_delay;
            if preempt_at.is_none() && !delay.is_zero() && !self.priority.is_owner() {
                preempt_at = Some(heard.received + delay);
                tell.tell(InstanceEvent::PreemptDelayStarted { delay });
            }
            if preempt_at.is_none_or(|at| at <= heard.received) {
                if !core::mem::replace(&mut self.told.lower_priority, true) {
                    let (from, priority) = (heard.from, heard.priority);
                    tell.tell(InstanceEvent::LowerPriorityDiscarded { from, priority });
                }
                return;
            }
        }
        self.adopt(heard, tell);
        self.told.priority_zero = false;
        self.machine = Machine::Backup(Backup {
            down_at: Some(heard.received + self.master_down()),
            heard: heard.received,
            resigned: false,
            preempt_at,
            listened: false,
        });
    }

    fn master_receives(&mut self, now: Time, heard: Heard, tell: &mut impl Tell) {
        let (from, priority) = (heard.from, heard.priority);
        if priority == 0 {
            return self.answer_priority_zero(now, tell);
        }
        if priority == u8::MAX
            && self.priority.is_owner()
            && !core::mem::replace(&mut self.told.two_owners, true)
        {
            tell.tell(InstanceEvent::TwoOwners { other: from });
        }
        match self.rank(heard) {
            Ordering::Less => self.answer_lower(now, heard, tell),
            Ordering::Equal => {}
            Ordering::Greater => {
                let cause = match priority > self.priority.get() {
                    true => Cause::HigherPriority { from, priority },
                    false => Cause::HigherAddress { from, priority },
                };
                self.learned = self.config.interval;
                self.adopt(heard, tell);
                // What this advert made us tell is told for the state that it leads to.
                let told = self.told;
                self.enter(now, Machine::Backup(self.listen(heard.received)), cause);
                self.told = told;
            }
        }
    }

    /// Whether the sender beats us: by priority, then by address (RFC 9568 section 6.4.3). An advert with our
    /// own address is neither.
    fn rank(&self, heard: Heard) -> Ordering {
        let by_address = || self.source.map_or(Ordering::Greater, |ours| heard.from.cmp(&ours));
        heard.priority.cmp(&self.priority.get()).then_with(by_address)
    }

    /// Another router leaves: a MASTER advertises at once and starts its interval anew. Of a stream of such
    /// adverts one per interval / 256 is answered, the last one at the end of that: before the Skew_Time of any
    /// BACKUP that heard it, too.
    fn answer_priority_zero(&mut self, now: Time, tell: &mut impl Tell) {
        let interval = self.config.interval.as_duration();
        let Machine::Master(master) = &mut self.machine else { return };
        if now < master.answer_zero_at {
            master.advert_at = master.advert_at.min(master.answer_zero_at);
        } else {
            master.answer_zero_at = now + interval / 256;
            master.advert_at = now + interval;
            self.pending.transmit(self.priority.get());
        }
        if !core::mem::replace(&mut self.told.priority_zero, true) {
            tell.tell(InstanceEvent::MasterReceivedPriorityZero);
        }
    }

    /// A MASTER answers a losing advert at once, which convinces its sender and repairs bridge tables, but at
    /// most four times per interval; the periodic advert is not moved.
    fn answer_lower(&mut self, now: Time, heard: Heard, tell: &mut impl Tell) {
        let ours = self.priority.get();
        if !core::mem::replace(&mut self.told.lower_priority, true) {
            let (from, priority) = (heard.from, heard.priority);
            tell.tell(InstanceEvent::LowerPriorityReceived { from, priority, ours });
            self.pending.notify_lower_priority = true;
        }
        let interval = self.config.interval.as_duration();
        let Machine::Master(master) = &mut self.machine else { return };
        if now < master.reply_at {
            return;
        }
        master.reply_at = now + interval / 4;
        if !self.config.lower_prio_no_advert {
            self.pending.transmit(ours);
        }
        self.announce_answer(now);
        self.answered = true;
    }

    /// Announces the addresses of a MASTER because somebody else claimed them, or those of its group.
    pub(crate) fn announce_answer(&mut self, now: Time) {
        let Machine::Master(master) = &mut self.machine else { return };
        let schedule = &self.config.announce;
        self.pending.announce(schedule.lower_prio_repeat);
        if !schedule.lower_prio_delay.is_zero() && schedule.lower_prio_repeat > 0 {
            // Not put off by the next one: losing adverts may come for ever.
            master.lower_set.get_or_insert(now + schedule.lower_prio_delay);
        }
    }

    /// Makes the sender our master: its interval governs our timers (VRRPv3).
    fn adopt(&mut self, heard: Heard, tell: &mut impl Tell) {
        let before = self.master.map(|(address, _)| address);
        self.master = Some((heard.from, heard.priority));
        if before != Some(heard.from) {
            self.told = self.told.of_another_master();
            self.followed_since = None;
            tell.tell(InstanceEvent::MasterIs { address: heard.from, before });
        }
        let since = *self.followed_since.get_or_insert(heard.received);
        self.unrelieved &= heard.received.saturating_since(since) < self.master_down();
        if self.config.version != Version::V3 {
            return;
        }
        self.learned = heard.interval;
        let ours = self.config.interval;
        if heard.interval != ours && !core::mem::replace(&mut self.told.interval, true) {
            tell.tell(InstanceEvent::IntervalAdopted { ours, theirs: heard.interval });
        }
    }

    fn preempts(&self) -> bool {
        self.config.preempt || self.priority.is_owner()
    }
}
