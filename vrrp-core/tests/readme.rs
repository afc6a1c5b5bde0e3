//! The first Rust block of the READMEs is a part of the example, to the letter.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::Path;

#[test]
fn the_readme_shows_a_part_of_the_example_that_compiles() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(package.join("examples/embed.rs")).unwrap();
    let own = fs::read_to_string(package.join("README.md")).unwrap();
    let shown = first_rust_block(&own).expect("vrrp-core/README.md shows the example");
    assert!(example.contains(&shown), "vrrp-core/README.md and examples/embed.rs differ");
    assert!((25..=35).contains(&shown.lines().count()), "about thirty lines, no fragment");
    // Not there in the package as published.
    let Ok(root) = fs::read_to_string(package.join("../README.md")) else { return };
    assert_eq!(first_rust_block(&root), Some(shown), "README.md and vrrp-core/README.md differ");
}

#[test]
fn a_block_that_differs_is_found_out() {
    let readme =
        "words\n\n```sh\ncargo run\n```\n\n```rust,no_run\nfn main() {}\n```\n\n```rust\nsecond\n```\n";
    assert_eq!(first_rust_block(readme).as_deref(), Some("fn main() {}\n"));
    assert_eq!(first_rust_block("no code"), None);
}

fn first_rust_block(readme: &str) -> Option<String> {
    let mut lines = readme.lines().skip_while(|line| !line.starts_with("```rust"));
    lines.next()?;
    Some(lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect())
}
