//! The `vrrpd` command.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    vrrp_cli::main()
}
