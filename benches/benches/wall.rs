//! Wall clock of what the packet thread does all day: `cargo bench -p vrrp-benches`.
//!
//! Allocations are shown beside the times; there should be none.

use divan::{AllocProfiler, Bencher, black_box};
use vrrp_benches::{Lan, datagram, template};
use vrrp_core::wire::{self, Datagram, Expect};
use vrrp_core::{Interval, Version, Vrid};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A datagram becomes an advert.
#[divan::bench(args = [1, 20, 255])]
fn parse(bencher: Bencher<'_, '_>, addresses: u8) {
    let octets = datagram(addresses);
    bencher.bench_local(|| {
        let (header, payload) = Datagram::V4(black_box(&octets)).split().expect("whole");
        wire::parse(&header, payload, &Expect::version(Version::V3)).expect("right").priority()
    });
}

/// An advert becomes a datagram.
#[divan::bench(args = [1, 20, 255])]
fn encode(bencher: Bencher<'_, '_>, addresses: u8) {
    let vips: Vec<_> = (1..=addresses).map(|host| [10, 1, 1, host].into()).collect();
    let mut template = template(Vrid::new(1).expect("not zero"), Interval::DEFAULT, &vips);
    let (from, to) = ([10, 0, 0, 1].into(), wire::GROUP_V4.into());
    bencher.bench_local(|| template.write(black_box(100), from, to, wire::TTL, 1).map(<[u8]>::len));
}

/// A BACKUP hears its master: judged, timers set anew, nothing to do.
#[divan::bench(args = [1, 255, 1000])]
fn hear(bencher: Bencher<'_, '_>, instances: usize) {
    let mut lan = Lan::of_backups(instances);
    bencher.bench_local(|| lan.hear());
}

/// The timers of all masters fire at one time: one advert each.
#[divan::bench(args = [1, 255, 1000])]
fn tick(bencher: Bencher<'_, '_>, instances: usize) {
    let mut lan = Lan::of_masters(instances, 1);
    bencher.bench_local(|| lan.tick());
}
