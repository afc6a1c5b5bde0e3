//! Who is master, for how users write it.

use std::time::Duration;

use vrrp_net::lab::Moment;

use crate::support::Program::{Keepalived, Vrrpd};
use crate::support::{Lan, Node, ip};

/// An instance of version 3 that sends ten adverts a second, with more lines in it.
pub(crate) fn instance(name: &str, vrid: u8, priority: u8, vip: &str, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{
            state BACKUP
            interface eth0
            virtual_router_id {vrid}
            priority {priority}
            version 3
            advert_int 0.1
            garp_master_delay 0
            virtual_ipaddress {{
                {vip}
            }}
            {more}
        }}\n"
    )
}

const VIP: &str = "192.0.2.100";

pub(crate) fn nopreempt_leaves_the_master_alone() {
    let lan = Lan::new();
    let config = |priority| instance("VI_1", 51, priority, VIP, "nopreempt");
    let mut better = lan.node("better", Vrrpd, &["192.0.2.1/24"], &config(150));
    let mut worse = lan.node("worse", Vrrpd, &["192.0.2.2/24"], &config(100));
    worse.start();
    worse.wait_holds(VIP);
    let since = Moment::now();
    better.start();
    // Ten adverts are three times the better one's Master_Down_Interval.
    better.wait_advert(since + Duration::from_secs(1), "the master to go on", |_, outgoing| !outgoing);
    assert!(better.sent(since).is_empty(), "{}", better.output());
    assert!(worse.holds(VIP) && !better.holds(VIP));
    worse.stop();
    better.wait_holds(VIP);
}

pub(crate) fn a_better_router_waits_for_preempt_delay() {
    let lan = Lan::new();
    let delay = Duration::from_millis(2500);
    let more = "preempt_delay 2.5";
    let mut better = lan.node("better", Vrrpd, &["192.0.2.1/24"], &instance("VI_1", 51, 150, VIP, more));
    let mut worse = lan.node("worse", Vrrpd, &["192.0.2.2/24"], &instance("VI_1", 51, 100, VIP, ""));
    worse.start();
    worse.wait_holds(VIP);
    let since = Moment::now();
    better.start();
    better.wait_holds(VIP);
    worse.wait_lacks(VIP);
    let (first, _) = better.wait_advert(since, "its first advert", |_, outgoing| outgoing);
    // The delay begins with the first advert that it hears after it has begun to listen.
    assert!(first.since(since) >= delay, "{:?}", first.since(since));
    assert!(
        first.since(since) < delay + Duration::from_secs(3),
        "{:?}\n{}",
        first.since(since),
        better.output()
    );
}

pub(crate) fn an_owner_is_master_at_once() {
    let lan = Lan::new();
    // The router whose own address it is: MASTER without waiting for anybody.
    let own = ["192.0.2.1/24", "192.0.2.100/32"];
    let mut owner = lan.node("owner", Vrrpd, &own, &instance("VI_1", 51, 255, VIP, ""));
    let mut other = lan.node("other", Vrrpd, &["192.0.2.2/24"], &instance("VI_1", 51, 100, VIP, ""));
    other.start();
    other.wait_holds(VIP);
    owner.start();
    let advert = owner.wait_advert(Moment(0), "an owner's advert", |_, outgoing| outgoing).1;
    assert_eq!((advert.priority, advert.source), (255, ip("192.0.2.1")));
    other.wait_lacks(VIP);
    // Its own address is not ours to take away.
    assert!(owner.stop().success());
    assert!(owner.holds(VIP), "{}", owner.output());
    other.wait_holds(VIP);
}

