//! The first process of a namespace of processes: it adopts and buries, and all others end with it.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{self, Child, Command, Stdio};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The directory of the lab, the same for all hosts; each has a /run of its own around it.
pub(super) const DIRECTORY: &str = "/run/vrrpd-lab";

/// Starts this program anew as the first process of a host, and waits until it has prepared the mounts.
pub(super) fn start() -> io::Result<Child> {
    let mut child = Command::new("/proc/self/exe")
        .args(env::args_os().skip(1))
        .env(ROLE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut words = String::new();
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no pipe from the first process"))?;
    // Ends at READY or when the process does.
    for octet in io::BufReader::new(stdout).bytes() {
        match octet? {
            READY => return Ok(child),
            octet => words.push(char::from(octet)),
        }
    }
    let _ = child.wait();
    Err(io::Error::other(words))
}

/// Becomes the first process of a host, if this one was started as that; does not return then.
pub(super) fn become_if_asked() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    // The thread that started us ends soon, which must not count as the end of our parent.
    let _ = prctl::set_pdeathsig(None);
    let signals = block_signals();
    let mut stdout = io::stdout();
    let prepared = prepare_mounts();
    let _ = match &prepared {
        Ok(()) => stdout.write_all(&[READY]),
        Err(error) => write!(stdout, "{error}"),
    };
    let _ = stdout.flush();
    if prepared.is_ok() {
        while let Ok(signals) = &signals {
            let _ = signals.read_signal();
            bury(None);
        }
    }
    process::exit(1);
}

/// Waits for `child`, passes signals from outside on to it, buries what is orphaned meanwhile, and ends as it does.
pub(super) fn supervise(child: Pid, signals: &SignalFd) -> ! {
    loop {
        if let Some(code) = bury(Some(child)) {
            process::exit(code);
        }
        match signals.read_signal() {
            Ok(Some(signal)) if signal.ssi_signo != Signal::SIGCHLD as u32 => {
                // What the terminal sends reaches the whole foreground group without our help.
                let from_terminal = signal.ssi_code == libc::SI_KERNEL;
                let number =
                    i32::try_from(signal.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
                if let Some(number) = number.filter(|_| !from_terminal) {
                    let _ = kill(child, number);
                }
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => process::exit(1),
        }
    }
}

/// Blocks the signals that [`supervise`] reads.
pub(super) fn block_signals() -> nix::Result<SignalFd> {
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        mask.add(signal);
    }
    mask.thread_block()?;
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC)
}

/// Mounts a /proc that shows the processes of this namespace, where the kernel lets us.
///
/// It does not for a user without privileges when parts of /proc are hidden, as in many containers; then the old one
/// stays, which shows the processes around us.
pub(super) fn mount_proc() {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let _ = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
}

/// Mounts an empty file system in memory.
pub(super) fn mount_empty(path: &Path) -> nix::Result<()> {
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))
}

/// Tells the first process of a host from the program that started it.
const ROLE: &str = "VRRPD_LAB_INIT";
const READY: u8 = b'\n';

/// The host's own /run, with the lab's directory in it.
fn prepare_mounts() -> io::Result<()> {
    mount_proc();
    let run = Path::new(DIRECTORY).join("run");
    match fs::create_dir(&run) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    mount_empty(&run)?;
    let inner = run.join(Path::new(DIRECTORY).file_name().unwrap_or_default());
    fs::create_dir(&inner)?;
    mount(Some(DIRECTORY), &inner, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    mount(Some(&run), "/run", None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
    Ok(())
}

/// Reaps all that has ended; the exit code of `child` if it is among them, 128 + n for signal n.
fn bury(child: Option<Pid>) -> Option<i32> {
    let mut code = None;
    loop {
        let (pid, ended) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
            Err(Errno::EINTR) => continue,
            Ok(_) | Err(_) => return code,
        };
        if Some(pid) == child {
            code = Some(ended);
        }
    }
}
