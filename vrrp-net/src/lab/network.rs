//! The lab and its switches.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::enter::entered;
use super::error::{Error, lacking, system};
use super::host::Host;
use super::init;
use crate::netlink::{LinkChange, LinkKind, NewLink, Request};

/// A lab: switches in the network namespace of the program, hosts around them.
pub struct Lab {
    request: Mutex<Request>,
    directory: PathBuf,
}

impl Lab {
    /// A lab with nothing in it.
    ///
    /// # Errors
    /// [`Error::NotEntered`] without a successful [`enter`](super::enter()).
    pub fn new() -> Result<Self, Error> {
        if !entered() {
            return Err(Error::NotEntered);
        }
        let directory = PathBuf::from(init::DIRECTORY).join(format!("lab{}", next()));
        fs::create_dir(&directory).map_err(system(format!("make {}", directory.display())))?;
        let mut request = Request::open()?;
        if let Some(loopback) = request.link("lo")? {
            request.change_link(loopback.index, &LinkChange::up())?;
        }
        Ok(Self { request: Mutex::new(request), directory })
    }

    /// A switch: it learns, and floods multicast.
    pub fn bridge(&self) -> Result<Bridge, Error> {
        let mut request = self.request.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = format!("br{}", next());
        request.create_link(&NewLink::new(&name, LinkKind::Bridge)).map_err(lacking("bridge"))?;
        let Some(link) = request.link(&name)? else {
            return Err(crate::netlink::Error::NoSuchLink { request: format!("look {name} up") }.into());
        };
        // A switch says nothing itself; with an address it would solicit routers.
        request.stop_link_local(link.index)?;
        request.change_link(link.index, &LinkChange::up())?;
        Ok(Bridge { index: link.index, name })
    }

    /// A host without interfaces but `lo`; `name` is its host name and that of its directory.
    pub fn host(&self, name: &str) -> Result<Host, Error> {
        Host::new(name, &self.directory.join(name))
    }

    /// The directory of the lab, in memory, at the same path in all hosts; it goes with the lab.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What a host still has mounted or open there goes with the process.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A switch of a lab.
#[derive(Clone, Debug)]
pub struct Bridge {
    pub(super) index: u32,
    name: String,
}

impl Bridge {
    /// The name of its interface in the program's own network namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A number that no other thing in this process has.
pub(super) fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
