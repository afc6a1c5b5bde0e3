//! Opening the receiving sockets, which waits for the kernel's network lock when it joins a group.

use vrrp_core::InterfaceId;

use super::Kernel;
use crate::socket::Receiver;

impl Kernel {
    /// Opens the sockets that the plan names for interfaces that exist, and opens those again whose interface was made
    /// anew: it has another index, and the old socket hears nothing.
    pub(super) fn listen(&mut self) {
        let plan = std::sync::Arc::clone(&self.plan);
        for receiver in &plan.receivers {
            let Some((index, name)) = self.link_of(receiver.interface) else { continue };
            let key = (receiver.interface, receiver.family);
            if self.listening.contains(&(key.0, key.1, index)) {
                continue;
            }
            match Receiver::open(receiver.clone(), index, &name) {
                Ok(opened) => {
                    self.listening.retain(|known| (known.0, known.1) != key);
                    self.listening.push((key.0, key.1, index));
                    self.opened.push(opened);
                }
                Err(error) => self.complain(None, error.to_string()),
            }
        }
    }

    fn link_of(&self, interface: InterfaceId) -> Option<(u32, String)> {
        let (_, link) = self.links.iter().find(|(id, _)| *id == interface)?;
        Some((link.index, link.name.clone()))
    }
}
