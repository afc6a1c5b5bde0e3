//! The command as scripts know it: exit codes, and on which stream it speaks. Where a script that knows keepalived could
//! tell the difference, the real keepalived is asked as well.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the failure of a test

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("vrrpd-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn vrrpd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vrrpd")).args(arguments).env_remove("VRRPD_LOG").output().unwrap()
}

/// None, with a line about it, where there is no keepalived.
fn keepalived(arguments: &[&str]) -> Option<Output> {
    let output = Command::new("keepalived").args(arguments).output().ok();
    if output.is_none() {
        assert!(
            std::env::var("VRRPD_NO_SKIP").as_deref() != Ok("1"),
            "there is no keepalived to compare with"
        );
        eprintln!("skipped: there is no keepalived to compare with");
    }
    output
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{:?}", output.status))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An instance on an interface that a machine may have or not.
fn instance(more: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n {more}\n virtual_ipaddress {{\n 192.0.2.100\n }}\n}}\n"
    )
}

#[test]
fn signum_prints_what_keepalived_prints() {
    for name in ["STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON", "FOO"] {
        let argument = format!("--signum={name}");
        let ours = vrrpd(&[&argument]);
        if let Some(theirs) = keepalived(&[&argument]) {
            assert_eq!(
                (code(&ours), out(&ours), err(&ours)),
                (code(&theirs), out(&theirs), err(&theirs)),
                "{name}"
            );
        }
    }
    assert_eq!(out(&vrrpd(&["--signum=STOP"])), "15\n");
}

#[test]
fn the_version_is_found_where_keepalived_s_is() {
    for arguments in [&["-v"][..], &["--version"]] {
        let output = vrrpd(arguments);
        assert_eq!((code(&output), out(&output)), (0, String::new()));
        assert!(err(&output).starts_with("vrrpd v") && err(&output).contains("Keepalived v2.2.7"));
    }
}

#[test]
fn help_is_no_failure_and_a_mistake_is() {
    for arguments in [&["-h"][..], &["--help"], &["help"], &["run", "--help"], &["check", "--help"]] {
        let output = vrrpd(arguments);
        assert_eq!((code(&output), err(&output)), (0, String::new()), "{arguments:?}");
        assert!(out(&output).contains("Usage:"), "{arguments:?}");
    }
    for arguments in [&["-h"][..], &["--help"], &["help"]] {
        let help = out(&vrrpd(arguments));
        assert_eq!(
            help.lines().next(),
            Some("VRRP failover that reads keepalived.conf as it is"),
            "{arguments:?}"
        );
        assert_eq!(help.matches("Usage:").count(), 1, "{arguments:?}");
    }
    for arguments in [&["--bogus"][..], &["-Z"], &["run", "extra"], &["check"], &["-S", "9"]] {
        let output = vrrpd(arguments);
        assert_eq!((code(&output), out(&output)), (1, String::new()), "{arguments:?}");
        assert!(err(&output).starts_with("error:"), "{arguments:?}: {}", err(&output));
    }
    if let Some(theirs) = keepalived(&["--bogus"]) {
        assert_eq!(code(&theirs), 1);
    }
}

#[test]
fn check_ends_with_0_for_notes_and_5_for_errors() {
    let files = Files::new("check");
    let check = |name: &str, text: &str| {
        let path = files.write(name, text);
        let output = vrrpd(&["check", "--elsewhere", &path]);
        assert_eq!(err(&output), "", "what it finds is its output");
        (code(&output), out(&output))
    };
    let (status, said) = check("good.conf", &instance(""));
    assert_eq!(status, 0);
    assert!(said.ends_with("good.conf: nothing to say\n"), "{said}");
    let (status, said) =
        check("note.conf", &instance("authentication {\n auth_type PASS\n auth_pass keep@lived\n }"));
    assert_eq!(status, 0);
    assert!(said.contains("note.conf:6") && said.ends_with("note.conf: 1 note\n"), "{said}");
    assert!(!said.contains("keep@lived"), "a password is shown: {said}");
    let (status, said) = check("bad.conf", &instance("priority 300\n prioritty 3"));
    assert_eq!(status, 5);
    assert!(
        said.contains("bad.conf:4") && said.contains("did you mean") | said.contains("priority"),
        "{said}"
    );
    let output = vrrpd(&["check", "/no/such/file"]);
    assert_eq!(code(&output), 5);
    assert!(out(&output).contains("/no/such/file"));
}

