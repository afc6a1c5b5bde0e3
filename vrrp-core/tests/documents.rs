//! What the documents say that there is, is there: every test, transcript and file that they name.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the project; the package as published stands alone and has no documents.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.to_path_buf();
    root.join("docs/rfc.md").exists().then_some(root)
}

#[test]
fn every_rule_of_the_rfcs_names_a_test_that_exists() {
    let Some(root) = root() else { return };
    let mut tests = String::new();
    for folder in ["vrrp-core/src", "vrrp-core/tests", "vrrp-net/tests"] {
        sources(&root.join(folder), &mut tests);
    }
    let mut named = 0;
    for name in code_spans(&fs::read_to_string(root.join("docs/rfc.md")).unwrap()) {
        if let Some(transcript) = name.strip_prefix("golden/").filter(|name| *name != "NAME") {
            let file = root.join(format!("vrrp-core/tests/golden/{transcript}.txt"));
            assert!(file.exists(), "docs/rfc.md names {name}, there is no {}", file.display());
            named += 1;
        }
        if let Some((file, test)) = name.split_once("::").filter(|_| !name.starts_with("vrrp_core")) {
            let there =
                tests.contains(&format!("\n// {file}.rs\n")) && tests.contains(&format!("fn {test}("));
            assert!(there || name == "file::test", "docs/rfc.md names {name}, there is no such test");
            named += 1;
        }
    }
    assert!(named > 50, "{named} names were found: the test reads the document wrongly");
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let Some(root) = root() else { return };
    let mut documents: Vec<PathBuf> = ["", "docs", "fuzz"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    documents.sort();
    assert!(documents.len() > 8, "{documents:?}");
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = document.parent().unwrap().join(target);
            assert!(path.exists(), "{} links to {link}, which is not there", document.display());
        }
    }
}

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_name().unwrap().to_string_lossy();
            all.push_str(&format!("\n// {name}\n{}", fs::read_to_string(&path).unwrap()));
        }
    }
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
