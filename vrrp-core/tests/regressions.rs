//! What once went wrong, each under the rule that it broke.

use std::collections::BTreeSet;

use vrrp_core::{
    Action, Config, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Priority, Router,
    RouterConfig, State, Time, Track, TrackerConfig, TrackerKind, Vip, Vrid,
};

const LAN: InterfaceId = InterfaceId(1);
const UPLINK: InterfaceId = InterfaceId(2);

/// An owner with these addresses, which watches the uplink or does not.
fn config(hosts: &[u8], watch: bool) -> Config {
    let vip = |host: &u8| Vip::new([192, 0, 2, *host].into(), 24, LAN);
    let mut instance =
        InstanceConfig::new("one", LAN, Vrid::new(7).expect("not zero"), hosts.iter().map(vip).collect());
    instance.priority = Priority::OWNER;
    let mut config = RouterConfig::new();
    config.interfaces = vec![InterfaceConfig::new(LAN, "lan"), InterfaceConfig::new(UPLINK, "uplink")];
    if watch {
        config.trackers.push(TrackerConfig::new("uplink", TrackerKind::Interface(UPLINK)));
        instance.track.push(Track::new(0, 0));
    }
    config.instances.push(instance);
    Config::new(config).expect("a good configuration")
}

/// Tells one fact and carries all out on `held`.
fn tell(router: &mut Router, held: &mut BTreeSet<Vip>, input: Input<'_>) {
    let mut actions = router.handle(Time::from_millis(1), input);
    while let Some(action) = actions.next() {
        match action {
            Action::AddAddresses { addresses, .. } => held.extend(addresses),
            Action::RemoveAddresses { addresses, .. } => held.retain(|vip| !addresses.contains(vip)),
            _ => {}
        }
    }
}

/// A MASTER with 192.0.2.1 and 192.0.2.2, whose uplink is down and not watched yet.
fn master() -> (Router, BTreeSet<Vip>) {
    let (mut router, mut held) = (Router::new(config(&[1, 2], false)), BTreeSet::new());
    let source = Input::Source { interface: LAN, family: Family::V4, address: Some([192, 0, 2, 9].into()) };
    tell(&mut router, &mut held, Input::Interface { interface: LAN, up: true });
    tell(&mut router, &mut held, Input::Interface { interface: UPLINK, up: false });
    tell(&mut router, &mut held, source);
    assert_eq!(held.len(), 2);
    (router, held)
}

#[test]
fn a_reload_that_takes_an_address_and_brings_a_fault_leaves_nothing_behind() {
    let (mut router, mut held) = master();
    tell(&mut router, &mut held, Input::Reconfigure(config(&[1], true)));
    assert_eq!(router.instances().next().unwrap().state(), State::Fault);
    assert_eq!(held, BTreeSet::new());
}

#[test]
fn addresses_that_nobody_removed_yet_are_removed_after_the_next_reload() {
    let (mut router, mut held) = master();
    // Neither the first reload's actions nor those of the link are taken.
    let _ = router.handle(Time::from_millis(2), Input::Reconfigure(config(&[2, 3], false)));
    let _ = router.handle(Time::from_millis(2), Input::Interface { interface: LAN, up: false });
    tell(&mut router, &mut held, Input::Reconfigure(config(&[4], false)));
    assert_eq!(held, BTreeSet::new());
}
