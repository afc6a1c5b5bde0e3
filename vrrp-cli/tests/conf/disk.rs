//! Files, interfaces, programs and users of the host that the test runs on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use vrrp_cli::conf::command::{Found, Programs};
use vrrp_cli::conf::lower::{Host, Interface, System};
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
    assert_eq!(codes(&diagnostics), [Code::FileSkipped, Code::FileSkipped]);
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
