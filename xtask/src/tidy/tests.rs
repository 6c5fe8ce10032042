//! The tree itself is the first thing the rules are tried on.

use super::*;

#[test]
fn the_tree_keeps_the_rules_of_the_house() {
    let context = Context::load().unwrap();
    let files = files(&context).unwrap();
    let faults = check(&context, &files);
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

/// A file for the tests of the single rules.
pub(super) fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// What the faults say, without their place.
pub(super) fn texts(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.text.as_str()).collect()
}
