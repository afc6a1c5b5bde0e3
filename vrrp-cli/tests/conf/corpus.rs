//! Every file of the corpus gives the findings that stand beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use vrrp_cli::conf::lower::{Interner, lower};
use vrrp_cli::conf::{self, LoadOptions};

use crate::host::Host;

/// The corpus, seen from the package: paths in messages are the same on every machine.
const CORPUS: &str = "tests/conf/corpus";

#[test]
fn every_file_gives_the_findings_beside_it() {
    let update = update();
    let mut wrong = String::new();
    for path in files() {
        let found = report(&path);
        let beside = path.with_extension("out");
        if update {
            fs::write(&beside, &found).expect("the corpus can be written when it is updated");
        } else if fs::read_to_string(&beside).unwrap_or_default() != found {
            let _ = writeln!(wrong, "=== {} is not what {} says:\n{found}", path.display(), beside.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nUPDATE=1 writes what is found");
}

/// Whether files that tests compare with are written instead: a person wishes it, never a machine.
pub(crate) fn update() -> bool {
    let update = env::var_os("UPDATE").is_some();
    assert!(!update || env::var_os("CI").is_none(), "UPDATE would make every test of CI pass");
    update
}

/// The name that `@id` lines of the corpus are about.
pub(crate) fn options() -> LoadOptions {
    LoadOptions { config_id: Some("host-a".into()) }
}

/// The files of the corpus, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(CORPUS).expect("the corpus is part of the package");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the corpus can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    assert!(files.len() > 30, "the corpus is there");
    files
}

fn report(path: &Path) -> String {
    let (config, mut diagnostics) = conf::load(path, &options());
    if let Some(config) = config {
        let lowered = lower(&config, &Host, &mut Interner::default(), &mut diagnostics);
        assert_eq!(lowered.is_none(), diagnostics.is_fatal(), "{}: what is refused says why", path.display());
    }
    format!(
        "check {}, -t {}, {}\n\n{}",
        diagnostics.exit_code_check(),
        diagnostics.exit_code_test(),
        if diagnostics.is_fatal() { "not started" } else { "started" },
        diagnostics.render(false)
    )
}
