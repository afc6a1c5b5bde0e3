//! One virtual router (RFC 9568 section 6): its state and the timers that live in it. It knows nobody else;
//! what several instances have in common is the router's.

mod effects;
mod machine;
mod receive;
mod tick;

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

pub(crate) use effects::{AddressChange, Adverts, Pending};
pub(crate) use machine::{Backup, Machine, Master, Readiness, Tell, Told};
pub(crate) use tick::down_cause;

use crate::action::{Cause, InstanceId, Notification, State};
use crate::config::InstanceConfig;
use crate::event::InstanceEvent;
use crate::stats::Stats;
use crate::time::Time;
use crate::timers;
use crate::types::{Interval, Priority, Vip};
use crate::wire::AdvertTemplate;

/// A MASTER does not tell of changes of its priority more often.
const PRIORITY_QUIET: Duration = Duration::from_millis(100);

/// For this long a router that could not hold its addresses, or not send, preempts nobody.
pub(crate) const HOLD_OFF: Duration = Duration::from_secs(30);

/// A virtual router at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) config: InstanceConfig,
    /// All that goes on interfaces: the advertised addresses, then the excluded ones.
    pub(crate) vips: Vec<Vip>,
    /// What the last reconfiguration added to, or took from, the addresses of a MASTER.
    pub(crate) fresh: Vec<Vip>,
    pub(crate) gone: Vec<Vip>,
    pub(crate) template: AdvertTemplate,
    /// The position of the sync group.
    pub(crate) group: Option<usize>,
    pub(crate) machine: Machine,
    pub(crate) since: Time,
    pub(crate) cause: Option<Cause>,
    /// The address that adverts come from, if there is one.
    pub(crate) source: Option<IpAddr>,
    /// The effective priority.
    pub(crate) priority: Priority,
    /// Master_Adver_Interval; ours until a master was heard.
    pub(crate) learned: Interval,
    /// The router that was last accepted as master, and its priority; none once we are it.
    pub(crate) master: Option<(IpAddr, u8)>,
    /// Since when that router has been heard without resigning.
    pub(crate) followed_since: Option<Time>,
    /// Set when the instance resigned because it could not hold its addresses, until somebody else has held on
    /// for a Master_Down_Interval: whose resignation helped nobody serves with what it holds.
    pub(crate) unrelieved: bool,
    pub(crate) stats: Stats,
    pub(crate) told: Told,
    pub(crate) pending: Pending,
    /// What the user was notified of last: the same state is not told twice.
    pub(crate) notified: Option<Notification>,
    /// Set when the instance left MASTER by itself, so that its group follows.
    pub(crate) left_master: bool,
    /// Set when the instance answered a losing advert, so that its group announces, too.
    pub(crate) answered: bool,
    pub(crate) ip_id: u16,
    /// What the interface and the trackers of the instance itself allow.
    pub(crate) readiness: Readiness,
}

impl Instance {
    pub(crate) fn new(id: InstanceId, config: InstanceConfig, template: AdvertTemplate, now: Time) -> Self {
        let vips = config.addresses.iter().chain(&config.excluded).copied().collect();
        Self {
            id,
            vips,
            fresh: Vec::new(),
            gone: Vec::new(),
            template,
            group: None,
            machine: Machine::Initialize,
            since: now,
            cause: None,
            source: config.source,
            priority: config.priority,
            learned: config.interval,
            master: None,
            followed_since: None,
            unrelieved: false,
            stats: Stats::default(),
            told: Told::default(),
            pending: Pending::default(),
            notified: None,
            left_master: false,
            answered: false,
            ip_id: 0,
            readiness: Readiness::Waiting,
            config,
        }
    }

    pub(crate) const fn state(&self) -> State {
        match self.machine {
            Machine::Initialize => State::Initialize,
            Machine::Fault => State::Fault,
            Machine::Backup(_) => State::Backup,
            Machine::Master(_) => State::Master,
        }
    }

