//! Documents made by hand.

use super::*;
use crate::tidy::tests::{file, texts};

#[test]
fn names_are_read_from_the_first_cell_of_each_row() {
    let table = "| crate | what |\n|---|---|\n| `a` | uses `c` |\n| [`b`](x) | B |\n";
    assert_eq!(
        first_cells(table).into_iter().collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[test]
fn a_table_has_neither_too_much_nor_too_little() {
    let listed = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    let real = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
    assert_eq!(
        texts(&differences("R.md", "crate", &listed, &real)),
        [
            "crate c has no line in the table",
            "crate a is in the table, but not in the workspace",
        ]
    );
}

#[test]
fn the_readme_example_equals_one_of_the_crate_docs() {
    let readme = file(
        "README.md",
        &format!("{EXAMPLE}\n```rust\nlet a = 1;\nuse_it(a);\n```\n"),
    );
    let docs = "//! Docs.\n//!\n//! ```\n//! # fn main() {\n//! let a = 1;\n//! use_it(a);\n//! # }\n//! ```\n";
    assert_eq!(example(&readme, &file(FACADE, docs)), Ok(Vec::new()));
    let other = docs.replace("a = 1", "a = 2");
    let fault = example(&readme, &file(FACADE, &other)).unwrap_err();
    assert_eq!(
        fault.text,
        "no example in the crate docs equals the README's"
    );
}

#[test]
fn ci_runs_what_the_readme_shows() {
    let readme = "```\ncargo run\n```\n```\ncargo xtask test\n```\n";
    let run = "#!/bin/bash\ncargo run\ncargo xtask ci\n";
    let check = |readme: &str, run: &str| {
        let faults = commands(&file("README.md", readme), &file(".ci/run", run));
        faults.unwrap().len()
    };
    assert_eq!(check(readme, run), 0);
    assert_eq!(check(readme, &run.replace("cargo run", "cargo build")), 1);
    assert_eq!(check(readme, &run.replace("xtask ci", "xtask lint")), 1);
    assert_eq!(check(&readme.replace("xtask test", "test"), run), 1);
}

#[test]
fn decisions_are_numbered_without_a_gap_and_say_where_they_stand() {
    let text = "# 1\n\nStatus: accepted\nDate: 2026-11-24\n";
    let names = [
        "docs/adr/0000-template.md",
        "docs/adr/0001-a.md",
        "docs/adr/0003-b.md",
    ];
    let mut files: Vec<File> = names.iter().map(|name| file(name, text)).collect();
    assert_eq!(
        texts(&decisions(&files)),
        ["decisions are numbered without a gap: this one is 0002"]
    );
    files.pop();
    files.push(file("docs/adr/0002-b.md", "# 2\n\nStatus: accepted\n"));
    assert_eq!(texts(&decisions(&files)), ["has no line `Date: ...`"]);
}

#[test]
fn a_link_to_a_missing_file_is_found() {
    let text = "[a](../README.md#x) [b](adr) [c](https://a.example/x) [d](#here) [e](gone.md)";
    let files = [
        file("README.md", ""),
        file("docs/adr/0000-a.md", ""),
        file("docs/A.md", text),
    ];
    assert_eq!(
        texts(&dead_links(&files)),
        ["link to `gone.md`, which is not there"]
    );
}
