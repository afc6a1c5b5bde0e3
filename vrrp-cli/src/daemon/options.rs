//! What the daemon is to do, whichever way it was called.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

use crate::args::{self, Facility, Keepalived};
use crate::log;

/// How the daemon runs.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // the two ways to call us say all of it
pub struct Options {
    /// The configuration file.
    pub file: PathBuf,
    /// The name for `@id` lines, if it is not the host's.
    pub config_id: Option<String>,
    /// The network namespace to run in: a name below `/run/netns`, or a path.
    pub namespace: Option<PathBuf>,
    /// Go into the background.
    pub detach: bool,
    /// Virtual routers are to run.
    pub vrrp: bool,
    /// Where lines go.
    pub log: log::Settings,
    /// The pid files, each with whether it was asked for by name.
    pub pid_files: Vec<(PathBuf, bool)>,
    /// The umask of files that are made.
    pub umask: Option<u32>,
    /// Leave a core file on a crash.
    pub core_dump: bool,
    /// Options that are accepted and do nothing, with what that means.
    pub without_effect: Vec<String>,
}

impl Options {
    /// `vrrpd run`: in the foreground, with the log on the terminal.
    pub fn of_run(run: args::Run) -> Self {
        let log = log::Settings { console: true, detail: run.detail, ..log::Settings::default() };
        Self {
            file: absolute(run.file.unwrap_or_else(|| default_file(false))),
            config_id: run.config_id,
            namespace: run.namespace,
            vrrp: true,
            log,
            pid_files: run.pid.map(|path| (absolute(path), true)).into_iter().collect(),
            ..Self::default()
        }
    }

    /// keepalived's options; `called` is the name that we were called by.
    pub fn of_keepalived(options: Keepalived, called: &OsStr) -> Self {
        let is_keepalived = args::called_keepalived(called);
        let vrrp = options.vrrp || options.all || !options.check;
        let without_effect = without_effect(&options, vrrp);
        let log = log::Settings {
            console: options.console && options.foreground,
            syslog: !options.no_syslog,
            facility: options.facility.unwrap_or(Facility::Daemon),
            detail: options.detail,
        };
        let pid_files = pid_files(&options, is_keepalived, vrrp);
        Self {
            file: absolute(options.file.unwrap_or_else(|| default_file(is_keepalived))),
            config_id: options.config_id,
            namespace: options.namespace,
            detach: !options.foreground,
            vrrp,
            log,
            pid_files,
            umask: options.umask,
            core_dump: options.core_dump,
            without_effect,
        }
    }

    /// Changes what belongs to the process as a whole. Before any thread starts.
    ///
    /// # Errors
    /// A namespace that cannot be entered.
    pub fn apply(&self) -> Result<(), String> {
        vrrp_net::process::keep_inherited_descriptors();
        if let Some(mask) = self.umask {
            umask(Mode::from_bits_truncate(mask));
        }
        if self.core_dump {
            setrlimit(Resource::RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY)
                .map_err(|errno| format!("cannot allow core files (-m): {errno}"))?;
        }
        match &self.namespace {
            Some(namespace) => enter(namespace),
            None => Ok(()),
        }
    }
}

/// The configuration file when none is named: ours if it is there, keepalived's otherwise.
pub fn default_file(is_keepalived: bool) -> PathBuf {
    let ours = Path::new("/etc/vrrpd/vrrpd.conf");
    match !is_keepalived && ours.exists() {
        true => ours.to_path_buf(),
        false => PathBuf::from("/etc/keepalived/keepalived.conf"),
    }
}

/// A daemon works in `/`, and a reload reads the file again.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Where the process id goes: where keepalived's would if we stand in for it.
fn pid_files(options: &Keepalived, is_keepalived: bool, vrrp: bool) -> Vec<(PathBuf, bool)> {
    let of_namespace = options.namespace.as_deref().and_then(Path::file_name).map(OsStr::to_string_lossy);
    let default = |name: &str| match &of_namespace {
        Some(namespace) => PathBuf::from(format!("/run/{name}/{namespace}_{name}.pid")),
        None => PathBuf::from(format!("/run/{name}.pid")),
    };
    let mut files = match &options.pid {
        Some(path) => vec![(absolute(path.clone()), true)],
        None if is_keepalived => vec![(default("keepalived"), false)],
        None => vec![(default("vrrpd"), false)],
    };
    match &options.vrrp_pid {
        Some(path) if vrrp => files.push((absolute(path.clone()), true)),
        None if vrrp && is_keepalived => files.push((default("keepalived_vrrp"), false)),
        Some(_) | None => {}
    }
    files
}

