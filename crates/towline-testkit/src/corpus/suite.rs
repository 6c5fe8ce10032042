//! Counts cases, so that none is missed.

use super::{Corpus, Difference};
use crate::setting::say;
use std::fmt::Write as _;

/// How many differences are printed; more do not help.
const SHOWN: usize = 40;

/// A run over cases of a [`Corpus`]: it counts what was listed and what was handled, and keeps what
/// went wrong until the end.
#[derive(Debug)]
pub struct Suite {
    name: String,
    root: String,
    listed: usize,
    with_oracle: usize,
    without: usize,
    notes: Vec<String>,
    failures: Vec<String>,
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
        let lines = differences
            .into_iter()
            .map(|found| format!("{id}: {found}"));
        self.failures.extend(lines);
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

    const fn ran(&self) -> usize {
        self.with_oracle + self.without
    }
}
