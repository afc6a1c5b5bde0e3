//! Cutting a host off, in the ways in which that happens, and mending it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::error::{Error, system};
use super::host::{Host, Port, RUNNING};
use super::moment::{Moment, wait_for};
use super::path::with_tools;
use crate::netlink::{self, LinkChange, PortState};

impl Host {
    /// Cuts an interface off in the switch: its carrier stays, no packet passes. Tells the moment before the cut.
    pub fn cut(&self, interface: &str) -> Result<Moment, Error> {
        let port = self.port(interface)?;
        let moment = Moment::now();
        self.outside().set_port_state(port.index, PortState::Disabled)?;
        Ok(moment)
    }

    /// Pulls the cable: the interface loses its carrier. Tells the moment before.
    pub fn unplug(&self, interface: &str) -> Result<Moment, Error> {
        let port = self.port(interface)?;
        let moment = Moment::now();
        self.outside().change_link(port.index, &LinkChange::down())?;
        Ok(moment)
    }

    /// Keeps what others send from the interface, which can still send. Tells the moment before.
    ///
    /// # Errors
    /// [`Error::Tool`] without `nft` or without its hook for leaving packets (Linux 5.16).
    pub fn deafen(&self, interface: &str) -> Result<Moment, Error> {
        self.drop_packets(interface, "egress")
    }

    /// Keeps what the interface sends from others; it still hears them. Tells the moment before.
    ///
    /// # Errors
    /// [`Error::Tool`] without `nft`.
    pub fn mute(&self, interface: &str) -> Result<Moment, Error> {
        self.drop_packets(interface, "ingress")
    }

    /// Undoes every cut of an interface. Tells the moment before.
    pub fn mend(&self, interface: &str) -> Result<Moment, Error> {
        let port = self.port(interface)?;
        let moment = Moment::now();
        if port.filtered {
            nft(&format!("delete table netdev {}\n", port.name))?;
            self.note_port(interface, Port { filtered: false, ..port.clone() });
        }
        self.outside().change_link(port.index, &LinkChange::up())?;
        // An interface that is down has no carrier; when it comes the bridge lets the port pass packets by itself.
        if self.link(interface)?.is_admin_up() {
            self.forward(&port)?;
        }
        Ok(moment)
    }

    /// Has the bridge pass packets of a port on, which it does not before it knows of the carrier. The kernel takes up
    /// to a second to tell it.
    pub(super) fn forward(&self, port: &Port) -> Result<(), Error> {
        wait_for(RUNNING, &format!("a carrier of {}", self.name()), || {
            match self.outside().set_port_state(port.index, PortState::Forwarding) {
                Err(netlink::Error::Refused { errno: libc::ENETDOWN, .. }) => None,
                outcome => Some(outcome),
            }
        })??;
        Ok(())
    }

    fn drop_packets(&self, interface: &str, hook: &str) -> Result<Moment, Error> {
        let port = self.port(interface)?;
        let name = &port.name;
        let chain = format!("type filter hook {hook} device \"{name}\" priority 0; policy drop;");
        let moment = Moment::now();
        nft(&format!("table netdev {name} {{\nchain drop_{hook} {{\n{chain}\n}}\n}}\n"))?;
        self.note_port(interface, Port { filtered: true, ..port });
        Ok(moment)
    }
}

fn nft(rules: &str) -> Result<(), Error> {
    let mut child = with_tools(&mut Command::new("nft"))
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(system("run nft (Debian's package is nftables)"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(rules.as_bytes()).map_err(system("give nft its rules"))?;
    }
    let output = child.wait_with_output().map_err(system("wait for nft"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Tool { program: "nft", words: String::from_utf8_lossy(&output.stderr).into_owned() })
}
