//! Sync groups: members become MASTER together, and leave it together.

use alloc::vec::Vec;

use super::Router;
use super::queue::{Owner, Told};
use crate::action::{Cause, GroupId, Notification, State};
use crate::config::GroupConfig;
use crate::instance::{Instance, Machine, Readiness, down_cause};

/// A sync group at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) config: GroupConfig,
    /// The state that all members had last.
    pub(super) state: State,
    pub(super) notify: Option<Notification>,
    pub(super) queued: bool,
}

impl Group {
    pub(super) fn new(id: GroupId, config: GroupConfig) -> Self {
        Self { id, config, state: State::Initialize, notify: None, queued: false }
    }
}

impl Router {
    /// What the group of an instance makes of its readiness: the trouble of one is the trouble of all.
    pub(super) fn group_readiness(&self, own: Readiness, group: Option<usize>) -> Readiness {
        let Some(group) = group.and_then(|group| self.groups.get(group)) else { return own };
        if let Readiness::Fault(_) = own {
            return own;
        }
        let mut all = own;
        for member in group.config.members.iter().filter_map(|member| self.instances.get(*member)) {
            match member.readiness {
                Readiness::Fault(_) => return Readiness::Fault(Cause::Group { group: group.id }),
                Readiness::Waiting => all = Readiness::Waiting,
                Readiness::Ready => {}
            }
        }
        all
    }

    /// A member answered a losing advert: the addresses of all MASTERs of the group are announced with its own,
    /// because whoever was misled about one was misled about the others.
    pub(super) fn answer_together(&mut self, position: usize, answered: usize) {
        let Some(group) = self.groups.get(position) else { return };
        for member in group.config.members.iter().copied().filter(|member| *member != answered) {
            if let Some(instance) = self.instances.get_mut(member) {
                instance.announce_answer(self.now);
            }
        }
    }

    /// Lets the members of a group follow each other after some of them changed.
    pub(super) fn follow_group(&mut self, position: usize) {
        let Some(group) = self.groups.get_mut(position) else { return };
        let (id, members) = (group.id, core::mem::take(&mut group.config.members));
        self.pull_down(&members, Cause::Group { group: id });
        self.promote_together(&members);
        let state = self.common_state(&members);
        for member in &members {
            self.refresh(*member);
        }
        if let Some(group) = self.groups.get_mut(position) {
            group.config.members = members;
            if let Some(state) = state.filter(|state| *state != group.state) {
                group.state = state;
                group.notify = Some(match state {
                    State::Master => Notification::Master,
                    State::Backup => Notification::Backup,
                    State::Fault => Notification::Fault,
                    State::Initialize => Notification::Stop,
                });
                self.events.push(Told::Group(id, state));
                self.enqueue(Owner::Group(position));
            }
        }
    }

    /// One member left MASTER: so does every other.
    fn pull_down(&mut self, members: &[usize], cause: Cause) {
        let now = self.now;
        let mut pull = false;
        for member in members {
            if let Some(instance) = self.instances.get_mut(*member) {
                pull |= core::mem::take(&mut instance.left_master);
            }
        }
        for instance in members.iter().filter(|_| pull) {
            if let Some(instance) = self.instances.get_mut(*instance).filter(|i| i.state() == State::Master) {
                instance.resign(now, cause);
                instance.left_master = false;
            }
        }
    }

    /// The timer of every member is over: all become MASTER in one step.
    fn promote_together(&mut self, members: &[usize]) {
        let now = self.now;
        let wants = |instance: &Instance| match &instance.machine {
            Machine::Master(_) => true,
            Machine::Backup(backup) => backup.down_at.is_none(),
            Machine::Initialize | Machine::Fault => false,
        };
        if !members.iter().all(|member| self.instances.get(*member).is_some_and(wants)) {
            return;
        }
        for member in members {
            let Some(instance) = self.instances.get_mut(*member) else { continue };
            if let Machine::Backup(backup) = instance.machine {
                let cause = match instance.priority.is_owner() {
                    true => Cause::Owner,
                    false => down_cause(&backup),
                };
                instance.become_master(now, cause);
            }
        }
    }

    /// The state of all members, or none while they differ (one that just joined listens while the others
    /// are MASTER).
    fn common_state(&self, members: &[usize]) -> Option<State> {
        let mut states = members.iter().filter_map(|member| self.instances.get(*member)).map(Instance::state);
        let first = states.next()?;
        states.try_fold(first, |all, state| (all == state).then_some(all))
    }
}

/// The position of the group of each instance.
pub(super) fn memberships(groups: &[Group], instances: &mut [Instance]) {
    for (position, group) in groups.iter().enumerate() {
        for member in &group.config.members {
            if let Some(instance) = instances.get_mut(*member) {
                instance.group = Some(position);
            }
        }
    }
}

/// Groups for a configuration; one of the same name keeps its id and state.
pub(super) fn renew(old: &[Group], configs: Vec<GroupConfig>, mut id: impl FnMut() -> u32) -> Vec<Group> {
    let renew = |config: GroupConfig| match old.iter().find(|group| group.config.name == config.name) {
        Some(group) => Group { config, queued: false, ..group.clone() },
        None => Group::new(GroupId(id()), config),
    };
    configs.into_iter().map(renew).collect()
}
