//! The command line: our own commands, and keepalived's options for whoever calls us as they call keepalived.

mod getopt;
mod keepalived;
mod own;

use std::ffi::{OsStr, OsString};
use std::path::Path;

pub use keepalived::{Facility, Keepalived};
pub use own::{Check, Demo, Run};

/// What the program was called to do.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums)] // the caller has an arm for each
#[allow(clippy::large_enum_variant)] // made once
pub enum Invocation {
    /// `vrrpd run`: the daemon in the foreground.
    Run(Run),
    /// `vrrpd check`: what is wrong with a file.
    Check(Check),
    /// `vrrpd demo`: a failover on this machine.
    Demo(Demo),
    /// keepalived's options: the daemon as keepalived would be.
    Keepalived(Keepalived),
    /// Nothing but a text for a person.
    Print {
        /// The text.
        text: String,
        /// Whether the text is a complaint.
        failed: bool,
    },
}

/// Understands the command line; the first word is the name of the program.
///
/// Called by the name `keepalived`, only keepalived's options are understood.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Invocation {
    let words: Vec<OsString> = words.into_iter().collect();
    let called = words.first().map_or_else(|| OsStr::new("vrrpd"), OsString::as_os_str);
    let result = match words.get(1).and_then(|word| word.to_str()) {
        Some("run" | "check" | "demo" | "help") if !called_keepalived(called) => own::parse(&words),
        _ => keepalived::parse(called, words.iter().skip(1).cloned()),
    };
    result.unwrap_or_else(|error| Invocation::Print {
        failed: error.use_stderr(),
        text: error.render().to_string(),
    })
}

/// Whether the program goes by the name of keepalived, as through a link in place of it.
pub fn called_keepalived(name: &OsStr) -> bool {
    Path::new(name).file_name() == Some(OsStr::new("keepalived"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[track_caller]
    fn options(line: &str) -> Keepalived {
        match parse(words(line)) {
            Invocation::Keepalived(options) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn our_commands_are_understood() {
        let Invocation::Run(run) = parse(words("vrrpd run -D -f /a/b.conf")) else { panic!() };
        assert_eq!(run.file, Some(PathBuf::from("/a/b.conf")));
        assert!(run.detail);
        let Invocation::Check(check) = parse(words("vrrpd check x.conf")) else { panic!() };
        assert_eq!(check.file, PathBuf::from("x.conf"));
        let Invocation::Demo(demo) = parse(words("vrrpd demo --interval 0.5")) else { panic!() };
        assert_eq!(demo.interval.map(vrrp_core::Interval::as_centis), Some(50));
    }

    #[test]
    fn keepalived_s_usual_calls_are_understood() {
        let unit = options("vrrpd -n -l -D -f /etc/keepalived/keepalived.conf");
        assert!(unit.foreground && unit.console && unit.detail);
        assert_eq!(unit.file, Some(PathBuf::from("/etc/keepalived/keepalived.conf")));

        let cluster = options("vrrpd -nDlPf x -S 3 -p /run/a.pid -r /run/b.pid -c /run/c.pid -b /run/d.pid");
        assert!(cluster.foreground && cluster.detail && cluster.console && cluster.vrrp);
        assert_eq!(cluster.facility, Some(Facility::Local(3)));
        assert_eq!(cluster.vrrp_pid, Some(PathBuf::from("/run/b.pid")));

        let long = options("vrrpd --dont-fork --log-console --log-detail --use-file=x --config-id=node1");
        assert!(long.foreground && long.console && long.detail);
        assert_eq!(long.config_id.as_deref(), Some("node1"));
    }

    #[test]
    fn an_optional_value_sticks_to_its_option() {
        assert_eq!(options("vrrpd -t").test, Some(None));
        assert_eq!(options("vrrpd -t -f x").test, Some(None));
        assert_eq!(options("vrrpd -t/tmp/log -f x").test, Some(Some(PathBuf::from("/tmp/log"))));
        assert_eq!(options("vrrpd -nt/tmp/log").test, Some(Some(PathBuf::from("/tmp/log"))));
        assert_eq!(options("vrrpd --config-test=/tmp/log").test, Some(Some(PathBuf::from("/tmp/log"))));
        assert_eq!(options("vrrpd --config-test").test, Some(None));
        assert_eq!(options("vrrpd -Df t -n").file, Some(PathBuf::from("t")));
    }

    #[test]
    fn long_options_may_be_abbreviated_as_getopt_allows() {
        assert!(options("vrrpd --dont-f").foreground);
        assert!(options("vrrpd --vrrp").vrrp);
        assert_eq!(options("vrrpd --sig=STOP").signum.as_deref(), Some("STOP"));
        assert_eq!(options("vrrpd --config-t").test, Some(None));
        assert!(matches!(parse(words("vrrpd --log")), Invocation::Print { failed: true, .. }), "ambiguous");
    }

    #[test]
    fn an_option_may_be_repeated() {
        let options = options("vrrpd -n -n -D -D -f a -f b");
        assert_eq!(options.file, Some(PathBuf::from("b")));
    }

    #[test]
    fn every_option_of_keepalived_2_2_7_is_accepted() {
        let all = options(
            "vrrpd -f x -P -C -B --all -l -D -S user -G -u 027 -X -V -I -R -n -d -p a -r b -T -c c -a -b d -x \
             -A sock -s ns -m -M -e -i id -g --signum=STOP -t",
        );
        assert!(all.all && all.no_syslog && all.keep_vips && all.genhash && all.all_config && all.snmp);
        assert_eq!(all.umask, Some(0o27));
        assert_eq!(all.core_pattern, Some(None));
        assert_eq!(all.log_file, Some(None));
    }

    #[test]
    fn what_is_unknown_or_left_over_is_refused_in_words() {
        for line in
            ["vrrpd --bogus", "vrrpd -Z", "vrrpd -n extra", "vrrpd -S 9", "vrrpd -u 9x", "vrrpd run extra"]
        {
            let Invocation::Print { failed, text } = parse(words(line)) else { panic!("{line}") };
            assert!(failed && text.starts_with("error: "), "{line}: {text}");
        }
    }

    #[test]
    fn under_the_name_keepalived_there_are_options_only() {
        assert!(matches!(parse(words("/usr/sbin/keepalived run")), Invocation::Print { failed: true, .. }));
        assert!(options("/usr/sbin/keepalived -n").foreground);
    }
}
