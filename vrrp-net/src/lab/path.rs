//! Where programs are found.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Lets a program be found where administrators' tools are, which are not in everybody's `PATH`.
pub(super) fn with_tools(command: &mut Command) -> &mut Command {
    if command.get_envs().any(|(name, _)| name == "PATH") {
        return command;
    }
    command.env("PATH", search_path())
}

/// Whether there is such a program.
pub(super) fn is_installed(program: &str) -> bool {
    env::split_paths(&search_path()).any(|directory| directory.join(program).is_file())
}

fn search_path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let tools = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::join_paths(env::split_paths(&own).chain(tools)).unwrap_or(own)
}
