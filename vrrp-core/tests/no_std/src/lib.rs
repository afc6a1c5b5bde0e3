//! A library without the standard library that makes a router. It is only ever checked.
//!
//! Its own panic handler makes the proof: should anything bring the standard library in, there are two, and the
//! compiler refuses that (E0152).
#![no_std]

use core::panic::PanicInfo;

use vrrp_core::{Config, Input, Router, RouterConfig, Time};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Makes a router, tells it the time, and gives its deadline in nanoseconds.
pub fn deadline() -> Option<u64> {
    let config = Config::new(RouterConfig::new()).ok()?;
    let mut router = Router::new(config);
    let mut actions = router.handle(Time::ZERO, Input::Tick);
    while actions.next().is_some() {}
    router.deadline().map(Time::as_nanos)
}