#[test]
fn t_is_silent_when_all_is_well_and_ends_as_keepalived_does() {
    let files = Files::new("test");
    let table = [
        ("empty.conf", String::new()),
        ("comment.conf", "# nothing\n".to_string()),
        ("missing.conf", instance("").replace("eth0", "no-such-if")),
        ("range.conf", instance("virtual_router_id 300")),
        ("brace.conf", "vrrp_instance VI_1 {\n interface lo\n".to_string()),
    ];
    for (name, text) in table {
        let path = files.write(name, &text);
        let ours = vrrpd(&["-t", "-f", &path]);
        assert_eq!(out(&ours), "", "{name}: findings are on standard error");
        assert_eq!(err(&ours).is_empty(), code(&ours) == 0, "{name}: {}", err(&ours));
        if let Some(theirs) = keepalived(&["-t", "-f", &path]) {
            assert_eq!(code(&ours), code(&theirs), "{name}\nours: {}\ntheirs: {}", err(&ours), err(&theirs));
        }
    }
    let (ours, theirs) = (vrrpd(&["-t", "-f", "/no/such/file"]), keepalived(&["-t", "-f", "/no/such/file"]));
    assert_eq!(code(&ours), theirs.map_or(0, |theirs| code(&theirs)));
}

#[test]
fn t_names_file_and_line_and_writes_them_where_it_is_told_to() {
    let files = Files::new("log");
    let path = files.write("bad.conf", &instance("virtual_router_id 300"));
    let log = files.0.join("log");
    let output = vrrpd(&[&format!("-t{}", log.display()), "-f", &path]);
    assert_eq!((code(&output), err(&output)), (5, String::new()));
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains(&format!("({path}: Line 4)")), "{said}");
    let output = vrrpd(&["-t/no/such/directory/log", "-f", &path]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("/no/such/directory/log"));
}

#[test]
fn an_answer_that_nobody_gets_is_a_failure_and_one_that_nobody_finishes_is_none() {
    let files = Files::new("full");
    let path = files.write("vrrp.conf", &instance(""));
    for arguments in [&["check", "--elsewhere", &path][..], &["--help"], &["--signum=STOP"], &["help"]] {
        let ask = |to: std::process::Stdio| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vrrpd"));
            command.args(arguments).stdout(to).stderr(std::process::Stdio::piped()).output().unwrap()
        };
        let full = ask(fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
        assert_eq!(code(&full), 1, "{arguments:?}");
        assert!(err(&full).contains("No space left"), "{arguments:?}: {}", err(&full));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = ask(writer.into());
        assert_eq!((code(&gone), err(&gone)), (0, String::new()), "{arguments:?}");
    }
}

#[test]
fn what_people_search_their_logs_for_is_there() {
    let files = Files::new("words");
    let text = instance("bogus_keyword 1\n notify /bin/true");
    let path = files.write("words.conf", &format!("global_defs {{\n script_user root\n}}\n{text}"));
    let ours = err(&vrrpd(&["-t", "-f", &path]));
    let theirs = keepalived(&["-t", "-f", &path]).map(|output| err(&output));
    for words in [
        "Unknown keyword 'bogus_keyword'",
        "SECURITY VIOLATION - scripts are being executed but script_security not enabled.",
    ] {
        assert!(ours.contains(words), "{ours}");
        assert!(theirs.as_ref().is_none_or(|theirs| theirs.contains(words)), "{theirs:?}");
    }
}

#[test]
fn without_a_configuration_it_ends_with_6() {
    let output = vrrpd(&["-n", "-l", "-G", "-p", "/no/such/pid", "-f", "/no/such/file"]);
    assert_eq!(code(&output), 6);
    assert!(err(&output).contains("/no/such/file"), "{}", err(&output));
    if let Some(theirs) = keepalived(&["-n", "-l", "-G", "-p", "/no/such/pid", "-f", "/no/such/file"]) {
        assert_eq!(code(&theirs), 6);
    }
}

#[test]
fn under_another_name_the_same_program_is_keepalived() {
    let call = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrpd"));
        command.arg0("/usr/sbin/keepalived").args(arguments).output().unwrap()
    };
    assert_eq!(out(&call(&["--signum=RELOAD"])), "1\n");
    assert!(out(&call(&["-h"])).contains("Usage: keepalived"));
    assert_eq!(code(&call(&["run"])), 1);
}

#[test]
fn genhash_is_not_there_and_says_so() {
    let output = vrrpd(&["-T"]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("genhash"), "{}", err(&output));
}
