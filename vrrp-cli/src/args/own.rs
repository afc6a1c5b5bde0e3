//! `vrrpd run`, `vrrpd check`, `vrrpd demo`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Error, Parser, Subcommand};
use vrrp_core::{Interval, Version};

use super::Invocation;

/// Runs the daemon in the foreground; it logs to standard error, and Ctrl-C stops it.
#[derive(Clone, Debug, Default, Args)]
pub struct Run {
    /// The configuration file.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Log details: packets that matter, addresses, announcements.
    #[arg(short = 'D', long = "detail")]
    pub detail: bool,
    /// Read the lines `@ID …` of the configuration too; the node name if not given.
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    pub config_id: Option<String>,
    /// Run in this network namespace.
    #[arg(short = 's', long = "namespace", value_name = "NAME")]
    pub namespace: Option<PathBuf>,
    /// Write the process id to this file, and refuse to start while its owner runs.
    #[arg(short = 'p', long = "pid", value_name = "FILE")]
    pub pid: Option<PathBuf>,
}

/// Says everything that is wrong with a configuration, and changes nothing.
///
/// Ends with 0 when there is nothing, or notes and warnings alone, and with 5 when there are errors.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The configuration file.
    pub file: PathBuf,
    /// The file is for another host: interfaces, users and programs are not looked up here.
    #[arg(long)]
    pub elsewhere: bool,
    /// One JSON object on a line for each finding, for editors and pipelines.
    #[arg(long)]
    pub json: bool,
    /// Read the lines `@ID …` of the configuration too; the node name if not given.
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    pub config_id: Option<String>,
}

/// Shows takeovers on this machine: two hosts and a client in namespaces, the real daemon on each host.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// The advertisement interval in seconds, 0.01 to 40.95.
    #[arg(long, value_name = "SECONDS", value_parser = interval)]
    pub interval: Option<Interval>,
    /// Another daemon that reads keepalived.conf, such as `keepalived`.
    #[arg(long, value_name = "PROGRAM")]
    pub daemon: Option<PathBuf>,
}

/// Understands one of our commands.
pub(super) fn parse(words: &[OsString]) -> Result<Invocation, Error> {
    Ok(match Vrrpd::try_parse_from(words)?.command {
        Command::Run(run) => Invocation::Run(run),
        Command::Check(check) => Invocation::Check(check),
        Command::Demo(demo) => Invocation::Demo(demo),
    })
}

/// VRRP failover that reads keepalived.conf as it is.
#[derive(Debug, Parser)]
#[command(name = "vrrpd", disable_version_flag = true)]
struct Vrrpd {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon in the foreground.
    Run(Run),
    /// Say everything that is wrong with a configuration file.
    Check(Check),
    /// Show a failover on this machine, in namespaces of its own.
    Demo(Demo),
}

fn interval(word: &str) -> Result<Interval, String> {
    let refused = || "expected seconds, 0.01 to 40.95".to_string();
    let (whole, part) = word.split_once('.').unwrap_or((word, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || word.len() > 8 {
        return Err(refused());
    }
    let centis = format!("{whole}{part:0<2}").parse().map_err(|_| refused())?;
    let interval = Interval::from_centis(centis).map_err(|_| refused())?;
    interval.fits(Version::V3).then_some(interval).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_the_demonstration_is_seconds_with_two_digits() {
        let centis = |word| interval(word).map(Interval::as_centis);
        assert_eq!(
            (centis("1"), centis("0.01"), centis("40.95"), centis("2.5")),
            (Ok(100), Ok(1), Ok(4095), Ok(250))
        );
        for word in ["0", "0.001", "40.96", "", "1,5", "-1", "99999999999"] {
            assert!(interval(word).is_err(), "{word}");
        }
    }
}
