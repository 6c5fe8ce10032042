//! What lies where, and how long a file gets.

use super::{Fault, File};
use std::collections::BTreeSet;

/// The root holds only these: a newcomer reads it first.
const ROOT: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "xtask",
];

/// From here on a file is named in the report.
const THINK_AGAIN: usize = 500;

/// From here on it is a fault.
const TOO_LONG: usize = 800;

pub(super) fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = root(files);
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.path.ends_with("/mod.rs") {
            let text = "a module `foo` lives in `foo.rs`, with its children in `foo/`";
            faults.push(Fault::new(&file.path, text));
        }
        if !file.is_test() && !has_module_docs(&file.text) {
            let text = "starts without `//!` docs: say in one line what the file holds";
            faults.push(Fault::new(&file.path, text));
        }
        let length = length(file);
        if length > TOO_LONG {
            let text = format!("{length} lines without tests: split it (limit {TOO_LONG})");
            faults.push(Fault::new(&file.path, text));
        }
    }
    faults
}

/// Files that pass, and deserve a second thought.
pub(super) fn long_files(files: &[File]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust());
    let lengths = rust.map(|file| (&file.path, length(file)));
    lengths
        .filter(|(_, length)| (THINK_AGAIN + 1..=TOO_LONG).contains(length))
        .map(|(path, length)| format!("{path} has {length} lines without tests"))
        .collect()
}

fn root(files: &[File]) -> Vec<Fault> {
    let first = |file: &File| file.path.split('/').next().map(str::to_owned);
    let entries: BTreeSet<String> = files.iter().filter_map(first).collect();
    let strange = entries
        .iter()
        .filter(|entry| !ROOT.contains(&entry.as_str()));
    let mut faults: Vec<Fault> = strange
        .map(|entry| Fault::new(entry, "does not belong in the root (CONTRIBUTING.md)"))
        .collect();
    let missing = ROOT.iter().filter(|entry| !entries.contains(**entry));
    faults.extend(missing.map(|entry| Fault::new(*entry, "missing in the root")));
    faults
}

/// Whether `//!` comes before the first item. Inner attributes and plain comments may precede it.
fn has_module_docs(text: &str) -> bool {
    let mut in_attribute = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("//!") {
            return true;
        }
        in_attribute |= line.starts_with("#![");
        let skipped = in_attribute || line.is_empty() || line.starts_with("//");
        if !skipped {
            return false;
        }
        in_attribute &= !line.ends_with(']');
    }
    false
}

/// Lines up to an inline test module; a file of tests counts as nothing.
fn length(file: &File) -> usize {
    if file.is_test() {
        return 0;
    }
    let mut lines = file.text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        if line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{') {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests;