fn without_effect(options: &Keepalived, vrrp: bool) -> Vec<String> {
    let has_no_effect = [
        (!vrrp, "-C (--check): there are no health checks yet, so that nothing runs"),
        (options.keep_vips, "-V (--dont-release-vrrp): addresses are removed when the daemon stops"),
        (options.dump, "-d (--dump-conf): the configuration is not dumped"),
        (options.address_monitoring, "-a (--address-monitoring): only addresses that matter are logged"),
        (options.snmp || options.snmp_socket.is_some(), "-x, -A (--snmp): there is no SNMP agent"),
        (options.log_file.is_some(), "-g (--log-file): lines go to the terminal, the journal or syslog"),
        (
            options.core_pattern.is_some(),
            "-M (--core-dump-pattern): the kernel's core_pattern is left as it is",
        ),
        (options.all_config, "-e (--all-config): a missing file is said, and no error"),
        (
            options.checkers_pid.is_some(),
            "-c (--checkers_pid): no process checks health, and the file is not written",
        ),
        (options.bfd_pid.is_some(), "-b (--bfd_pid): no process runs BFD, and the file is not written"),
    ];
    let said = has_no_effect.into_iter().filter(|(is_set, _)| *is_set);
    said.map(|(_, what)| format!("option without effect: {what}")).collect()
}

fn enter(namespace: &Path) -> Result<(), String> {
    let path = match namespace.components().count() {
        1 => Path::new("/run/netns").join(namespace),
        _ => namespace.to_path_buf(),
    };
    let failed =
        |error: std::io::Error| format!("cannot enter the network namespace {}: {error}", path.display());
    let namespace = std::fs::File::open(&path).map_err(failed)?;
    nix::sched::setns(&namespace, nix::sched::CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        let words = line.split(' ').map(std::ffi::OsString::from);
        match args::parse(words) {
            args::Invocation::Run(run) => Options::of_run(run),
            args::Invocation::Keepalived(keepalived) => {
                let name = line.split(' ').next().unwrap_or_default();
                Options::of_keepalived(keepalived, OsStr::new(name))
            }
            other => panic!("{other:?}"),
        }
    }

    fn files(line: &str) -> Vec<String> {
        options(line).pid_files.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn pid_files_lie_where_they_are_looked_for() {
        assert_eq!(files("vrrpd"), ["/run/vrrpd.pid"]);
        assert_eq!(files("/usr/sbin/keepalived"), ["/run/keepalived.pid", "/run/keepalived_vrrp.pid"]);
        assert_eq!(files("vrrpd -p /a.pid -r /b.pid"), ["/a.pid", "/b.pid"]);
        assert_eq!(files("keepalived -C -r /b.pid"), ["/run/keepalived.pid"]);
        assert_eq!(files("vrrpd -s blue"), ["/run/vrrpd/blue_vrrpd.pid"]);
        assert_eq!(files("vrrpd run -f x"), [""; 0]);
    }

    #[test]
    fn the_usual_unit_file_goes_to_syslog_and_a_container_to_both() {
        let unit = options("vrrpd -D");
        assert!(unit.detach && unit.log.syslog && !unit.log.console && unit.log.detail && unit.vrrp);
        let container = options("vrrpd -n -l -D -f /x");
        assert!(!container.detach && container.log.syslog && container.log.console);
        let quiet = options("vrrpd -n -l -G");
        assert!(quiet.log.console && !quiet.log.syslog);
        assert!(container.without_effect.is_empty() && container.file == Path::new("/x"));
    }

    #[test]
    fn what_does_nothing_says_so() {
        let said = options("vrrpd -n -V -x -c /c.pid -R -B -P -X -I").without_effect;
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(!options("vrrpd -C").vrrp && options("vrrpd -C -P").vrrp);
    }
}
