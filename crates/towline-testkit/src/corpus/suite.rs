//! Counts cases, so that none is missed.

use super::{Corpus, Difference};
use crate::setting::{say, setting};
use std::{fmt::Write as _, fs};

/// How many differences are printed; more do not help.
const SHOWN: usize = 40;

/// A run over cases of a [`Corpus`]: it counts what was listed and what was handled, and keeps what
/// went wrong until the end.
///
/// Where `TOWLINE_CORPUS_COUNTS` names a folder, the run leaves a file there: its name, and a line for
/// each case with its id, whether it has an oracle, and whether it went as it should, between tabs.
/// `cargo xtask test` adds them up.
#[derive(Debug)]
pub struct Suite {
    name: String,
    root: String,
    listed: usize,
    with_oracle: usize,
    without: usize,
    notes: Vec<String>,
    failures: Vec<String>,
    /// A line for each case.
    record: String,
}

// === impl Suite ===

impl Suite {
    /// The run `name` over `listed` cases.
    #[must_use]
    pub fn new(name: impl Into<String>, corpus: &Corpus, listed: usize) -> Self {
        Self {
            name: name.into(),
            root: corpus.root().display().to_string(),
            listed,
            with_oracle: 0,
            without: 0,
            notes: Vec::new(),
            failures: Vec::new(),
            record: String::new(),
        }
    }

    /// Counts a case, and keeps its differences.
    pub fn handled(
        &mut self,
        id: &str,
        has_oracle: bool,
        differences: impl IntoIterator<Item = Difference>,
    ) {
        if has_oracle {
            self.with_oracle += 1;
        } else {
            self.without += 1;
        }
        let before = self.failures.len();
        let lines = differences
            .into_iter()
            .map(|found| format!("{id}: {found}"));
        self.failures.extend(lines);
        let good = self.failures.len() == before;
        let _infallible = writeln!(self.record, "{id}\t{has_oracle}\t{good}");
    }

    /// Adds a sentence to the summary, such as what was left out and why.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The line that tells how many cases ran.
    #[must_use]
    pub fn summary(&self) -> String {
        let (ran, with, without) = (self.ran(), self.with_oracle, self.without);
        let mut line = format!(
            "wire-corpus {}: ran {ran} of {} ({with} with oracle, {without} without), root={}",
            self.name, self.listed, self.root
        );
        for note in &self.notes {
            let _infallible = write!(line, "; {note}");
        }
        line
    }

    /// Says on the real stderr how many cases ran.
    ///
    /// # Panics
    ///
    /// When a case differs from what was expected, or fewer were handled than were listed.
    pub fn finish(self) {
        say(&self.summary());
        self.leave_record();
        let count = self.failures.len();
        let shown: Vec<_> = self
            .failures
            .iter()
            .take(SHOWN)
            .map(String::as_str)
            .collect();
        assert!(
            count == 0,
            "{}: {count} differences, the first of them:\n{}",
            self.name,
            shown.join("\n")
        );
        assert_eq!(self.ran(), self.listed, "{}: handled cases", self.name);
    }

    /// A folder that cannot be written to shows as counts that are missing.
    fn leave_record(&self) {
        if let Some(folder) = setting("TOWLINE_CORPUS_COUNTS") {
            let name = self.name.replace([' ', ',', '/'], "-");
            let path = format!("{folder}/{name}-{}.tsv", std::process::id());
            let _written = fs::write(path, format!("{}\n{}", self.name, self.record));
        }
    }

    const fn ran(&self) -> usize {
        self.with_oracle + self.without
    }
}
