//! The two daemons, started in the same way.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use vrrp_net::lab::{Daemon, Host};

/// One of the daemons that are compared.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    name: &'static str,
    path: PathBuf,
}

/// How much it logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// `-D`, as many units and containers have it: a line for every announcement.
    Detailed,
    Plain,
}

impl Program {
    /// vrrpd as it was built beside us, and keepalived as Debian has it.
    pub(crate) fn both() -> Vec<Self> {
        let ours = env::current_exe().unwrap_or_default().with_file_name("vrrpd");
        vec![
            Self { name: "vrrpd", path: ours },
            Self { name: "keepalived", path: "/usr/sbin/keepalived".into() },
        ]
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Says what is missing, if it is.
    pub(crate) fn look(&self) -> Result<(), String> {
        let how = match self.name {
            "vrrpd" => "cargo build --release",
            _ => "apt install keepalived",
        };
        match self.path.exists() {
            true => Ok(()),
            false => Err(format!("there is no {}: {how}", self.path.display())),
        }
    }

    /// Starts it on a host with this configuration, its log going to a file.
    pub(crate) fn start(&self, host: &Host, configuration: &str, log: Log) -> Result<Daemon, Box<dyn Error>> {
        let file = host.write("keepalived.conf", configuration)?;
        let mut command = Command::new(&self.path);
        command.args(["-n", "-l", "-f"]).arg(file);
        if log == Log::Detailed {
            command.arg("-D");
        }
        Ok(host.spawn(&mut command)?)
    }
}
