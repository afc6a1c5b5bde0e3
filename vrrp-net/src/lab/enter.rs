//! Into namespaces of our own, before anything else happens in the process.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{ForkResult, Gid, Uid, pipe2};
use thiserror::Error;

use super::init;
use crate::sys;

/// There can be no lab here.
#[derive(Debug, Error)]
#[error("no lab is possible here: cannot {step}: {source}{}", list(missing))]
pub struct Refusal {
    step: &'static str,
    source: io::Error,
    missing: Vec<String>,
}

impl Refusal {
    /// What must be changed on this machine, one sentence each.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }
}

/// Moves the program into network, mount and process namespaces of its own; without root through a user namespace.
///
/// It must be called first in `main`, while there is one thread. It returns in a new process; the old one stays
/// behind, passes signals on and ends with the same code. When either ends, even by `kill -9`, the kernel ends all
/// processes of the lab and removes all interfaces and files.
///
/// # Errors
/// [`Refusal`], which says what the machine lacks. The process has then done nothing that others could notice, but
/// may be in some of the namespaces already: the program should say so and end.
pub fn enter() -> Result<(), Refusal> {
    init::become_if_asked();
    unshare_all()?;
    let own_mask = SigSet::thread_get_mask().map_err(refuse("read the signal mask"))?;
    let signals = init::block_signals().map_err(refuse("take the signals over"))?;
    let (mut alive, hold) = pipe2(OFlag::O_CLOEXEC)
        .map(|(read, write)| (fs::File::from(read), fs::File::from(write)))
        .map_err(refuse("make a pipe"))?;
    // What is buffered would be written by both.
    let _ = io::stdout().flush();
    if let ForkResult::Parent { child } = sys::fork().map_err(refuse("split the process"))? {
        drop(alive);
        let _ = (&hold).write_all(&[1]);
        init::supervise(child, &signals);
    }
    drop(hold);
    let dies_with_parent = prctl::set_pdeathsig(Signal::SIGKILL);
    // Nothing to read: the parent had gone before the line above.
    if dies_with_parent.is_err() || alive.read_exact(&mut [0]).is_err() {
        process::exit(1);
    }
    if let ForkResult::Parent { child } = sys::fork().map_err(refuse("split the process"))? {
        init::supervise(child, &signals);
    }
    own_mask.thread_set_mask().map_err(refuse("restore the signal mask"))?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .map_err(refuse("keep mounts to ourselves"))?;
    init::mount_proc();
    init::mount_empty(Path::new("/run")).map_err(refuse("mount an empty /run"))?;
    fs::create_dir(init::DIRECTORY).map_err(refuse("make a directory in /run"))?;
    ENTERED.store(true, Ordering::Release);
    Ok(())
}

/// Whether this process is in a lab.
pub(super) fn entered() -> bool {
    ENTERED.load(Ordering::Acquire)
}

static ENTERED: AtomicBool = AtomicBool::new(false);

fn unshare_all() -> Result<(), Refusal> {
    let spaces = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    match unshare(spaces) {
        Err(Errno::EPERM) => {}
        outcome => return outcome.map_err(refuse("make namespaces")),
    }
    let (user, group) = (Uid::current(), Gid::current());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(refuse("make a user namespace"))?;
    fs::write("/proc/self/setgroups", "deny").map_err(refuse("prepare the user namespace"))?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))
        .map_err(refuse("be root in the user namespace"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
        .map_err(refuse("be root in the user namespace"))?;
    unshare(spaces).map_err(refuse("make namespaces in the user namespace"))
}

fn refuse<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Refusal {
    move |source| {
        let source = source.into();
        let missing = missing(&source);
        Refusal { step, source, missing }
    }
}

/// What, on this machine, forbids namespaces.
fn missing(error: &io::Error) -> Vec<String> {
    let mut missing = Vec::new();
    if error.raw_os_error() == Some(libc::EBUSY) {
        missing.push("lab::enter() must be called before any thread is started".to_string());
        return missing;
    }
    for kind in ["user", "net", "mnt", "pid", "uts", "ipc"] {
        if !Path::new("/proc/self/ns").join(kind).exists() {
            missing.push(format!("the kernel was built without {kind} namespaces"));
        }
        let name = format!("user.max_{kind}_namespaces");
        if sysctl(&name) == Some(0) {
            missing.push(format!("{name} is 0: set it to 1000 with: sysctl -w {name}=1000"));
        }
    }
    if Uid::effective().is_root() && missing.is_empty() {
        missing
            .push("this root lacks CAP_SYS_ADMIN, as in a container: start it with --privileged".to_string());
    }
    for (name, forbids, allows) in
        [("kernel.unprivileged_userns_clone", 0, 1), ("kernel.apparmor_restrict_unprivileged_userns", 1, 0)]
    {
        if sysctl(name) == Some(forbids) {
            missing.push(format!("{name} is {forbids}: run as root, or: sysctl -w {name}={allows}"));
        }
    }
    if let Ok(status) = fs::read_to_string("/proc/self/status")
        && status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]))
    {
        missing.push(
            "a seccomp filter is in force, as in a container: start it with seccomp=unconfined".to_string(),
        );
    }
    missing
}

fn sysctl(name: &str) -> Option<u64> {
    let path = Path::new("/proc/sys").join(name.replace('.', "/"));
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn list(missing: &[String]) -> String {
    missing.iter().map(|sentence| format!("\n  {sentence}")).collect()
}
