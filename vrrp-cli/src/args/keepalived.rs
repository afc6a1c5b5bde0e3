//! keepalived's own options, those of 2.2.7 in full.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{CommandFactory, Error, FromArgMatches, Parser};

use super::{Invocation, getopt};

/// VRRP failover that reads keepalived.conf as it is.
///
/// Without a command, vrrpd takes keepalived's options and becomes a daemon.
#[derive(Clone, Debug, Default, Parser)]
#[command(
    disable_version_flag = true,
    disable_help_flag = true,
    infer_long_args = true,
    args_override_self = true,
    after_help = AFTER_HELP
)]
pub struct Keepalived {
    /// The configuration file.
    #[arg(short = 'f', long = "use-file", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Run VRRP only.
    #[arg(short = 'P', long = "vrrp")]
    pub vrrp: bool,
    /// Run health checks only.
    #[arg(short = 'C', long = "check")]
    pub check: bool,
    /// Do not run BFD.
    #[arg(short = 'B', long = "no_bfd")]
    pub no_bfd: bool,
    /// Run all parts, also those without configuration.
    #[arg(long = "all")]
    pub all: bool,
    /// Log to the terminal.
    #[arg(short = 'l', long = "log-console")]
    pub console: bool,
    /// Log details.
    #[arg(short = 'D', long = "log-detail")]
    pub detail: bool,
    /// The syslog facility: 0 to 7 for local0 to local7, or a name.
    #[arg(short = 'S', long = "log-facility", value_name = "FACILITY", value_parser = facility)]
    pub facility: Option<Facility>,
    /// Do not log to syslog.
    #[arg(short = 'G', long = "no-syslog")]
    pub no_syslog: bool,
    /// Log to a file.
    #[arg(short = 'g', long = "log-file", value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub log_file: Option<Option<PathBuf>>,
    /// The umask of files that are made, as C writes numbers.
    #[arg(short = 'u', long = "umask", value_name = "MASK", value_parser = umask)]
    pub umask: Option<u32>,
    /// Drop addresses on a transition that a signal asks for.
    #[arg(short = 'X', long = "release-vips")]
    pub release_vips: bool,
    /// Leave addresses where they are when the daemon stops.
    #[arg(short = 'V', long = "dont-release-vrrp")]
    pub keep_vips: bool,
    /// Leave the IPVS table as it is when the daemon stops.
    #[arg(short = 'I', long = "dont-release-ipvs")]
    pub keep_ipvs: bool,
    /// Do not start a part again that died.
    #[arg(short = 'R', long = "dont-respawn")]
    pub dont_respawn: bool,
    /// Stay in the foreground.
    #[arg(short = 'n', long = "dont-fork")]
    pub foreground: bool,
    /// Log the configuration as it was understood.
    #[arg(short = 'd', long = "dump-conf")]
    pub dump: bool,
    /// The file for the process id.
    #[arg(short = 'p', long = "pid", value_name = "FILE")]
    pub pid: Option<PathBuf>,
    /// The file for the process id of the VRRP part: the same number.
    #[arg(short = 'r', long = "vrrp_pid", value_name = "FILE")]
    pub vrrp_pid: Option<PathBuf>,
    /// The file for the process id of the health checks.
    #[arg(short = 'c', long = "checkers_pid", value_name = "FILE")]
    pub checkers_pid: Option<PathBuf>,
    /// The file for the process id of BFD.
    #[arg(short = 'b', long = "bfd_pid", value_name = "FILE")]
    pub bfd_pid: Option<PathBuf>,
    /// Be keepalived's genhash.
    #[arg(short = 'T', long = "genhash")]
    pub genhash: bool,
    /// Log every address that comes or goes.
    #[arg(short = 'a', long = "address-monitoring")]
    pub address_monitoring: bool,
    /// Be an SNMP agent.
    #[arg(short = 'x', long = "snmp")]
    pub snmp: bool,
    /// The socket of the SNMP master agent.
    #[arg(short = 'A', long = "snmp-agent-socket", value_name = "FILE")]
    pub snmp_socket: Option<OsString>,
    /// Run in this network namespace.
    #[arg(short = 's', long = "namespace", value_name = "NAME")]
    pub namespace: Option<PathBuf>,
    /// Leave a core file on a crash.
    #[arg(short = 'm', long = "core-dump")]
    pub core_dump: bool,
    /// Set the kernel's core_pattern.
    #[arg(short = 'M', long = "core-dump-pattern", value_name = "PATTERN", num_args = 0..=1, require_equals = true)]
    pub core_pattern: Option<Option<OsString>>,
    /// A configuration file that is missing is an error.
    #[arg(short = 'e', long = "all-config")]
    pub all_config: bool,
    /// Read the lines `@ID …` of the configuration too; the node name if not given.
    #[arg(short = 'i', long = "config-id", value_name = "ID")]
    pub config_id: Option<String>,
    /// Print the number of the signal for STOP, RELOAD, DATA, STATS, STATS_CLEAR or JSON.
    #[arg(long = "signum", value_name = "NAME")]
    pub signum: Option<String>,
    /// Say what is wrong with the configuration, to standard error or into a file, and end.
    #[arg(short = 't', long = "config-test", value_name = "LOG_FILE", num_args = 0..=1, require_equals = true)]
    pub test: Option<Option<PathBuf>>,
    /// Print the version.
    #[arg(short = 'v', long = "version")]
    pub version: bool,
    /// Print this.
    #[arg(short = 'h', long = "help")]
    pub help: bool,
}

