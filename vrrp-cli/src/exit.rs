//! The exit codes of every way to call the program, in one table.

use std::process::ExitCode;

/// How the program ends.
///
/// A unit file, a container runtime or a script that knows keepalived finds keepalived's numbers here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the table is the documentation
pub enum Exit {
    /// Done, or stopped as it was told to.
    Success,
    /// Something outside of the configuration is in the way: an option, a file, the kernel, another daemon.
    Failed,
    /// The configuration cannot be carried out; nothing was done to the system.
    Config,
    /// A permission is missing: raw sockets and addresses need CAP_NET_RAW and CAP_NET_ADMIN.
    Permission,
    /// `vrrpd check` found errors; with notes and warnings alone it ends with [`Exit::Success`].
    Checked,
    /// There is no configuration file.
    NoConfig,
    /// A bug of ours; addresses were given up first.
    Bug,
    /// A number that came from elsewhere: from the daemon in the background, or from `-t`, which says what keepalived
    /// says: 0 good, 2 a parameter is missing, 4 cannot run, 5 errors, 6 security.
    Code(u8),
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Config => 2,
            Self::Permission => 4,
            Self::Checked => 5,
            Self::NoConfig => 6,
            Self::Bug => 70,
            Self::Code(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_keepalived_s() {
        let table = [
            (Exit::Success, 0),
            (Exit::Failed, 1),
            (Exit::Config, 2),
            (Exit::Permission, 4),
            (Exit::Checked, 5),
            (Exit::NoConfig, 6),
            (Exit::Bug, 70),
            (Exit::Code(6), 6),
        ];
        for (exit, code) in table {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }
}
