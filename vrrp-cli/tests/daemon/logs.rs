//! Where lines go.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vrrp_net::lab::Moment;

use crate::elections::instance;
use crate::support::Program::Vrrpd;
use crate::support::{Lan, Node, PATIENCE, vrrpd};

const VIP: &str = "192.0.2.100";

fn node(lan: &Lan) -> Node {
    lan.node("a", Vrrpd, &["192.0.2.1/24"], &instance("VI_1", 51, 100, VIP, ""))
}

/// Gives the host a /dev of its own, with a syslog in it.
fn syslog(node: &Node) -> UnixDatagram {
    let own_dev = "mkdir -p /run/dev && mount -t tmpfs none /run/dev &&
        for name in null zero full random urandom; do
            : > /run/dev/$name && mount --bind /dev/$name /run/dev/$name || exit 1
        done &&
        mount --rbind /run/dev /dev";
    node.host.run(Command::new("sh").args(["-c", own_dev])).unwrap();
    listen(node)
}

fn listen(node: &Node) -> UnixDatagram {
    let bind = || {
        let _ = std::fs::remove_file("/dev/log");
        UnixDatagram::bind("/dev/log").unwrap()
    };
    let socket = node.host.inside(bind).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Waits for a line with this text; gives all lines up to it.
fn hear(socket: &UnixDatagram, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{text}: {error}: {lines:#?}"));
        lines.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        if lines.iter().any(|line| line.contains(text)) {
            return lines;
        }
    }
}

pub(crate) fn syslog_hears_keepalived_s_idents() {
    let lan = Lan::new();
    let mut node = node(&lan);
    let socket = syslog(&node);
    let mut command = vrrpd();
    command.args(["-n", "-S", "1", "-p"]).arg(node.file("pid")).arg("-f").arg(node.file("keepalived.conf"));
    node.daemon = Some(node.host.spawn(&mut command).unwrap());
    let lines = hear(&socket, "Entering MASTER STATE");
    // Facility local1 is 17: 17 * 8 + 6 for information.
    let is_line = |line: &String, ident: &str, text: &str| {
        line.starts_with("<142>")
            && line.contains(&format!(" {ident}["))
            && line.ends_with(&format!("]: {text}"))
    };
    let has = |ident: &str, text: &str| lines.iter().any(|line| is_line(line, ident, text));
    assert!(has("Keepalived", &format!("Starting vrrpd v{}", env!("CARGO_PKG_VERSION"))), "{lines:#?}");
    assert!(has("Keepalived_vrrp", "(VI_1) Entering BACKUP STATE (init)"), "{lines:#?}");
    assert!(has("Keepalived_vrrp", "(VI_1) Entering MASTER STATE"), "{lines:#?}");
    assert!(
        !lines.iter().any(|line| line.contains("Receive advertisement timeout")),
        "a detail without -D: {lines:#?}"
    );

    // A syslog that was restarted is found again.
    drop(socket);
    let socket = listen(&node);
    node.signal(Signal::SIGUSR1);
    hear(&socket, "SIGUSR1");
    assert!(node.stop().success());
    hear(&socket, "Stopped vrrpd");
    assert_eq!(node.output(), "", "nothing is said twice");
}

/// A terminal that was stopped, or a container whose log nobody reads.
pub(crate) fn syslog_hears_what_a_stuck_console_does_not() {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let lan = Lan::new();
    let mut node = node(&lan);
    let socket = syslog(&node);
    let fifo = node.file("console");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut console = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(&fifo)
        .unwrap();
    while console.write(&[b'x'; 4096]).is_ok() {}
    let start = format!(
        "exec {} -n -l -D -p {} -f {} 2>{}",
        env!("CARGO_BIN_EXE_vrrpd"),
        node.file("pid").display(),
        node.file("keepalived.conf").display(),
        fifo.display()
    );
    node.daemon = Some(node.host.spawn(Command::new("sh").args(["-c", &start])).unwrap());
    hear(&socket, "Entering MASTER STATE");
    let told = Moment::now();
    assert!(node.stop().success());
    hear(&socket, "Stopped vrrpd");
    let took = Moment::now().since(told);
    assert!(took < Duration::from_secs(8), "the console held up the end for {took:?}");
}

pub(crate) fn the_journal_gets_severities() {
    let lan = Lan::new();
    let mut node = node(&lan);
    let _syslog = syslog(&node);
    let start = format!(
        "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec {} -n -l -D -G -p {} -f {}",
        env!("CARGO_BIN_EXE_vrrpd"),
        node.file("pid").display(),
        node.file("keepalived.conf").display()
    );
    node.daemon = Some(node.host.spawn(Command::new("sh").args(["-c", &start])).unwrap());
    node.wait_holds(VIP);
    node.host.unplug("eth0").unwrap();
    node.wait_lacks(VIP);
    assert!(node.stop().success());
    let lines = node.output();
    let has = |line: &str| lines.lines().any(|written| written == line);
    assert!(has("<6>(VI_1) Entering MASTER STATE"), "{lines}");
    assert!(has("<7>(VI_1) Receive advertisement timeout"), "{lines}");
    assert!(has("<4>(VI_1) Entering FAULT STATE"), "{lines}");
    assert!(lines.lines().all(|line| line.starts_with('<')), "{lines}");
    assert!(!lines.contains("with our IP address"), "its own adverts are no other host's: {lines}");
}
