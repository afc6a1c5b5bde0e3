//! A file with the number of our process, locked for as long as we run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A pid file; it is removed when this is dropped.
///
/// The lock, not the number, says whether somebody runs: a file left by a crash is no obstacle, whichever process has
/// its number today. A keepalived takes no lock, so that one is known by number and name.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

/// Why there is no pid file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PidFileError {
    /// Another daemon runs.
    #[error("daemon is already running: process {pid} owns {}", path.display())]
    Running {
        /// The file.
        path: PathBuf,
        /// What stands in it.
        pid: String,
    },
    /// The file cannot be written.
    #[error("cannot write the pid file {}: {source}; choose another place with -p", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PidFile {
    /// Locks a file and writes the number of this process into it.
    ///
    /// # Errors
    /// [`PidFileError::Running`] while another process holds the lock, or is the keepalived named in it.
    pub fn create(path: &Path) -> Result<Self, PidFileError> {
        let failed = |source| PidFileError::Write { path: path.to_path_buf(), source };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        for _ in 0..TRIES {
            let file = open(path).map_err(failed)?;
            let mut known = String::new();
            // What is no text was no pid file of anybody.
            let _ = (&file).take(32).read_to_string(&mut known);
            let pid = known.trim().to_string();
            match file.try_lock() {
                Ok(()) if is_keepalived(&pid) => {
                    return Err(PidFileError::Running { path: path.to_path_buf(), pid });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(PidFileError::Running { path: path.to_path_buf(), pid });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // Its last owner may have removed it between our opening and our lock.
            if !is_at(&file, path) {
                continue;
            }
            file.set_len(0).map_err(failed)?;
            (&file).write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(failed)?;
            return Ok(Self { path: path.to_path_buf(), _file: file });
        }
        Err(failed(io::Error::other("somebody keeps removing it")))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

const TRIES: usize = 8;

fn open(path: &Path) -> io::Result<File> {
    // Appending writes at the end of what is there: nothing, once it was cut.
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

/// Whether a process of this number is a keepalived that is not us.
fn is_keepalived(pid: &str) -> bool {
    if pid.is_empty()
        || !pid.bytes().all(|octet| octet.is_ascii_digit())
        || pid == std::process::id().to_string()
    {
        return false;
    }
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "keepalived")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("vrrpd-pid-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        directory.join("vrrpd.pid")
    }

    #[test]
    fn a_second_owner_is_refused_until_the_first_is_gone() {
        let path = place("second");
        let first = PidFile::create(&path).expect("nobody owns it");
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        let refused = PidFile::create(&path).expect_err("it is owned");
        assert!(refused.to_string().starts_with("daemon is already running"), "{refused}");
        drop(first);
        assert!(!path.exists());
        drop(PidFile::create(&path).expect("the owner is gone"));
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_stale_file_is_no_obstacle_even_if_its_number_lives() {
        let path = place("stale");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for content in ["1\n", "999999999\n", "", "no number", "\u{fffd}\u{0}"] {
            fs::write(&path, content).unwrap();
            drop(PidFile::create(&path).unwrap_or_else(|error| panic!("{content:?}: {error}")));
        }
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_link_is_not_followed() {
        let path = place("link");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let target = path.with_extension("target");
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(matches!(PidFile::create(&path), Err(PidFileError::Write { .. })));
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
