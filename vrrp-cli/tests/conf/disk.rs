//! Files, interfaces, programs and users of the host that the test runs on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use vrrp_cli::conf::command::{Found, Programs, Run};
use vrrp_cli::conf::lower::{Host, Interface, Interner, System, lower};
use vrrp_cli::conf::severity::Code;
use vrrp_cli::conf::{self, Diagnostics};

use crate::corpus;

const INSTANCE: &str =
    "vrrp_instance A {\n interface lo\n virtual_router_id 1\n virtual_ipaddress { 192.0.2.1 }\n}\n";

#[test]
fn an_executable_file_is_not_included_and_a_pipe_holds_nobody_up() {
    let directory = Directory::new("kinds");
    directory.write("script.conf", INSTANCE);
    fs::set_permissions(directory.0.join("script.conf"), PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    nix::unistd::mkfifo(&directory.0.join("pipe.conf"), nix::sys::stat::Mode::S_IRWXU).expect("it is ours");
    fs::create_dir(directory.0.join("dir.conf")).expect("it is ours");
    directory.write("good.conf", INSTANCE);
    directory.write("main", "include *.conf\ninclude none/*.conf\ninclude none.conf\n");
    let (config, diagnostics) = conf::load(&directory.0.join("main"), &corpus::options());
    let [skipped, empty] = [Code::FileSkipped, Code::IncludeEmpty];
    assert_eq!(codes(&diagnostics), [skipped, skipped, empty, skipped]);
    assert_eq!(config.map(|config| config.instances.len()), Some(1));
    assert!(!diagnostics.is_fatal());
}

#[test]
fn strict_include_words_insist() {
    let directory = Directory::new("strict");
    directory.write("script.conf", "");
    fs::set_permissions(directory.0.join("script.conf"), PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    for (line, fatal) in [
        ("include none.conf", false),
        ("includem none.conf", true),
        ("includem none*.conf", false),
        ("includew none*.conf", true),
        ("includeb {script,none}.conf", true),
        ("includer script.conf", true),
        ("includea none.conf", true),
        ("includer none.conf", false),
    ] {
        directory.write("main", line);
        let (_, diagnostics) = conf::load(&directory.0.join("main"), &corpus::options());
        assert_eq!(diagnostics.is_fatal(), fatal, "{line}:\n{}", diagnostics.render(false));
    }
}

#[test]
fn a_file_that_includes_itself_by_another_name_is_found() {
    let directory = Directory::new("names");
    directory.write("main", "include other\n");
    std::os::unix::fs::symlink("main", directory.0.join("other")).expect("it is ours");
    let (_, diagnostics) = conf::load(&directory.0.join("main"), &corpus::options());
    assert_eq!(codes(&diagnostics), [Code::FileLoop]);
}

#[test]
fn files_include_each_other_only_so_deep() {
    let directory = Directory::new("deep");
    for depth in 0..40 {
        directory.write(&format!("f{depth}"), &format!("include f{}\n", depth + 1));
    }
    let (_, diagnostics) = conf::load(&directory.0.join("f0"), &corpus::options());
    assert_eq!(codes(&diagnostics), [Code::FileLarge]);
}

#[test]
fn a_directory_is_no_configuration() {
    let (config, diagnostics) = conf::load(Path::new("/proc/self"), &corpus::options());
    assert!(config.is_none());
    assert_eq!((codes(&diagnostics), diagnostics.exit_code_test()), (vec![Code::FileUnreadable], 4));
}

#[test]
fn the_host_knows_what_is_there() {
    assert!(matches!(Host.interface("lo"), Interface::Present { .. }));
    assert_eq!(Host.interface("no-such-if"), Interface::Absent);
    assert!(Host.interfaces().contains(&"lo".to_string()));
    assert!(matches!(Host.find("sh"), Found::Executable(path) if path.file_name() == Some(OsStr::new("sh"))));
    assert_eq!(Host.find("/etc/passwd"), Found::NotExecutable("/etc/passwd".into()));
    assert_eq!(Host.find("/tmp"), Found::Directory("/tmp".into()));
    assert_eq!(Host.find("no-such-program"), Found::Nothing);
    assert_eq!(Host.user("root").map(|user| (user.uid, user.gid)), Some((0, 0)));
    assert_eq!(Host.user("0").map(|user| user.uid), Some(0));
    assert_eq!(Host.user("no-such-user"), None);
    assert_eq!(Host.group("root"), Some(0));
    assert_eq!(Host.group("no-such-group"), None);
    let directory = Directory::new("loose");
    directory.write("script", "");
    fs::set_permissions(directory.0.join("script"), PermissionsExt::from_mode(0o777)).expect("it is ours");
    assert!(Host.writable_by_others(&directory.0.join("script")).is_some());
}

#[test]
fn what_others_could_replace_is_found_in_links_directories_and_files() {
    let directory = Directory::new("security");
    let (open, closed) = (directory.0.join("open"), directory.0.join("closed"));
    for (path, mode) in [(&open, 0o777), (&closed, 0o755)] {
        fs::create_dir_all(path).expect("it is ours");
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is ours");
    }
    let link = |at: PathBuf, to: &Path| std::os::unix::fs::symlink(to, &at).map(|()| at).expect("it is ours");
    let through_open = link(open.join("link"), Path::new("/usr/bin/env"));
    let closed_link = link(closed.join("link"), Path::new("/usr/bin/env"));
    let two_steps = link(closed.join("two"), &through_open);
    let loose = |path: &Path| Host.writable_by_others(path);
    assert_eq!(loose(&through_open), Some(open.clone()), "the link can be replaced");
    assert_eq!(loose(&two_steps), Some(open.clone()), "the second link can be replaced");
    assert_eq!(loose(&open.join("no-such")), Some(open.clone()), "anybody can make it");
    assert_eq!(Host.real(&closed_link), Path::new("/usr/bin/env").canonicalize().expect("it exists"));
    if !nix::unistd::Uid::effective().is_root() {
        return println!("skipped: only root has files that others cannot change");
    }
    assert_eq!(loose(&closed_link), None);
    assert_eq!(loose(&closed.join("no-such")), None);
    assert_eq!(loose(Path::new("/dev/null")), None);
    assert_eq!(loose(Path::new("/tmp/vrrpd-no-such-file")), Some("/tmp/vrrpd-no-such-file".into()));
    std::os::unix::fs::lchown(&closed_link, Some(1), None).expect("root can");
    assert_eq!(loose(&closed_link), Some(closed_link), "its owner can replace it");
}

#[test]
fn a_shell_and_a_link_are_judged_as_a_program_is_and_what_was_judged_runs() {
    let directory = Directory::new("shell-security");
    let at = |name: &str| directory.0.join(name).display().to_string();
    directory.write("evil.sh", "#!/bin/sh\n");
    directory.write("good.sh", "#!/bin/sh\n");
    for (name, mode) in [("evil.sh", 0o777), ("good.sh", 0o755)] {
        fs::set_permissions(directory.0.join(name), PermissionsExt::from_mode(mode)).expect("it is ours");
    }
    fs::create_dir_all(directory.0.join("open")).expect("it is ours");
    fs::set_permissions(directory.0.join("open"), PermissionsExt::from_mode(0o777)).expect("it is ours");
    std::os::unix::fs::symlink("/usr/bin/env", directory.0.join("open/link")).expect("it is ours");
    std::os::unix::fs::symlink("good.sh", directory.0.join("good-link")).expect("it is ours");
    let (evil, good) = (at("evil.sh"), at("good.sh"));
    let refused = [
        evil.clone(),
        format!("{evil} && true"),
        format!("true && {evil}"),
        format!("true; {evil} | true"),
        format!("[[ -f /etc/x ]]||{evil}"),
        format!("X={evil} && $X"),
        format!("true && cd {} && ./evil.sh", directory.0.display()),
        at("open/link"),
        format!("{} && true", at("open/link")),
    ];
    for command in &refused {
        let run = security(command);
        assert!(
            run.as_ref().is_err_and(|why| why.contains("others") || why.contains("shell")),
            "{command}: {run:?}"
        );
    }
    if !nix::unistd::Uid::effective().is_root() {
        return println!("skipped: only root has files that others cannot change");
    }
    for command in
        [&good, &format!("{good} && exit 1 || exit 0"), "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0"]
    {
        assert!(security(command).is_ok(), "{command}: {:?}", security(command));
    }
    assert!(security(&format!("{good} > /dev/null")).is_ok());
    let Ok(Run::Program { path, words }) = security(&format!("{} a", at("good-link"))) else {
        unreachable!("a link of root to a file of root is good")
    };
    assert_eq!((path, words.len()), (PathBuf::from(&good).canonicalize().expect("it exists"), 2));
}

/// What becomes of a command of root on this host with `enable_script_security`.
fn security(command: &str) -> Result<Run, String> {
    let text = format!(
        "global_defs {{\nenable_script_security\nscript_user root\n}}\nvrrp_script a {{\nscript \"{command}\"\n}}\n"
    );
    let (config, mut diagnostics) = conf::parse_str("x", text.as_bytes(), &corpus::options());
    let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics).expect("it starts");
    lowered.checks[0].1.run.clone()
}

fn codes(diagnostics: &Diagnostics) -> Vec<Code> {
    diagnostics.items().iter().map(|item| item.code).collect()
}

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vrrpd-conf-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory can be made");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a temporary file can be written");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