/// A syslog facility.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // keepalived knows these
pub enum Facility {
    /// `daemon`, keepalived's default.
    #[default]
    Daemon,
    /// `user`.
    User,
    /// `local0` to `local7`.
    Local(u8),
}

impl Facility {
    /// The number of RFC 5424 section 6.2.1.
    pub const fn number(self) -> u8 {
        match self {
            Self::Daemon => 3,
            Self::User => 1,
            Self::Local(which) => 16 + which,
        }
    }
}

const AFTER_HELP: &str = "\
Commands:
  run    Run the daemon in the foreground
  check  Say everything that is wrong with a configuration file
  demo   Show a failover on this machine, in namespaces of its own

`vrrpd help COMMAND` tells more.

Environment:
  VRRPD_LOG         What is logged, in place of -D: `debug`, `warn`, `info,vrrp_net=trace`
  VRRPD_SCRIPT_ENV  Variables that scripts get beside PATH, HOME, LANG, LC_*, TZ and TMPDIR: `A,B`";

/// Understands keepalived's options; `called` is the name of the program, `words` is what stands behind it.
pub(super) fn parse(called: &OsStr, words: impl Iterator<Item = OsString>) -> Result<Invocation, Error> {
    let mut command = Keepalived::command();
    let name = if super::called_keepalived(called) { "keepalived" } else { "vrrpd" };
    command = command.name(name).bin_name(name);
    let words = std::iter::once(OsString::from(name)).chain(getopt::separate(words));
    let options = Keepalived::from_arg_matches(&command.try_get_matches_from_mut(words)?)?;
    if options.help {
        return Ok(Invocation::Print { text: command.render_help().to_string(), failed: false });
    }
    Ok(Invocation::Keepalived(options))
}

fn facility(word: &str) -> Result<Facility, String> {
    let name = word.strip_prefix("LOG_").unwrap_or(word).to_lowercase();
    match name.as_str() {
        "daemon" => return Ok(Facility::Daemon),
        "user" => return Ok(Facility::User),
        _ => {}
    }
    let digit = name.strip_prefix("local").unwrap_or(&name).parse::<u8>().ok();
    let which = digit.filter(|which| *which <= 7);
    which.map(Facility::Local).ok_or_else(|| "expected 0 to 7, local0 to local7, user or daemon".to_string())
}

/// A number as C writes it: `0x1f`, `027`, `18`.
fn umask(word: &str) -> Result<u32, String> {
    let number = match (word.strip_prefix("0x"), word.strip_prefix('0')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16),
        (None, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8),
        (None, _) => word.parse(),
    };
    let mask = number.ok().filter(|mask| *mask <= 0o777);
    mask.ok_or_else(|| "expected a number from 0 to 0777".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities_and_masks_are_read_as_keepalived_reads_them() {
        assert_eq!(facility("0"), Ok(Facility::Local(0)));
        assert_eq!(facility("local7"), Ok(Facility::Local(7)));
        assert_eq!(facility("daemon").map(Facility::number), Ok(3));
        assert!(facility("8").is_err());
        assert_eq!(
            (umask("027"), umask("0x1f"), umask("18"), umask("0")),
            (Ok(0o27), Ok(0x1f), Ok(18), Ok(0))
        );
        assert!(umask("01000").is_err() && umask("77x").is_err());
    }
}
