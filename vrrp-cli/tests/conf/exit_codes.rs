//! `-t` ends as keepalived's own: both read the corpus, and where we differ on purpose the table says why.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use vrrp_cli::conf;
use vrrp_cli::conf::lower::{Interner, lower};

use crate::corpus;
use crate::host::Host;

/// File, our exit code, keepalived 2.2.7's, and why they differ.
const DIFFERENT: &[(&str, u8, u8, &str)] = &[
    ("advert-int", 0, 5, "an interval that is rounded is a note"),
    ("auth-ten", 0, 5, "a password that is cut is a note"),
    ("definition-loop", 5, 137, "keepalived does not end"),
    ("excluded-only", 0, 5, "addresses that are only excluded are a note"),
    (
        "definition-large",
        4,
        5,
        "what exceeds a bound is not read at all; keepalived cuts lines and reads the rest",
    ),
    ("group-weights", 0, 5, "a weight that a group forbids is a note"),
    ("include-chain", 5, 0, "a file that includes itself is an error, also by way of others"),
    ("nopreempt-delay", 0, 5, "a delay without effect is a note"),
    ("peer-no-host", 5, 0, "adverts to a peer that is no host go nowhere, or to everybody"),
    (
        "script-directory",
        5,
        6,
        "a command that cannot be run is an error; keepalived calls it insecure and goes on",
    ),
    ("track-source", 5, 0, "what we do not carry out yet and what decides who owns an address is an error"),
    ("inline-shell", 6, 5, "the command runs, so its security counts; keepalived drops it"),
    ("not-carried-out", 0, 5, "keepalived's build lacks iptables; what we do not carry out yet is a warning"),
    ("preempt-master", 0, 5, "nopreempt without effect is a note"),
    ("script-security", 5, 0, "on the host of the tests others can change /bin/echo"),
    ("secret-definition", 0, 5, "a password that is cut is a note"),
    ("strict-pass", 0, 5, "what strict mode drops is a note, and an interval of 0 means no gap"),
    ("track-own-interface", 0, 5, "an interface that is watched twice does no harm"),
];

#[test]
fn t_ends_as_keepalived_does_but_where_the_table_says_why() {
    let Some(theirs) = keepalived() else { return };
    let mut wrong = Vec::new();
    for path in corpus::files() {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let pair = (ours(&path), theirs[name]);
        match DIFFERENT.iter().find(|row| row.0 == name) {
            Some(&(_, ours, theirs, why)) if (ours, theirs) == pair && !why.is_empty() => {}
            None if pair.0 == pair.1 => {}
            Some(_) | None => wrong.push(format!("(\"{name}\", {}, {}, \"\"),", pair.0, pair.1)),
        }
    }
    assert!(wrong.is_empty(), "ours and keepalived's exit codes:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_and_an_empty_file_are_good_for_t() {
    let (config, diagnostics) = conf::load(Path::new("tests/conf/no-such.conf"), &corpus::options());
    assert!(config.is_none() && diagnostics.is_fatal());
    assert_eq!((diagnostics.exit_code_test(), diagnostics.exit_code_check()), (0, 5));
    let (config, diagnostics) = conf::load(Path::new("tests/conf/corpus/empty.conf"), &corpus::options());
    assert!(config.is_some() && !diagnostics.is_fatal());
    assert_eq!((diagnostics.exit_code_test(), diagnostics.exit_code_check()), (0, 0));
}

fn ours(path: &Path) -> u8 {
    let (config, mut diagnostics) = conf::load(path, &corpus::options());
    if let Some(config) = config {
        lower(&config, &Host, &mut Interner::default(), &mut diagnostics);
    }
    diagnostics.exit_code_test()
}

/// What keepalived says to each file of the corpus, in a network namespace with eth0 and eth1.
fn keepalived() -> Option<BTreeMap<String, u8>> {
    const SCRIPT: &str = "set -e
        ip link add eth0 type veth peer name eth1
        ip link set lo up; ip link set eth0 up; ip link set eth1 up
        ip addr add 192.0.2.1/24 dev eth0
        set +e
        for file; do
            case $file in *definition-loop*) limit=3 ;; *) limit=60 ;; esac
            timeout -s KILL $limit keepalived -t -i host-a -f \"$file\" >/dev/null 2>&1 </dev/null
            echo \"$file $?\"
        done";
    let files =
        corpus::files().into_iter().map(|file| std::path::absolute(file).expect("the directory is known"));
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--", "sh", "-c", SCRIPT, "sh"])
        .args(files)
        .stderr(Stdio::null())
        .output();
    let text = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let found: BTreeMap<String, u8> = text.unwrap_or_default().lines().filter_map(line).collect();
    // 127: there is no keepalived. 137: it did not end.
    if found.len() == corpus::files().len() && found.values().all(|code| *code != 127) {
        return Some(found);
    }
    assert!(std::env::var_os("VRRPD_NO_SKIP").is_none(), "keepalived cannot be asked: {found:?}");
    println!("skipped: no keepalived, or no right to make a network namespace");
    None
}

fn line(line: &str) -> Option<(String, u8)> {
    let (path, code) = line.rsplit_once(' ')?;
    let name = Path::new(path).file_stem()?.to_str()?;
    Some((name.to_string(), code.parse().ok()?))
}
