//! Every file of every committed corpus goes through its target, without a fuzz engine.

use std::fs;
use std::path::Path;

/// A corpus that is this small was lost, not minimised.
const LEAST: usize = 10;

#[test]
fn every_corpus_file_keeps_the_rules() {
    for vrrp_fuzz::Target { name, run } in vrrp_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .collect();
        files.sort();
        assert!(
            files.len() >= LEAST,
            "{} holds {} files, expected at least {LEAST}",
            folder.display(),
            files.len()
        );
        for file in files {
            let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let outcome = std::panic::catch_unwind(|| run(&bytes));
            assert!(outcome.is_ok(), "{name} breaks a rule on {}", file.display());
        }
    }
}

/// The engine runs what is listed; a function that is not would be fuzzed by nobody.
#[test]
fn every_target_has_its_two_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .expect("the folder of the targets")
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| path.file_stem().expect("a file").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names = vrrp_fuzz::TARGETS.map(|target| target.name.to_owned());
    names.sort();
    assert_eq!(files, names);
}
