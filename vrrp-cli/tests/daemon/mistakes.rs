//! Bad input: a message with file and line, and nothing done to the system.

use std::process::Command;

use crate::elections::instance;
use crate::support::Program::{Keepalived, Vrrpd};
use crate::support::{Lan, vrrpd};

pub(crate) fn bad_files_do_nothing() {
    let lan = Lan::new();
    let node = lan.node("a", Vrrpd, &["192.0.2.1/24"], "");
    let good = instance("VI_1", 51, 100, "192.0.2.100", "");
    let path = node.file("keepalived.conf").display().to_string();
    let itself = format!("include {path}\n{good}");
    let table: [(&str, Vec<u8>, &[&str]); 6] = [
        (
            "a missing brace",
            good.trim_end().trim_end_matches('}').to_string().into_bytes(),
            &["keepalived.conf:", "brace-missing"],
        ),
        (
            "a number out of range",
            good.replace("virtual_router_id 51", "virtual_router_id 300").into_bytes(),
            &["keepalived.conf:4", "300", "1", "255"],
        ),
        (
            "a missing interface",
            good.replace("interface eth0", "interface eht0").into_bytes(),
            &["keepalived.conf:3", "eht0", "eth0"],
        ),
        ("no text", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".repeat(50), &["keepalived.conf"]),
        ("itself included", itself.into_bytes(), &["keepalived.conf:1", "include"]),
        (
            "authentication that we do not speak",
            good.replace("version 3", "version 2")
                .replace("advert_int 0.1", "advert_int 1")
                .replace("priority 100", "priority 100\nauthentication {\nauth_type AH\nauth_pass 1\n}")
                .into_bytes(),
            &["keepalived.conf:", "AH"],
        ),
    ];
    for (what, text, says) in table {
        std::fs::write(&path, text).unwrap();
        let before = node.addresses();
        let watch = node.host.watch().unwrap();
        let mark = node.wire.mark();
        let outcome = node.host.inside(|| run(vrrpd().args(["run", "-f", &path]))).unwrap();
        let (code, said) = outcome;
        assert_eq!(code, Some(2), "{what}: {said}");
        for part in says {
            assert!(said.contains(part), "{what}: `{part}` is not in\n{said}");
        }
        assert_eq!(node.addresses(), before, "{what}");
        assert!(watch.all().is_empty(), "{what}: {:?}", watch.all());
        let adverts =
            node.wire.since(mark).into_iter().filter(|frame| frame.outgoing && frame.advert().is_some());
        assert_eq!(adverts.count(), 0, "{what}");

        let (code, said) = node.host.inside(|| run(vrrpd().args(["check", &path]))).unwrap();
        assert_eq!(code, Some(5), "{what}: {said}");
    }
    let (code, said) = node.host.inside(|| run(vrrpd().args(["run", "-f", "/no/such/file"]))).unwrap();
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("/no/such/file"), "{said}");
}

/// `-t` says nothing about a good file, as keepalived does.
pub(crate) fn a_good_file_passes_every_test() {
    let lan = Lan::new();
    let node = lan.node("a", Keepalived, &["192.0.2.1/24"], &instance("VI_1", 51, 100, "192.0.2.100", ""));
    let path = node.file("keepalived.conf").display().to_string();
    let (ours, theirs) = (vrrpd(), Command::new("keepalived"));
    for mut command in [ours, theirs] {
        let outcome = node.host.inside(|| run(command.args(["-t", "-f", &path]))).unwrap();
        assert_eq!(outcome, (Some(0), String::new()), "{command:?}");
    }
    let (code, said) = node.host.inside(|| run(vrrpd().args(["check", &path]))).unwrap();
    assert_eq!((code, said), (Some(0), format!("{path}: nothing to say\n")));
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    // What is taken for good runs until it is killed.
    let mut limited = Command::new("timeout");
    limited.args(["-s", "KILL", "20"]).arg(command.get_program()).args(command.get_args());
    let output = limited.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The real host is asked, and what a daemon of ours holds is not mistaken for the host's own.
pub(crate) fn the_host_s_own_address_is_noticed() {
    let lan = Lan::new();
    let both = instance("VI_1", 51, 100, "192.0.2.1/24\n192.0.2.100", "");
    let mut node = lan.node("a", Vrrpd, &["192.0.2.1/24"], &both);
    let file = node.file("keepalived.conf");
    let check = || node.host.run(vrrpd().arg("check").arg(&file)).unwrap();
    let said = check();
    assert!(said.contains("[address-own]") && said.contains("192.0.2.1 is on eth0"), "{said}");
    assert_eq!(said.matches("[address-own]").count(), 1, "{said}");
    node.configure(&instance("VI_1", 51, 100, "192.0.2.100", ""));
    node.start();
    node.wait_holds("192.0.2.100");
    let file = node.file("keepalived.conf");
    let said = node.host.run(vrrpd().arg("check").arg(&file)).unwrap();
    assert!(!said.contains("[address-own]"), "{said}");
    assert!(node.stop().success());
}
