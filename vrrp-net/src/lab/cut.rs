//! Cutting a host off, in the ways in which that happens, and mending it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::error::{Error, system};
use super::host::{Host, Port};
use super::moment::Moment;
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
        let mut outside = self.outside();
        outside.change_link(port.index, &LinkChange::up())?;
        match outside.set_port_state(port.index, PortState::Forwarding) {
            // No carrier yet: when it comes the bridge lets the port pass packets by itself.
            Err(netlink::Error::Refused { errno: libc::ENETDOWN, .. }) => {}
            outcome => outcome?,
        }
        Ok(moment)
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
    let mut child = Command::new("nft")
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
