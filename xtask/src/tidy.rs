//! The rules of the house that no compiler holds.
//!
//! Each module below holds one kind of rule and returns what breaks it. `cargo xtask tidy` runs
//! them all and prints everything at once; a test of this crate does the same.

mod documents;
mod edges;
mod layout;
mod manifests;
mod source;

use crate::context::{self, Context, Stop};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// One broken rule: where, what, and what to do about it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    place: String,
    text: String,
}

/// A text file of the tree, by its path from the root.
#[derive(Debug)]
pub(crate) struct File {
    path: String,
    text: String,
}

/// Checks the whole tree and prints what it finds.
pub(crate) fn run(context: &Context) -> Result<(), Stop> {
    let files = files(context)?;
    for note in layout::long_files(&files) {
        println!("note: {note}");
    }
    let faults = check(context, &files);
    for fault in &faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("tidy: {} files, all in order", files.len());
        return Ok(());
    }
    Err(Stop::Failed(format!("{} faults", faults.len())))
}

fn check(context: &Context, files: &[File]) -> Vec<Fault> {
    let mut faults = edges::check(&context.packages);
    faults.extend(layout::check(files));
    faults.extend(source::check(files));
    faults.extend(or_fault(manifests::check(context, files)));
    faults.extend(documents::check(context, files));
    faults
}

/// What a check found. A file that is missing or unreadable ends its own check, not the others.
fn or_fault(found: Result<Vec<Fault>, Fault>) -> Vec<Fault> {
    found.unwrap_or_else(|fault| vec![fault])
}

/// Every text file that git tracks, or would track at the next `git add`.
fn files(context: &Context) -> Result<Vec<File>, Stop> {
    let mut command = context.program("git");
    command.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let list = context::capture(&mut command)?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        // A path that is gone from disk was deleted and not yet committed; bytes that are no text
        // break no rule of these.
        if let Ok(text) = std::fs::read_to_string(context.root.join(path)) {
            let path = path.to_owned();
            files.push(File { path, text });
        }
    }
    Ok(files)
}

// === impl Fault ===

impl Fault {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            text: text.into(),
        }
    }

    fn at_line(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

// === impl File ===

impl File {
    fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|end| end == "rs")
    }

    /// Whether it is built for tests alone.
    fn is_test(&self) -> bool {
        let folders = ["tests", "benches", "examples", "fuzz"];
        let path = PathBuf::from(&self.path);
        path.ends_with("tests.rs")
            || path
                .components()
                .any(|part| folders.iter().any(|folder| part.as_os_str() == *folder))
    }

    /// The lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// The file at `path`, which has to be there.
fn find<'a>(files: &'a [File], path: &str) -> Result<&'a File, Fault> {
    files
        .iter()
        .find(|file| file.path == path)
        .ok_or_else(|| Fault::new(path, "is missing"))
}

#[cfg(test)]
mod tests;
