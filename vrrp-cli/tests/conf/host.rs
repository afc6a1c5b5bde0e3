//! A host that is the same on every machine.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use vrrp_cli::conf::command::{Found, Programs};
use vrrp_cli::conf::lower::{Identity, Interface, System};

/// Two interfaces, a few programs, root and nobody.
pub(crate) struct Host;

impl Programs for Host {
    fn find(&self, name: &str) -> Found {
        let path = if name.contains('/') { PathBuf::from(name) } else { Path::new("/usr/bin").join(name) };
        let known = ["/usr/bin/bash", "/usr/bin/killall", "/usr/bin/[", "/bin/true", "/bin/echo", "/bin/sh"];
        match path.to_str() {
            Some("/tmp") => Found::Directory(path),
            Some("/etc/passwd") => Found::NotExecutable(path),
            Some(name) if known.contains(&name) => Found::Executable(path),
            _ => Found::Nothing,
        }
    }
}

impl System for Host {
    fn interface(&self, name: &str) -> Interface {
        match name {
            "eth0" => Interface::Present { mtu: 1500 },
            "eth1" => Interface::Present { mtu: 576 },
            "lo" => Interface::Present { mtu: u16::MAX },
            _ => Interface::Absent,
        }
    }

    fn interfaces(&self) -> Vec<String> {
        ["lo", "eth0", "eth1"].map(String::from).into()
    }

    fn is_local(&self, address: IpAddr) -> bool {
        address == IpAddr::from([192, 0, 2, 1])
    }

    fn own_addresses(&self) -> Vec<(IpAddr, String)> {
        vec![(IpAddr::from([192, 0, 2, 1]), "eth0".to_string())]
    }

    fn user(&self, name: &str) -> Option<Identity> {
        match name {
            "root" => Some(Identity { uid: 0, gid: 0, groups: vec![0] }),
            "nobody" => Some(Identity { uid: 65534, gid: 65534, groups: vec![65534, 4] }),
            _ => None,
        }
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn writable_by_others(&self, path: &Path) -> Option<PathBuf> {
        path.starts_with("/bin/echo").then(|| path.to_path_buf())
    }
}