pub(crate) fn mutual_backup_hands_over_what_fails() {
    let lan = Lan::new();
    let config = |node: &str, priorities: [u8; 2]| {
        let script = format!(
            "vrrp_script chk {{
                script \"/usr/bin/test ! -e /run/vrrpd-lab/lab0/{node}/down\"
                interval 0.2
                rise 2
                fall 2
            }}\n"
        );
        let track = "track_script {\n chk\n }\n track_interface {\n eth0\n }";
        script
            + &instance("VI_1", 51, priorities[0], "192.0.2.101/24", track)
            + &instance("VI_2", 52, priorities[1], "192.0.2.102/24", track)
    };
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let mut b = lan.node("b", Vrrpd, &["192.0.2.2/24"], "");
    for (node, priorities) in [(&mut a, [150, 100]), (&mut b, [100, 150])] {
        let text = config(node.host.name(), priorities).replace("/run/vrrpd-lab/lab0/", &directory_of(node));
        node.configure(&text);
        node.start();
    }
    let one_each = |a: &Node, b: &Node| {
        a.wait_holds("192.0.2.101");
        b.wait_holds("192.0.2.102");
        a.wait_lacks("192.0.2.102");
        b.wait_lacks("192.0.2.101");
    };
    one_each(&a, &b);
    // A check without a weight: its failure is a fault, and both addresses are on the other host.
    let failed = Moment::now();
    std::fs::write(a.file("down"), "").unwrap();
    b.wait_holds("192.0.2.101");
    a.wait_lacks("192.0.2.101");
    b.wait_advert(failed, "priority 0", |advert, outgoing| {
        !outgoing && advert.priority == 0 && advert.vrid == 51
    });
    std::fs::remove_file(a.file("down")).unwrap();
    one_each(&a, &b);
}

/// The directory of all hosts of a lab, with a slash at its end.
fn directory_of(node: &Node) -> String {
    format!("{}/", node.host.directory().parent().unwrap().display())
}

pub(crate) fn addresses_carry_their_labels() {
    let lan = Lan::new();
    let vips = "192.0.2.100/24 brd 192.0.2.255 label eth0:0\n198.51.100.1/24 dev eth0 label eth0:0 scope link\n192.0.2.102";
    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &instance("VI_1", 51, 100, vips, ""));
    a.start();
    a.wait_holds("192.0.2.102");
    a.wait_holds("198.51.100.1");
    let addresses = a.addresses();
    let held = |address: &str| addresses.iter().find(|held| held.address == ip(address)).unwrap();
    let (first, second, third) = (held("192.0.2.100"), held("198.51.100.1"), held("192.0.2.102"));
    assert_eq!(first.label.as_deref(), Some("eth0:0"));
    assert_eq!((first.prefix, first.broadcast), (24, Some("192.0.2.255".parse().unwrap())));
    assert_eq!((second.label.as_deref(), second.scope), (Some("eth0:0"), 253));
    assert_eq!((third.prefix, third.scope, third.broadcast), (32, 0, None));
}

pub(crate) fn strict_drops_the_password() {
    let lan = Lan::new();
    let config = |priority: u8| {
        format!(
            "global_defs {{
                vrrp_strict
                vrrp_garp_interval 0
                vrrp_gna_interval 0
            }}
            vrrp_instance VI_1 {{
                state MASTER
                interface eth0
                virtual_router_id 51
                priority {priority}
                advert_int 1
                authentication {{
                    auth_type PASS
                    auth_pass 1111
                }}
                virtual_ipaddress {{
                    {VIP}
                }}
            }}"
        )
    };
    let mut ours = lan.node("ours", Vrrpd, &["192.0.2.1/24"], &config(150));
    let mut theirs = lan.node("theirs", Keepalived, &["192.0.2.2/24"], &config(100));
    ours.start();
    theirs.start();
    ours.wait_holds(VIP);
    let advert = theirs.wait_advert(Moment(0), "our advert", |_, outgoing| !outgoing).1;
    assert_eq!((advert.auth_type, advert.version), (0, 2));
    let since = Moment::now();
    theirs.wait_advert(since + Duration::from_secs(4), "our adverts to go on", |_, outgoing| !outgoing);
    assert!(theirs.sent(since).is_empty() && !theirs.holds(VIP), "{}", theirs.output());
    let pinger = theirs.host.ping(ip(VIP)).unwrap();
    theirs.wait_advert(Moment::now() + Duration::from_secs(1), "a second of pings", |_, outgoing| !outgoing);
    let report = pinger.finish();
    assert!(
        report.probes.len() > 100 && report.probes.iter().all(|probe| probe.answered.is_none()),
        "it answers"
    );
    // Why the address does not answer is said by whoever checks the file, too.
    let check =
        crate::support::vrrpd().arg("check").arg(ours.file("keepalived.conf")).arg("--elsewhere").output();
    let said = String::from_utf8(check.unwrap().stdout).unwrap();
    assert!(said.contains(VIP) && said.contains("no-answer"), "{said}");
    assert!(ours.output().contains(VIP), "the start says it, too: {}", ours.output());
}

