//! `vrrpd`: VRRP failover that reads keepalived.conf as it is.
//!
//! [`conf`] is the language, [`args`] the command line, [`mod@check`] says what is wrong with a file, [`daemon`] runs,
//! [`mod@log`] is where lines go, [`demo`] the failover that a person can watch.

#![forbid(unsafe_code)]

pub mod args;
pub mod check;
pub mod conf;
pub mod daemon;
pub mod demo;
pub mod exit;
pub mod log;
pub mod signum;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use args::{Invocation, Keepalived};
use exit::Exit;

/// The whole program: does what the command line says.
pub fn main() -> ExitCode {
    let exit = match args::parse(std::env::args_os()) {
        Invocation::Print { text, failed } => print(&text, failed),
        Invocation::Check(options) => check::check(&options),
        Invocation::Demo(options) => show(options),
        Invocation::Run(options) => daemon::run(&daemon::Options::of_run(options)),
        Invocation::Keepalived(options) => keepalived(options),
    };
    exit.into()
}

fn keepalived(options: Keepalived) -> Exit {
    let called = std::env::args_os().next().unwrap_or_else(|| OsString::from("vrrpd"));
    if options.version {
        let version = env!("CARGO_PKG_VERSION");
        return say(&format!("vrrpd v{version}\nCompatible with Keepalived v2.2.7\n"), Exit::Success);
    }
    if let Some(name) = &options.signum {
        return match signum::number(name) {
            Some(number) => print(&format!("{number}\n"), false),
            None => say(&format!("Unknown sigfunc {name}\n"), Exit::Failed),
        };
    }
    if options.genhash {
        return say("vrrpd: there is no genhash (-T): health checks are not built yet\n", Exit::Failed);
    }
    if let Some(log) = &options.test {
        let default = daemon::default_file(args::called_keepalived(&called));
        let file = options.file.clone().unwrap_or(default);
        return check::test(&file, options.config_id.clone(), log.as_deref());
    }
    daemon::run(&daemon::Options::of_keepalived(options, &called))
}

fn show(options: args::Demo) -> Exit {
    let default = demo::Options::default();
    let interval = options.interval.unwrap_or(default.interval);
    let options = demo::Options { interval, daemon: options.daemon };
    match demo::run(&options, &mut io::stdout()) {
        Ok(()) => Exit::Success,
        Err(error) => say(&format!("vrrpd demo: {error}\n"), Exit::Failed),
    }
}

fn print(text: &str, failed: bool) -> Exit {
    if failed {
        return say(text, Exit::Failed);
    }
    match write_out(&mut io::stdout(), text) {
        Ok(()) => Exit::Success,
        Err(error) => say(&format!("vrrpd: cannot write to standard output: {error}\n"), Exit::Failed),
    }
}

/// Writes a whole answer. That whoever reads has read enough is no failure.
fn write_out(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Says something beside the output, as keepalived says its version.
fn say(text: &str, exit: Exit) -> Exit {
    let _ = io::stderr().write_all(text.as_bytes());
    exit
}
