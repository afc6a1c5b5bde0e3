//! Who hears whom, and how long each listens: what the strict rules are measured with.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::Scene;
use super::listening::skew;
use crate::types::Version;

/// What the issue grants beyond Master_Down_Interval.
pub(super) const GRACE: Duration = Duration::from_millis(20);

/// The network since the last fault.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    nodes: usize,
    known: bool,
    /// Whether the circle of a node is closed, by virtual router and node.
    closed: Vec<bool>,
    /// The nodes that a node hears on the segment of a virtual router, and itself.
    circles: Vec<u16>,
    /// The longest Master_Down_Interval since the last fault, by virtual router and node: of the interval that
    /// it learned for VRRPv3, with the Skew_Time of its effective priority.
    listening: Vec<Duration>,
    /// Whether all nodes have the same interval, by virtual router.
    uniform: Vec<bool>,
    /// Whether all nodes have the same virtual routers and groups.
    alike: bool,
}

impl Standing {
    pub(super) fn new(nodes: usize, instances: usize) -> Self {
        let size = nodes * instances;
        Self {
            nodes,
            known: false,
            closed: vec![false; size],
            circles: vec![0; size],
            listening: vec![Duration::ZERO; size],
            uniform: vec![true; instances],
            alike: true,
        }
    }

    /// What a network looks like at one moment.
    pub(super) fn of(scene: Scene<'_>) -> Self {
        let mut standing = Self::new(scene.nodes.len(), scene.scenario.virtual_routers());
        standing.look(scene);
        standing
    }

    /// A fault began or ended: nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.known = false;
        self.listening.fill(Duration::ZERO);
    }

    /// Takes in what can have changed without a fault: the intervals that were learned.
    pub(super) fn look(&mut self, scene: Scene<'_>) {
        for (node, host) in scene.nodes.iter().enumerate() {
            for position in 0..self.uniform.len() {
                let Some(instance) = host.instance(position) else { continue };
                let config = instance.config();
                let interval = match config.version {
                    Version::V2 => config.interval,
                    Version::V3 => instance.master_interval(),
                };
                let adverts = interval.as_duration() * u32::from(config.down_timer_adverts);
                let span = adverts + skew(config.version, instance.priority().get(), interval);
                let listening = &mut self.listening[position * self.nodes + node];
                *listening = (*listening).max(span);
            }
        }
        if !self.known {
            self.draw_circles(scene);
            self.known = true;
        }
    }

    fn draw_circles(&mut self, scene: Scene<'_>) {
        let (nodes, instances) = (self.nodes, self.uniform.len());
        for position in 0..instances {
            let interval = |node| scene.config(node, position).interval;
            self.uniform[position] = (1..nodes).all(|node| interval(node) == interval(0));
        }
        self.alike = scene.nodes.iter().all(|node| node.setup.is_like(&scene.nodes[0].setup));
        for at in 0..self.circles.len() {
            let (position, node) = (at / nodes, at % nodes);
            let segment = scene.scenario.segment(position);
            self.circles[at] = (0..nodes)
                .filter(|other| scene.hears(segment, node, *other))
                .fold(1 << node, |all, other| all | 1 << other);
        }
        for at in 0..self.circles.len() {
            let (position, node, circle) = (at / nodes, at % nodes, self.circles[at]);
            let same = |position: usize| {
                let members = (0..nodes).filter(|member| circle >> member & 1 == 1);
                members.into_iter().all(|member| self.circles[position * nodes + member] == circle)
            };
            self.closed[position * nodes + node] = match scene.scenario.is_grouped() {
                true => (0..instances).all(same),
                false => same(position),
            };
        }
    }

    /// Whether all nodes have the same interval.
    pub(super) fn is_uniform(&self, position: usize) -> bool {
        self.uniform[position]
    }

    /// Whether all nodes have the same virtual routers and groups.
    pub(super) const fn is_alike(&self) -> bool {
        self.alike
    }

    /// Whether everybody whom a node hears hears the same nodes as it does: on all segments, for a sync group.
    pub(super) fn is_closed(&self, position: usize, node: usize) -> bool {
        self.known && self.closed[position * self.nodes + node]
    }

    /// The nodes that a node hears, and itself.
    pub(super) fn circle(&self, position: usize, node: usize) -> impl Iterator<Item = usize> + use<> {
        let circle = self.circles[position * self.nodes + node];
        (0..self.nodes).filter(move |other| circle >> other & 1 == 1)
    }

    /// How long a node listens before it takes over; the members of a sync group wait for each other.
    pub(super) fn listening(&self, scene: Scene<'_>, position: usize, node: usize) -> Duration {
        let all = 0..scene.scenario.virtual_routers();
        match scene.nodes[node].setup.grouped {
            true => {
                all.map(|position| self.listening[position * self.nodes + node]).max().unwrap_or_default()
            }
            false => self.listening[position * self.nodes + node],
        }
    }

    /// After how long somebody in the circle of a node is MASTER: the first of those who take part to have
    /// listened long enough.
    // While a member that just joined a group listens, those who are MASTER hold the others back.
    pub(super) fn owner_due(&self, scene: Scene<'_>, position: usize, node: usize) -> Duration {
        if self.circle(position, node).any(|other| scene.is_split(other)) {
            return self.listening(scene, position, node);
        }
        let eligible = self.circle(position, node).filter(|other| scene.takes_part(*other, position));
        eligible.map(|other| self.listening(scene, position, other)).min().unwrap_or(Duration::MAX / 4)
    }

    /// The longest that anybody in the circle of a node listens.
    pub(super) fn longest(&self, scene: Scene<'_>, position: usize, node: usize) -> Duration {
        let all = self.circle(position, node).map(|other| self.listening(scene, position, other));
        all.max().unwrap_or_default()
    }
}