fn unicast(own: &str, priority: u8, peers: &[&str]) -> String {
    let more = format!("unicast_src_ip {own}\n unicast_peer {{\n {}\n }}", peers.join("\n"));
    instance("VI_1", 51, priority, VIP, &more)
}

pub(crate) fn unicast_among_three_may_list_itself() {
    let lan = Lan::new();
    let all = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    let mut nodes: Vec<Node> = (0..3)
        .map(|number: usize| {
            let priority = [150, 120, 100][number];
            let name = ["a", "b", "c"][number];
            lan.node(name, Vrrpd, &[&format!("{}/24", all[number])], &unicast(all[number], priority, &all))
        })
        .collect();
    nodes.iter_mut().for_each(Node::start);
    nodes[0].wait_holds(VIP);
    nodes[1].wait_lacks(VIP);
    nodes[2].wait_lacks(VIP);
    let since = Moment::now();
    for other in ["192.0.2.2", "192.0.2.3"] {
        nodes[0].wait_advert(since, "an advert to each peer", |advert, outgoing| {
            outgoing && advert.destination == ip(other)
        });
    }
    let to_itself =
        nodes[0].sent(Moment(0)).into_iter().filter(|(_, advert)| advert.destination == ip("192.0.2.1"));
    assert_eq!(to_itself.count(), 0);
    nodes[0].stop();
    nodes[1].wait_holds(VIP);
    assert!(!nodes[2].holds(VIP), "{}", nodes[2].output());
}

pub(crate) fn unicast_passes_a_router() {
    let lan = Lan::new();
    let far = lan.lab.bridge().unwrap();
    let router = lan.lab.host("router").unwrap();
    router.attach(&lan.bridge, "eth0", &["192.0.2.254/24"]).unwrap();
    router.attach(&far, "eth1", &["198.51.100.254/24"]).unwrap();
    let forward = || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1");
    router.inside(forward).unwrap().unwrap();

    let mut a = lan.node("a", Vrrpd, &["192.0.2.1/24"], &unicast("192.0.2.1", 150, &["198.51.100.2"]));
    let far = Lan { bridge: far, lab: lan.lab };
    let mut b = far.node("b", Vrrpd, &["198.51.100.2/24"], &unicast("198.51.100.2", 100, &["192.0.2.1"]));
    a.host.route_through(ip("192.0.2.254")).unwrap();
    b.host.route_through(ip("198.51.100.254")).unwrap();
    a.start();
    a.wait_holds(VIP);
    b.start();
    let (heard, advert) =
        b.wait_advert(Moment(0), "an advert from behind the router", |_, outgoing| !outgoing);
    assert_eq!(advert.ttl, 254);
    b.wait_advert(heard + Duration::from_secs(1), "the master to go on", |_, outgoing| !outgoing);
    assert!(b.sent(heard).is_empty() && !b.holds(VIP), "{}", b.output());
    a.stop();
    b.wait_holds(VIP);
    drop(router);
}
