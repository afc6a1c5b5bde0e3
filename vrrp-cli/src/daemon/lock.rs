//! One daemon for each configuration file and network namespace: two of them would both be master on one interface.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use vrrp_net::process::{PidFile, PidFileError};

/// Where the locks are: only root can put a file there, so that nobody else can keep the daemon from starting.
const PLACE: &str = "/run/vrrpd";

/// Locks a configuration file in the network namespace of the caller for as long as the locks are kept. Says so if that
/// cannot be done, which is no reason not to run.
///
/// # Errors
/// Another daemon runs with this file.
pub(super) fn lock(file: &Path, config_id: Option<&str>) -> Result<(Vec<PidFile>, Option<String>), String> {
    let mut locks = Vec::new();
    let paths = match paths(file, config_id) {
        Ok(paths) => paths,
        Err(error) => return Ok((locks, Some(remark(&error)))),
    };
    for path in paths {
        match PidFile::create(&path) {
            Ok(lock) => locks.push(lock),
            Err(PidFileError::Running { pid, .. }) => {
                let file = file.display();
                return Err(format!(
                    "daemon is already running: process {pid} carries out {file} in this network namespace"
                ));
            }
            Err(error) => return Ok((locks, Some(remark(&error)))),
        }
    }
    Ok((locks, None))
}

fn remark(error: &dyn std::error::Error) -> String {
    format!("a second daemon with this configuration would not be noticed: {error}")
}

/// The locks of the file by the name that it was given and by the one that links lead to: either is enough to know it.
fn paths(file: &Path, config_id: Option<&str>) -> io::Result<Vec<PathBuf>> {
    let network = fs::metadata("/proc/thread-self/ns/net")?.ino();
    let real = file.canonicalize()?;
    let mut paths = Vec::new();
    for file in [file, &real] {
        // Not the file itself: editors replace it. Not its path alone: containers may share the network and have files
        // of their own by the same path.
        let directory = fs::metadata(file.parent().unwrap_or(Path::new("/")))?;
        let name = hash(file.file_name().unwrap_or_default(), config_id.unwrap_or_default());
        let (dev, ino) = (directory.dev(), directory.ino());
        let path = Path::new(PLACE).join(format!("{network}-{dev:x}-{ino:x}-{name:016x}"));
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// FNV-1a: the same in every build, for names of any length.
fn hash(name: &OsStr, config_id: &str) -> u64 {
    let octets = name.as_bytes().iter().chain(&[0]).chain(config_id.as_bytes());
    octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_every_name_and_no_other_file_is_it() {
        let directory = std::env::temp_dir().join(format!("vrrpd-lock-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name);
        fs::write(path("a.conf"), "").unwrap();
        fs::write(path("b.conf"), "").unwrap();
        let _ = fs::remove_file(path("link.conf"));
        std::os::unix::fs::symlink(path("a.conf"), path("link.conf")).unwrap();
        let of = |name: &str| paths(&path(name), None).unwrap();
        let shared = |one: &str, two: &str| of(one).iter().any(|path| of(two).contains(path));
        assert!(shared("a.conf", "link.conf") && shared("link.conf", "a.conf"));
        assert!(!shared("a.conf", "b.conf"));
        let before = of("a.conf");
        fs::write(path("new"), "").unwrap();
        fs::rename(path("new"), path("a.conf")).unwrap();
        assert_eq!(of("a.conf"), before, "a file that was replaced is the same");
        assert_ne!(paths(&path("a.conf"), Some("x")).unwrap(), before, "two hosts of one file");
        fs::remove_dir_all(directory).unwrap();
    }
}
