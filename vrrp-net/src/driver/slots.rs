//! What the driver keeps beside each instance of the router.

use std::sync::Arc;

use vrrp_core::{InstanceId, Router};

use crate::kernel::KernelPlan;
use crate::kernel::holding::{Holding, Report};

/// One for each instance, in the order of their ids, and for those that just went.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: InstanceId,
    pub(crate) name: Arc<str>,
    pub(crate) holding: Arc<Holding>,
    /// The position in the configuration; none for an instance that went.
    pub(crate) position: Option<usize>,
    /// Whether it is MASTER.
    pub(crate) master: bool,
    /// The wish to be published once the adverts before it are sent.
    pub(crate) wish: Option<bool>,
    /// The report of the kernel thread that the router was told last.
    pub(crate) heard: Report,
    /// The error of the last advert, while none can be sent.
    pub(crate) failing: Option<i32>,
    /// Whether an address was lost since the kernel thread last reported.
    pub(crate) lost: bool,
}

impl Slots {
    /// Lays the slots out anew after the router took a configuration. A holding that asks for what an old one does is
    /// replaced by it in the plan, so that nothing is done again; those of instances that went, and those that were
    /// replaced, are retired there.
    pub(crate) fn renew(&mut self, router: &Router, plan: &mut KernelPlan) {
        let before = std::mem::take(&mut self.slots).into_iter();
        let mut before: Vec<_> = before.filter(|slot| slot.position.is_some()).map(Some).collect();
        let ids: Vec<_> = before.iter().flatten().map(|slot| slot.id).collect();
        for (position, view) in router.instances().enumerate() {
            let Some(holding) = plan.holdings.get_mut(position) else { break };
            let at = ids.binary_search(&view.id()).ok();
            let old = at.and_then(|at| before.get_mut(at)).and_then(Option::take);
            let mut slot = Slot::new(view.id(), view.name(), Arc::clone(holding), position);
            if let Some(old) = old {
                slot.failing = old.failing;
                slot.master = old.master;
                if old.holding.is_same(holding) {
                    *holding = Arc::clone(&old.holding);
                    slot.holding = Arc::clone(&old.holding);
                    slot.heard = old.heard;
                    slot.wish = old.wish;
                    slot.lost = old.lost;
                } else {
                    let wanted = old.wish.unwrap_or(old.holding.wish().wanted);
                    holding.set_wish(wanted);
                    plan.retired.push(old.holding);
                }
            }
            self.slots.push(slot);
        }
        for mut gone in before.into_iter().flatten() {
            gone.position = None;
            plan.retired.push(Arc::clone(&gone.holding));
            self.slots.push(gone);
        }
        self.slots.sort_by_key(|slot| slot.id);
    }

    pub(crate) fn get_mut(&mut self, id: InstanceId) -> Option<&mut Slot> {
        let at = self.slots.binary_search_by_key(&id, |slot| slot.id).ok()?;
        self.slots.get_mut(at)
    }

    pub(crate) fn holding(&self, id: InstanceId) -> Option<&Holding> {
        let at = self.slots.binary_search_by_key(&id, |slot| slot.id).ok()?;
        self.slots.get(at).map(|slot| &*slot.holding)
    }

    pub(crate) fn name(&self, id: InstanceId) -> Option<Arc<str>> {
        let at = self.slots.binary_search_by_key(&id, |slot| slot.id).ok()?;
        self.slots.get(at).map(|slot| Arc::clone(&slot.name))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut()
    }

    pub(crate) fn at_mut(&mut self, number: usize) -> Option<&mut Slot> {
        self.slots.get_mut(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn by_position(&mut self, position: usize) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.position == Some(position))
    }

    /// Whether the kernel thread has carried every wish out. Of retired ones it knows by itself.
    pub(crate) fn are_settled(&self) -> bool {
        self.slots.iter().filter(|slot| slot.position.is_some()).all(|slot| {
            let wish = slot.holding.wish();
            slot.wish.is_none() && (wish.number == 0 || slot.holding.report().answers(wish))
        })
    }
}

impl Slot {
    fn new(id: InstanceId, name: &str, holding: Arc<Holding>, position: usize) -> Self {
        // An unchanged name is the holding's own, and shared with it.
        let name = if *holding.name == *name { Arc::clone(&holding.name) } else { name.into() };
        Self {
            id,
            name,
            holding,
            position: Some(position),
            master: false,
            wish: None,
            heard: Report::default(),
            failing: None,
            lost: false,
        }
    }
}
