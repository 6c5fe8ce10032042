//! Manifests made by hand.

use super::*;
use crate::tidy::tests::{file, texts};

const GOOD: &str = "\
[package]
name = \"a\"
description = \"A.\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
repository.workspace = true

[features]
default = []
# Explained above.
one = []
two = []  # Explained beside.

[dependencies]
bytes.workspace = true

[target.'cfg(unix)'.dev-dependencies]
http = { workspace = true }

[lints]
workspace = true
";

fn faults(text: &str) -> Vec<String> {
    let file = file("crates/a/Cargo.toml", text);
    let manifest = parse(&file).unwrap();
    let mut faults = package_section(&file, &manifest);
    faults.extend(features_explained(&file, &manifest));
    texts(&faults).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_manifest_that_inherits_everything_passes() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
}

#[test]
fn what_is_spelled_out_is_named() {
    let text = GOOD.replace("edition.workspace = true", "edition = \"2024\"");
    let text = text.replace("[lints]\nworkspace = true\n", "");
    assert_eq!(
        faults(&text),
        [
            "write `edition.workspace = true`",
            "write `[lints]` with `workspace = true`",
        ]
    );
}

#[test]
fn a_feature_without_a_comment_is_named() {
    let text = GOOD.replace("# Explained above.\n", "");
    assert_eq!(
        faults(&text),
        ["feature one: say in a comment what it turns on"]
    );
    let text = GOOD.replace("  # Explained beside.", "");
    assert_eq!(
        faults(&text),
        ["feature two: say in a comment what it turns on"]
    );
}

#[test]
fn dependencies_are_found_in_every_table() {
    let manifest: Table = GOOD.parse().unwrap();
    let names: Vec<&str> = dependencies(&manifest).map(|(name, _)| name).collect();
    assert_eq!(names, ["bytes", "http"]);
    assert!(dependencies(&manifest).all(|(_, value)| inherits(value)));
    let version: Table = "[dependencies]\na = \"1\"".parse().unwrap();
    assert!(!dependencies(&version).any(|(_, value)| inherits(value)));
}

#[test]
fn our_own_crates_are_told_from_foreign_ones() {
    let root = "[workspace.dependencies]\na = { path = \"crates/a\" }\nb = \"1\"\n";
    let names = foreign(&[file("Cargo.toml", root)]).unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["b"]);
}
