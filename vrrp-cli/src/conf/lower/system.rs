//! What lowering has to know about the host it is for.

use std::ffi::CString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use nix::unistd::{self, AccessFlags, Gid, Group, Uid, User};
use vrrp_net::netlink::{self, Request, protocol};

use super::super::command::{self, Found, Programs};
use super::secure;

/// Where programs are looked for if the environment does not say.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether an interface exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Interface {
    /// It does not.
    Absent,
    /// It does.
    Present {
        /// Its MTU in octets.
        mtu: u16,
    },
    /// The configuration is for another host.
    Unknown,
}

/// Who a command runs as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The other groups.
    pub groups: Vec<u32>,
}

/// Facts about the host that a configuration is for.
pub trait System: Programs {
    /// Whether an interface exists.
    fn interface(&self, name: &str) -> Interface;

    /// The names of all interfaces, to suggest one.
    fn interfaces(&self) -> Vec<String>;

    /// Whether an address is one of the host's own, so that it is no peer.
    fn is_local(&self, address: IpAddr) -> bool;

    /// The addresses that are there without a VRRP daemon, each with its interface; none where that cannot be known.
    fn own_addresses(&self) -> Vec<(IpAddr, String)>;

    /// A user by name or number, with the other groups it is in.
    fn user(&self, name: &str) -> Option<Identity>;

    /// The number of a group.
    fn group(&self, name: &str) -> Option<u32>;

    /// The part of a path, if any, that others than root can make or replace: of the path as it is written and of
    /// everything that its symbolic links lead over.
    fn writable_by_others(&self, path: &Path) -> Option<PathBuf>;

    /// The path without symbolic links, as far as it exists.
    fn real(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// The host that we run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Programs for Host {
    fn find(&self, name: &str) -> Found {
        if name.contains('/') {
            return look_at(Path::new(name));
        }
        let path = env::var_os("PATH").unwrap_or_else(|| SEARCH_PATH.into());
        let mut best = Found::Nothing;
        for directory in env::split_paths(&path) {
            match look_at(&directory.join(name)) {
                found @ Found::Executable(_) => return found,
                found @ Found::NotExecutable(_) if best == Found::Nothing => best = found,
                Found::Directory(_) | Found::NotExecutable(_) | Found::Nothing => {}
            }
        }
        best
    }
}

impl System for Host {
    fn interface(&self, name: &str) -> Interface {
        match nix::net::if_::if_nametoindex(name) {
            Ok(index) => Interface::Present { mtu: mtu(name, index) },
            Err(_) => Interface::Absent,
        }
    }

    fn interfaces(&self) -> Vec<String> {
        let Ok(interfaces) = nix::net::if_::if_nameindex() else { return Vec::new() };
        interfaces.iter().map(|interface| interface.name().to_string_lossy().into_owned()).collect()
    }

    fn is_local(&self, address: IpAddr) -> bool {
        let Ok(addresses) = nix::ifaddrs::getifaddrs() else { return false };
        addresses.filter_map(|interface| interface.address).any(|known| match address {
            IpAddr::V4(address) => known.as_sockaddr_in().is_some_and(|known| known.ip() == address),
            IpAddr::V6(address) => known.as_sockaddr_in6().is_some_and(|known| known.ip() == address),
        })
    }

    fn own_addresses(&self) -> Vec<(IpAddr, String)> {
        let read = || {
            let mut request = Request::open()?;
            Ok::<_, netlink::Error>((request.links()?, request.addresses(None)?))
        };
        let Ok((links, addresses)) = read() else { return Vec::new() };
        // Kernels before 5.18 do not say who put an address there; those after say so at least of their own.
        if addresses.iter().all(|address| address.protocol == protocol::UNSPECIFIED) {
            return Vec::new();
        }
        let own = addresses.iter().filter(|address| address.protocol != protocol::KEEPALIVED);
        own.filter_map(|own| {
            let link = links.iter().find(|link| link.index == own.index)?;
            Some((own.address, link.name.clone()))
        })
        .collect()
    }

    fn user(&self, name: &str) -> Option<Identity> {
        let by_name = User::from_name(name).ok().flatten();
        let by_number = || User::from_uid(Uid::from_raw(name.parse().ok()?)).ok().flatten();
        let user = by_name.or_else(by_number)?;
        let groups = CString::new(user.name)
            .ok()
            .and_then(|name| unistd::getgrouplist(&name, user.gid).ok())
            .map_or(Vec::new(), |groups| groups.into_iter().map(Gid::as_raw).collect());
        Some(Identity { uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups })
    }

    fn group(&self, name: &str) -> Option<u32> {
        let by_name = Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        by_name.or_else(|| name.parse().ok())
    }

    fn writable_by_others(&self, path: &Path) -> Option<PathBuf> {
        secure::loose_part(path)
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
    }
}

fn look_at(path: &Path) -> Found {
    let Ok(meta) = fs::metadata(path) else { return Found::Nothing };
    match meta.is_file() {
        false if meta.is_dir() => Found::Directory(path.to_path_buf()),
        false => Found::NotExecutable(path.to_path_buf()),
        true if unistd::access(path, AccessFlags::X_OK).is_ok() => Found::Executable(path.to_path_buf()),
        true => Found::NotExecutable(path.to_path_buf()),
    }
}

/// The MTU of an interface, if /sys shows the network namespace that we are in; that of Ethernet otherwise.
fn mtu(name: &str, index: u32) -> u16 {
    let read = |file: &str| fs::read_to_string(Path::new("/sys/class/net").join(name).join(file)).ok();
    let same = read("ifindex").is_some_and(|known| known.trim().parse() == Ok(index));
    let mtu = read("mtu").filter(|_| same).and_then(|mtu| mtu.trim().parse::<u32>().ok());
    mtu.map_or(1500, |mtu| u16::try_from(mtu).unwrap_or(u16::MAX))
}

/// Some other host: nothing is known, so nothing is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elsewhere;

impl Programs for Elsewhere {
    fn find(&self, name: &str) -> Found {
        match command::only_shell_word(name) {
            true => Found::Nothing,
            false => Found::Executable(PathBuf::from(name)),
        }
    }
}

impl System for Elsewhere {
    fn interface(&self, _: &str) -> Interface {
        Interface::Unknown
    }

    fn interfaces(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_local(&self, _: IpAddr) -> bool {
        false
    }

    fn own_addresses(&self) -> Vec<(IpAddr, String)> {
        Vec::new()
    }

    fn user(&self, _: &str) -> Option<Identity> {
        Some(Identity { uid: 0, gid: 0, groups: Vec::new() })
    }

    fn group(&self, _: &str) -> Option<u32> {
        Some(0)
    }

    fn writable_by_others(&self, _: &Path) -> Option<PathBuf> {
        None
    }
}
