//! What of a router decides what it will do: for those who look for all states that there are.

use alloc::vec::Vec;

use crate::instance::{Backup, Machine, Master};
use crate::router::Router;
use crate::time::Time;

/// Numbers that are equal for two routers of one configuration exactly when both will do the same from their
/// [`Router::now`] on, as far as only adverts, ticks and a shutdown come: timers count from now, and counters,
/// causes and what was told before are left out.
///
/// It holds for instances without group, trackers or addresses that are missing, when all actions were taken.
pub fn key(router: &Router) -> Vec<u64> {
    let now = router.now();
    let mut key = Vec::new();
    for instance in router.instances() {
        key.push(u64::from(instance.master_interval().as_centis()));
        match instance.machine() {
            Machine::Initialize => key.push(0),
            Machine::Fault => key.push(1),
            Machine::Backup(backup) => backup_key(&mut key, now, backup),
            Machine::Master(master) => master_key(&mut key, now, master),
        }
    }
    key
}

fn backup_key(key: &mut Vec<u64>, now: Time, backup: &Backup) {
    // Only a changed priority asks since when it listens.
    let Backup { down_at, heard: _, resigned, preempt_at, listened } = *backup;
    key.extend([2, at(now, down_at), u64::from(resigned), at(now, preempt_at), u64::from(listened)]);
}

fn master_key(key: &mut Vec<u64>, now: Time, master: &Master) {
    let Master {
        advert_at,
        second_set,
        lower_set,
        refresh_at,
        reply_at,
        answer_zero_at,
        priority_at,
        priority_quiet_until,
        repair_until,
        failing_since,
        failed,
    } = *master;
    key.extend([3, at(now, Some(advert_at)), at(now, second_set), at(now, lower_set), at(now, refresh_at)]);
    key.extend([reply_at, answer_zero_at, priority_quiet_until].map(|until| at(now, Some(until))));
    key.extend([priority_at, repair_until].map(|timer| at(now, timer)));
    key.extend([u64::from(failing_since.is_some()), u64::from(failed)]);
}

/// How far a time lies in the future; all that is past is alike.
fn at(now: Time, at: Option<Time>) -> u64 {
    at.map_or(0, |at| 1 + at.as_nanos().saturating_sub(now.as_nanos()))
}
