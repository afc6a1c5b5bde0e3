//! The namespaces of a host, and work done inside of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;

use nix::fcntl::{OFlag, open, openat};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::Mode;

/// Descriptors of the namespaces of one host.
pub(super) struct Namespaces {
    network: OwnedFd,
    mounts: OwnedFd,
    names: OwnedFd,
    processes: OwnedFd,
    directory: PathBuf,
}

impl Namespaces {
    /// Makes new ones in this thread, which must end soon; `first` starts the first process in them.
    pub(super) fn make<T>(first: impl FnOnce() -> io::Result<T>) -> io::Result<(Self, T)> {
        let directory = std::env::current_dir()?;
        unshare(
            CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWPID,
        )?;
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
        // The first process mounts another /proc over this one, in which this thread does not exist.
        let proc = open("/proc", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let namespace = |name: &str| {
            openat(
                &proc,
                Path::new("thread-self/ns").join(name).as_path(),
                OFlag::O_RDONLY | OFlag::O_CLOEXEC,
                Mode::empty(),
            )
        };
        let (network, mounts, names) = (namespace("net")?, namespace("mnt")?, namespace("uts")?);
        let first = first()?;
        // This one has a descriptor only after its first process was made.
        let processes = namespace("pid_for_children")?;
        Ok((Self { network, mounts, names, processes, directory }, first))
    }

    pub(super) fn network(&self) -> BorrowedFd<'_> {
        self.network.as_fd()
    }

    /// Runs `work` in a thread of its own inside: its sockets and files are the host's.
    pub(super) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        in_thread(|| self.join().map(|()| work()))
    }

    /// Runs `start` in a thread whose new processes are the host's. It can make no threads, for those would have to be
    /// of two namespaces of processes.
    pub(super) fn start<T: Send>(&self, start: impl FnOnce() -> T + Send) -> io::Result<T> {
        in_thread(|| {
            self.join()?;
            setns(&self.processes, CloneFlags::CLONE_NEWPID)?;
            Ok(start())
        })
    }

    fn join(&self) -> io::Result<()> {
        // A thread that shares its root and working directory may not change its mounts.
        unshare(CloneFlags::CLONE_FS)?;
        setns(&self.mounts, CloneFlags::CLONE_NEWNS)?;
        setns(&self.network, CloneFlags::CLONE_NEWNET)?;
        setns(&self.names, CloneFlags::CLONE_NEWUTS)?;
        std::env::set_current_dir(&self.directory)
    }
}

fn in_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}
