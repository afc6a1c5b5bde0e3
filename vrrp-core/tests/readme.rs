//! The first Rust block of the project's README is the example, to the letter.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::Path;

#[test]
fn the_readme_shows_the_example_that_compiles() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(package.join("examples/embed.rs")).unwrap();
    let example = without_docs(&example);
    let own = fs::read_to_string(package.join("README.md")).unwrap();
    assert_eq!(
        first_rust_block(&own),
        Some(example.clone()),
        "vrrp-core/README.md and examples/embed.rs differ"
    );
    // Not there in the package as published.
    let Ok(root) = fs::read_to_string(package.join("../README.md")) else { return };
    assert_eq!(first_rust_block(&root), Some(example), "README.md and vrrp-core/examples/embed.rs differ");
}

#[test]
fn a_block_that_differs_is_found_out() {
    let readme =
        "words\n\n```sh\ncargo run\n```\n\n```rust,no_run\nfn main() {}\n```\n\n```rust\nsecond\n```\n";
    assert_eq!(first_rust_block(readme).as_deref(), Some("fn main() {}\n"));
    assert_eq!(first_rust_block("no code"), None);
    assert_eq!(without_docs("//! Docs.\nfn main() {}\n"), "fn main() {}\n");
}

fn first_rust_block(readme: &str) -> Option<String> {
    let mut lines = readme.lines().skip_while(|line| !line.starts_with("```rust"));
    lines.next()?;
    Some(lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect())
}

fn without_docs(example: &str) -> String {
    example.lines().filter(|line| !line.starts_with("//!")).map(|line| format!("{line}\n")).collect()
}
