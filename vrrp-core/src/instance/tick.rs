//! What time does.

use core::time::Duration;

use super::{Backup, Instance, Machine, Master, PRIORITY_QUIET, Tell};
use crate::action::Cause;
use crate::event::InstanceEvent;
use crate::time::Time;

impl Instance {
    /// Fires every timer that is due. Adverts that arrived before `now` have been heard already.
    pub(crate) fn tick(&mut self, now: Time, tell: &mut impl Tell) {
        match self.machine {
            Machine::Initialize | Machine::Fault => {}
            Machine::Backup(backup) => self.tick_backup(now, backup, tell),
            Machine::Master(master) => self.tick_master(now, master, tell),
        }
    }

    fn tick_backup(&mut self, now: Time, backup: Backup, tell: &mut impl Tell) {
        let Some(down_at) = backup.down_at.filter(|down_at| *down_at <= now) else { return };
        let late = now.saturating_since(down_at);
        if late > self.master_down() && !backup.listened {
            // We slept through a whole Master_Down_Interval, and perhaps so did our network card: a master
            // that is alive gets the time for one advert to say so.
            tell.tell(InstanceEvent::Late { by: late });
            let down_at = Some(now + self.learned.as_duration() + self.skew());
            self.machine = Machine::Backup(Backup { down_at, listened: true, ..backup });
            return;
        }
        match self.group {
            Some(_) => self.machine = Machine::Backup(Backup { down_at: None, ..backup }),
            None => self.become_master(now, down_cause(&backup)),
        }
    }

    fn tick_master(&mut self, now: Time, mut master: Master, tell: &mut impl Tell) {
        if master.repair_until.is_some_and(|until| until <= now) {
            return self.resign(now, Cause::NotHeld);
        }
        if master.priority_at.take_if(|at| *at <= now).is_some() {
            master.priority_quiet_until = now + PRIORITY_QUIET;
            self.pending.transmit(self.priority.get());
        }
        if master.advert_at <= now {
            // The others go by the interval that we send, whatever we learned from the master before us.
            let (interval, down) = (self.config.interval.as_duration(), self.own_master_down());
            if !master.failed {
                master.failing_since = None;
            }
            if master.failing_since.is_some_and(|since| now.saturating_since(since) >= down) {
                return self.resign(now, Cause::TransmitFailed);
            }
            master.failed = false;
            let late = now.saturating_since(master.advert_at);
            if late > down {
                // Others have had the time to take over. Nobody who did was heard, so the address is ours:
                // say so again to the routers and to the neighbours.
                tell.tell(InstanceEvent::Late { by: late });
                self.pending.announce(self.config.announce.master_repeat);
                let delay = self.config.announce.master_delay;
                if !delay.is_zero() {
                    master.second_set = Some(now + delay);
                }
            }
            self.pending.transmit(self.priority.get());
            master.priority_at = None;
            master.advert_at = next(master.advert_at, interval, now);
        }
        if master.second_set.take_if(|at| *at <= now).is_some() {
            self.pending.announce(self.config.announce.master_repeat);
        }
        if master.lower_set.take_if(|at| *at <= now).is_some() {
            self.pending.announce(self.config.announce.lower_prio_repeat);
        }
        if let Some(refresh_at) = master.refresh_at.filter(|at| *at <= now) {
            self.pending.announce(self.config.announce.master_refresh_repeat);
            master.refresh_at = Some(next(refresh_at, self.config.announce.master_refresh, now));
        }
        self.machine = Machine::Master(master);
    }
}

/// Why a BACKUP whose timer fired takes over.
pub(crate) const fn down_cause(backup: &Backup) -> Cause {
    match backup.resigned {
        true => Cause::MasterResigned,
        false => Cause::MasterDown,
    }
}

/// The next point of a periodic schedule: it does not drift, and after a pause there is no burst.
fn next(at: Time, period: Duration, now: Time) -> Time {
    let next = at + period;
    if next <= now { now + period } else { next }
}
