//! How long a wake-up may be held back.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use vrrp_core::{
    Config, Family, Input, InstanceConfig, InterfaceConfig, InterfaceId, Priority, Router, RouterConfig,
    State, Time, Vip, Vrid,
};

const ETH0: InterfaceId = InterfaceId(1);
const HOLD: Duration = Duration::from_micros(500);

#[test]
fn an_advert_may_be_held_but_a_master_down_timer_may_not() {
    let mut router = router(&[(1, 255), (2, 100)]);
    take_all(&mut router, Time::ZERO, Input::Interface { interface: ETH0, up: true });
    let source = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    take_all(&mut router, Time::ZERO, Input::Source { interface: ETH0, family: Family::V4, address: source });
    assert_eq!(router.instances().map(|i| i.state()).collect::<Vec<_>>(), [State::Master, State::Backup]);

    let advert = Time::from_millis(1000);
    assert_eq!(router.deadline(), Some(advert));
    assert_eq!(router.deadline_within(HOLD), Some(advert + HOLD));

    for second in 1..=3 {
        take_all(&mut router, Time::from_millis(1000 * second), Input::Tick);
    }
    let down = Time::from_nanos(3_609_375_000);
    assert_eq!(router.deadline_within(Duration::ZERO), Some(down));
    assert_eq!(router.deadline_within(HOLD), Some(down), "the backup's timer comes first and is not held");
    assert_eq!(router.deadline_within(Duration::MAX), Some(down));
}

#[test]
fn what_is_pending_is_never_held() {
    let mut router = router(&[(1, 255)]);
    take_all(&mut router, Time::ZERO, Input::Interface { interface: ETH0, up: true });
    let source = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    let now = Time::from_millis(5);
    drop(router.handle(now, Input::Source { interface: ETH0, family: Family::V4, address: source }));
    assert_eq!(router.deadline_within(HOLD), Some(now));
}

fn router(instances: &[(u8, u8)]) -> Router {
    let mut config = RouterConfig::new();
    config.interfaces.push(InterfaceConfig::new(ETH0, "eth0"));
    for &(vrid, priority) in instances {
        let vip = Vip::new(Ipv4Addr::new(192, 0, 2, vrid).into(), 24, ETH0);
        let mut instance =
            InstanceConfig::new(format!("V{vrid}"), ETH0, Vrid::new(vrid).expect("not zero"), vec![vip]);
        instance.priority = Priority::new(priority).expect("not zero");
        config.instances.push(instance);
    }
    Router::new(Config::new(config).expect("a sound configuration"))
}

fn take_all(router: &mut Router, now: Time, input: Input<'_>) {
    let mut actions = router.handle(now, input);
    while actions.next().is_some() {}
}
