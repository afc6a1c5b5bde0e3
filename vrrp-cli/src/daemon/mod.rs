//! The daemon: reads the configuration, starts the threads, hears signals, reloads, and leaves nothing behind.

pub mod cleanup;
mod ending;
pub mod lines;
mod load;
mod lock;
mod options;
mod plant;
mod reload;
mod run;
mod service;
mod threads;

use std::io::{self, IsTerminal, Write};

use log::error;
use vrrp_net::process::{Background, Detached, PidFile, PidFileError, detach};

use crate::conf::Diagnostics;
use crate::conf::lower::Interner;
use crate::conf::severity::Class;
use crate::exit::Exit;
use crate::log::{DAEMON, Sinks, VRRP};
use load::{Loaded, Refusal, load};
use run::Daemon;

pub use options::{Options, default_file};

/// Runs the daemon until it is told to stop.
///
/// The configuration is read first: when it cannot be carried out, whoever called hears so, and nothing was done.
pub fn run(options: &Options) -> Exit {
    if let Err(words) = options.apply() {
        return complain(&words, Exit::Failed);
    }
    let mut interner = Interner::default();
    let (loaded, found) = load(&options.file, options.config_id.clone(), &mut interner);
    let loaded = match loaded {
        Ok(loaded) if options.vrrp => loaded,
        Ok(_) => Loaded::nothing(),
        Err(refusal) => return refuse(options, refusal, &found),
    };
    if !options.detach {
        return go(options, loaded, &found, interner, None);
    }
    match detach() {
        Ok(Detached::Foreground(foreground)) => Exit::Code(foreground.wait()),
        Ok(Detached::Background(background)) => go(options, loaded, &found, interner, Some(background)),
        Err(error) => complain(&format!("cannot go into the background: {error}"), Exit::Failed),
    }
}

/// Everything from here on is in the process that stays.
fn go(
    options: &Options,
    loaded: Loaded,
    found: &Diagnostics,
    interner: Interner,
    background: Option<Background>,
) -> Exit {
    let fail = |words: &str, exit: Exit, background: Option<Background>| {
        complain(words, exit);
        if let Some(background) = background {
            background.failed(exit.code());
        }
        exit
    };
    let mut remarks = options.without_effect.clone();
    let lock = || lock::lock(&options.file, options.config_id.as_deref());
    let locks = match options.vrrp.then(lock).transpose() {
        Ok(None) => Vec::new(),
        Ok(Some((locks, remark))) => {
            remarks.extend(remark);
            locks
        }
        Err(words) => return fail(&words, Exit::Failed, background),
    };
    let mut pid_files = Vec::new();
    for (path, was_named) in &options.pid_files {
        match PidFile::create(path) {
            Ok(file) => pid_files.push(file),
            // A file system that is read only is no reason not to run, unless somebody counts on the file.
            Err(error @ PidFileError::Write { .. }) if !was_named => remarks.push(error.to_string()),
            Err(error) => return fail(&error.to_string(), Exit::Failed, background),
        }
    }
    let writer = match crate::log::start(&options.log) {
        Ok(writer) => writer,
        Err(error) => return fail(&format!("cannot start the log: {error}"), Exit::Failed, background),
    };
    std::panic::set_hook(Box::new(|info| {
        error!(target: DAEMON, "{}", info.to_string().replace('\n', " "));
    }));
    greet(options, &remarks);
    tell(found);
    let exit = match Daemon::start(options, loaded, interner) {
        Ok(daemon) => match background.map_or(Ok(()), Background::ready) {
            Ok(()) => daemon.run(),
            Err(error) => {
                error!(target: DAEMON, "cannot let go of the terminal: {error}");
                daemon.stop_at_once()
            }
        },
        Err((words, exit)) => {
            error!(target: DAEMON, "{words}");
            // The log may go where nobody looks at the moment.
            if !options.log.console {
                complain(&words, exit);
            }
            if let Some(background) = background {
                background.failed(exit.code());
            }
            exit
        }
    };
    log::info!(target: DAEMON, "Stopped vrrpd v{}", env!("CARGO_PKG_VERSION"));
    // The log first: the pid file says that somebody still writes.
    drop(writer);
    drop(pid_files);
    drop(locks);
    exit
}

/// Says why the configuration is not carried out: to whoever called, and to syslog, where a unit's failures are looked for.
fn refuse(options: &Options, refusal: Refusal, found: &Diagnostics) -> Exit {
    let mut out = io::stderr();
    let color = out.is_terminal();
    // Whoever called may not listen.
    let _ = out.write_all(found.render(color).as_bytes());
    let settings = crate::log::Settings { console: false, ..options.log.clone() };
    if Sinks::new(&settings).has_syslog()
        && let Ok(_writer) = crate::log::start(&settings)
    {
        tell(found);
    }
    match refusal {
        Refusal::NoFile => Exit::NoConfig,
        Refusal::Findings => Exit::Config,
    }
}

fn complain(words: &str, exit: Exit) -> Exit {
    let _ = writeln!(io::stderr(), "vrrpd: {words}");
    exit
}

fn greet(options: &Options, remarks: &[String]) {
    log::info!(target: DAEMON, "Starting vrrpd v{}", env!("CARGO_PKG_VERSION"));
    if let Ok(system) = nix::sys::utsname::uname() {
        let [name, release, version] =
            [system.sysname(), system.release(), system.version()].map(|s| s.to_string_lossy());
        log::info!(target: DAEMON, "Running on {name} {release} {version}");
    }
    let words: Vec<String> =
        std::env::args_os().map(|word| format!("'{}'", word.to_string_lossy())).collect();
    log::info!(target: DAEMON, "Command line: {}", words.join(" "));
    log::info!(target: DAEMON, "Configuration file {}", options.file.display());
    for remark in remarks {
        log::warn!(target: DAEMON, "{remark}");
    }
}

/// Every finding, a line each.
fn tell(found: &Diagnostics) {
    for (class, line) in found.lines() {
        match class {
            Class::Fatal => log::error!(target: VRRP, "{line}"),
            Class::Ignored => log::warn!(target: VRRP, "{line}"),
            Class::Note => log::info!(target: VRRP, "{line}"),
        }
    }
}
