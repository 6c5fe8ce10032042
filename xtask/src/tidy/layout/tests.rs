//! Layout rules on files made by hand.

use super::*;
use crate::tidy::tests::{file, texts};

#[test]
fn docs_may_follow_attributes_and_comments_but_no_item() {
    assert!(has_module_docs("//! What it holds.\nuse a;\n"));
    assert!(has_module_docs("#![cfg(test)]\n\n// Plain.\n//! Docs.\n"));
    assert!(has_module_docs(
        "#![expect(\n    dead_code,\n    reason = \"x\"\n)]\n//! Docs.\n"
    ));
    assert!(!has_module_docs("use a;\n//! Too late.\n"));
    assert!(!has_module_docs(""));
}

#[test]
fn a_file_counts_without_its_tests() {
    let code = "fn f() {}\n".repeat(TOO_LONG);
    let inline = format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
    assert_eq!(length(&file("crates/a/src/b.rs", &inline)), TOO_LONG);
    assert_eq!(length(&file("crates/a/src/b/tests.rs", &inline)), 0);
    assert_eq!(length(&file("crates/a/tests/it/main.rs", &inline)), 0);
    let declared = "#[cfg(test)]\nmod tests;\n";
    assert_eq!(length(&file("crates/a/src/b.rs", declared)), 2);
}

#[test]
fn a_long_file_is_noted_and_a_very_long_one_is_a_fault() {
    let long = file("a.rs", &"//! x\n".repeat(THINK_AGAIN + 1));
    let too_long = file("b.rs", &"//! x\n".repeat(TOO_LONG + 1));
    assert_eq!(long_files(&[long]), ["a.rs has 501 lines without tests"]);
    assert!(long_files(&[file("c.rs", "//! x\n")]).is_empty());
    let faults = check(&[too_long]);
    assert!(texts(&faults).contains(&"801 lines without tests: split it (limit 800)"));
}

#[test]
fn the_root_holds_what_is_listed_and_nothing_else() {
    let mut files: Vec<File> = ROOT.iter().map(|entry| file(entry, "")).collect();
    files.push(file("notes.txt", ""));
    files.retain(|file| file.path != "LICENSE");
    let faults: Vec<String> = root(&files).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "notes.txt: does not belong in the root (CONTRIBUTING.md)",
            "LICENSE: missing in the root",
        ]
    );
}

#[test]
fn a_module_file_named_mod_is_a_fault() {
    let faults = check(&[file("crates/a/src/b/mod.rs", "//! Docs.\n")]);
    assert!(
        texts(&faults).contains(&"a module `foo` lives in `foo.rs`, with its children in `foo/`")
    );
}