    /// The earliest timer.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.patient_deadline().into_iter().chain(self.urgent_deadline()).min()
    }

    /// The earliest timer that may be held back a little.
    pub(crate) fn patient_deadline(&self) -> Option<Time> {
        let Machine::Master(master) = &self.machine else { return None };
        let announcements = [master.second_set, master.lower_set, master.refresh_at];
        announcements.into_iter().chain([Some(master.advert_at), master.priority_at]).flatten().min()
    }

    /// The earliest timer that nobody may hold back.
    pub(crate) fn urgent_deadline(&self) -> Option<Time> {
        match &self.machine {
            Machine::Initialize | Machine::Fault => None,
            Machine::Backup(backup) => backup.down_at,
            Machine::Master(master) => master.repair_until,
        }
    }

    /// Acts on whether the instance may take part. Known trouble brings FAULT; its end, BACKUP or, for the
    /// owner, MASTER; what is unknown holds back only an instance that has not started.
    pub(crate) fn assess(&mut self, now: Time, readiness: Readiness) {
        match (readiness, self.state()) {
            (Readiness::Fault(cause), State::Initialize | State::Backup | State::Master) => {
                self.enter(now, Machine::Fault, cause);
            }
            (Readiness::Ready, State::Initialize) => self.start(now, Cause::Startup),
            (Readiness::Ready, State::Fault) => self.start(now, Cause::Recovered),
            (Readiness::Ready, State::Backup | State::Master)
            | (Readiness::Waiting, _)
            | (Readiness::Fault(_), State::Fault) => {}
        }
    }

    /// RFC 9568 section 6.4.1: the owner goes to MASTER at once, everybody else listens first.
    fn start(&mut self, now: Time, cause: Cause) {
        self.learned = self.config.interval;
        (self.master, self.followed_since, self.unrelieved) = (None, None, false);
        match (self.priority.is_owner(), self.group) {
            (true, None) => self.become_master(now, Cause::Owner),
            // In a group the owner waits for the others, with its timer already over.
            (true, Some(_)) => {
                self.enter(now, Machine::Backup(Backup { down_at: None, ..self.listen(now) }), cause)
            }
            (false, _) => self.enter(now, Machine::Backup(self.listen(now)), cause),
        }
    }

    /// BACKUP with a full Master_Down_Interval from `now`.
    pub(crate) fn listen(&self, now: Time) -> Backup {
        Backup {
            down_at: Some(now + self.master_down()),
            heard: now,
            resigned: false,
            preempt_at: None,
            listened: false,
        }
    }

    pub(crate) fn become_master(&mut self, now: Time, cause: Cause) {
        let schedule = &self.config.announce;
        let delay = schedule.master_delay;
        let refresh = schedule.master_refresh;
        let master = Master {
            advert_at: now + self.config.interval.as_duration(),
            second_set: (!delay.is_zero()).then(|| now + delay),
            lower_set: None,
            refresh_at: (!refresh.is_zero()).then(|| now + refresh),
            reply_at: now,
            answer_zero_at: now,
            priority_at: None,
            priority_quiet_until: now,
            repair_until: None,
            failing_since: None,
            failed: false,
        };
        (self.master, self.followed_since) = (None, None);
        self.enter(now, Machine::Master(master), cause);
    }

    /// Leaves MASTER and tells the others to take over; listens for a full Master_Down_Interval, so that
    /// whoever can do better does. Who could not do its own part leaves a lower-priority master that is alive
    /// alone for a while, or it would take over and resign again and again.
    pub(crate) fn resign(&mut self, now: Time, cause: Cause) {
        self.learned = self.config.interval;
        self.unrelieved |= cause == Cause::NotHeld;
        let own_fault = matches!(cause, Cause::NotHeld | Cause::TransmitFailed);
        let preempt_at = own_fault.then(|| now + HOLD_OFF);
        self.enter(now, Machine::Backup(Backup { preempt_at, ..self.listen(now) }), cause);
    }

    /// The kernel holds all addresses, or something is missing. What is missing may be repaired for at most
    /// 50 ms or two intervals; then the instance resigns, unless it has done so before and nobody did better.
    /// What was repaired is announced again.
    pub(crate) fn held(&mut self, now: Time, complete: bool) {
        let grace = Duration::from_millis(50).min(self.config.interval.as_duration() * 2);
        let Machine::Master(master) = &mut self.machine else { return };
        let missing = master.repair_until.take();
        if complete {
            if core::mem::take(&mut self.unrelieved) || missing.is_some() {
                self.pending.announce(self.config.announce.master_repeat);
            }
        } else if !self.unrelieved {
            master.repair_until = Some(missing.unwrap_or(now + grace));
        }
    }

    /// An advert could not be sent: it is tried again soon, and the schedule goes on from the first that can be.
    pub(crate) fn transmit_failed(&mut self, now: Time) {
        let retry = now + (self.config.interval.as_duration() / 4).min(Duration::from_millis(10));
        if let Machine::Master(master) = &mut self.machine {
            master.failing_since.get_or_insert(now);
            master.failed = true;
            master.advert_at = master.advert_at.min(retry);
        }
    }

    /// Takes a new effective priority. A BACKUP's timer is what it would have been with it since the last
    /// advert; a MASTER tells the others at once, but not more often than every 100 ms.
    pub(crate) fn set_priority(&mut self, now: Time, priority: Priority, tell: &mut impl Tell) {
        if priority == self.priority {
            return;
        }
        tell.tell(InstanceEvent::Priority { from: self.priority.get(), to: priority.get() });
        self.priority = priority;
        self.rearm_backup();
        if let Machine::Master(master) = &mut self.machine {
            if now < master.priority_quiet_until {
                master.priority_at = Some(master.priority_quiet_until);
            } else {
                master.priority_quiet_until = now + PRIORITY_QUIET;
                self.pending.transmit(priority.get());
            }
        }
    }

    /// Sets a BACKUP's timer anew, from the last advert, after the priority or an interval changed.
    pub(crate) fn rearm_backup(&mut self) {
        let (down, skew) = (self.master_down(), self.skew());
        // After a pause the last advert is too long ago to count from.
        if let Machine::Backup(backup @ Backup { listened: false, .. }) = &mut self.machine {
            let span = if backup.resigned { skew } else { down };
            backup.down_at = backup.down_at.map(|_| backup.heard + span);
        }
    }

    /// Advertises what changed in a MASTER; a new interval counts from this advert.
    pub(crate) fn readvertise(&mut self, now: Time, interval_changes: bool) {
        if let Machine::Master(master) = &mut self.machine {
            self.pending.transmit(self.priority.get());
            if interval_changes {
                master.advert_at = now + self.config.interval.as_duration();
            }
        }
    }

    pub(crate) fn master_down(&self) -> Duration {
        let (version, adverts) = (self.config.version, self.config.down_timer_adverts);
        timers::master_down(version, self.priority, self.learned, adverts)
    }

    /// Master_Down_Interval of those who listen to us.
    fn own_master_down(&self) -> Duration {
        let (version, adverts) = (self.config.version, self.config.down_timer_adverts);
        timers::master_down(version, self.priority, self.config.interval, adverts)
    }

    pub(crate) fn skew(&self) -> Duration {
        timers::skew(self.config.version, self.priority, self.learned)
    }
}
