//! What goes to standard output, and what to standard error.
//!
//! Answers go to standard output and nothing else does. Notices and errors go to standard error.
//! Nothing that a model or a provider wrote reaches a terminal with its control sequences alive, in
//! JSON they are escaped everywhere, and no known secret reaches standard error at all.

mod indicator;
mod plain;

pub(crate) use self::indicator::Indicator;

use self::plain::{escaped, neutral};
use crate::failure::Failure;
use serde::Serialize;
use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{io::AsyncWriteExt, task::block_in_place};
use towline_core::{Secret, redact};

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    verbose: u8,
    answers_on_terminal: bool,
    notices_on_terminal: bool,
    secrets: Mutex<Vec<Secret>>,
    /// Whether an answer on the terminal has not ended its line.
    mid_line: AtomicBool,
    /// Whether the terminal waits for a line of the person's.
    prompting: AtomicBool,
    /// Whether an object was begun to be printed.
    object_begun: AtomicBool,
}

/// Ends what the line editor begins when it reads: text that is pasted comes without marks again.
const PASTE_UNMARKED: &[u8] = b"\x1b[?2004l\n";

/// Writes to standard error. What nobody can read is no reason to fail.
///
/// Whoever should read it may not, and then this waits. The thread that waits may be the only one
/// that hears of signals: another one takes its place.
fn to_stderr(text: &str) {
    let mut stderr = io::stderr();
    let _written = block_in_place(|| {
        stderr
            .write_all(text.as_bytes())
            .and_then(|()| stderr.flush())
    });
}

// === impl Output ===

impl Output {
    pub(crate) fn new(json: bool, verbose: u8) -> Self {
        Self {
            json,
            verbose,
            answers_on_terminal: io::stdout().is_terminal(),
            notices_on_terminal: io::stderr().is_terminal(),
            secrets: Mutex::default(),
            mid_line: AtomicBool::new(false),
            prompting: AtomicBool::new(false),
            object_begun: AtomicBool::new(false),
        }
    }

    /// Whether answers and errors are JSON objects.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Whether what happened is told as a JSON object: none has been printed yet.
    pub(crate) fn awaits_object(&self) -> bool {
        self.json && !self.object_begun.load(Ordering::Relaxed)
    }

    /// How often `-v` was given.
    pub(crate) const fn verbose(&self) -> u8 {
        self.verbose
    }

    /// Whether notices are seen at once, so that a sign of life is worth drawing.
    pub(crate) const fn notices_on_terminal(&self) -> bool {
        self.notices_on_terminal
    }

    /// Makes `secrets` known: notices and errors never show them.
    pub(crate) fn hide(&self, secrets: impl IntoIterator<Item = Secret>) {
        let known = &mut *self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(secrets);
    }

    /// Prints a piece of an answer as it is; on a terminal without control sequences.
    pub(crate) async fn text(&self, text: &str) -> Result<(), Failure> {
        if self.answers_on_terminal {
            self.mid_line
                .store(!text.ends_with('\n'), Ordering::Relaxed);
            self.write(neutral(text).as_bytes()).await
        } else {
            self.write(text.as_bytes()).await
        }
    }

    /// Prints a line of an answer.
    pub(crate) async fn line(&self, line: &str) -> Result<(), Failure> {
        self.text(&format!("{line}\n")).await
    }

    /// Prints a value as JSON on one line.
    pub(crate) async fn object(&self, value: &impl Serialize) -> Result<(), Failure> {
        let line = self.begin_object(value)?;
        self.write(line.as_bytes()).await
    }

    /// Prints a value as JSON on one line, where no runtime runs.
    pub(crate) fn object_at_once(&self, value: &impl Serialize) -> Result<(), Failure> {
        let line = self.begin_object(value)?;
        let mut stdout = io::stdout();
        let written = stdout.write_all(line.as_bytes());
        written
            .and_then(|()| stdout.flush())
            .map_err(Failure::output)
    }

    fn begin_object(&self, value: &impl Serialize) -> Result<String, Failure> {
        let json = serde_json::to_string(value)
            .map_err(|error| Failure::usage(format!("the answer cannot be printed: {error}")))?;
        self.object_begun.store(true, Ordering::Relaxed);
        Ok(format!("{}\n", escaped(&json)))
    }

    /// Prints bytes as they are.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = tokio::io::stdout();
        stdout.write_all(bytes).await.map_err(Failure::output)?;
        stdout.flush().await.map_err(Failure::output)
    }

    /// Remembers whether the terminal waits for a line of the person's.
    pub(crate) fn prompting(&self, prompting: bool) {
        self.prompting.store(prompting, Ordering::Relaxed);
    }

    /// Ends the line on the terminal, so that a notice gets one of its own.
    pub(crate) async fn end_line(&self) {
        if self.prompting.swap(false, Ordering::Relaxed) {
            let _written = self.write(PASTE_UNMARKED).await;
        }
        if self.mid_line.swap(false, Ordering::Relaxed) {
            // What follows is a notice: it is printed whether or not this is.
            let _written = self.write(b"\n").await;
        }
    }

    /// Prints a notice.
    pub(crate) fn notice(&self, text: &str) {
        let text = self.redact(text);
        to_stderr(&format!("{}\n", neutral(&text)));
    }

    /// Replaces every secret that is known, and what looks like a key.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        redact(text, &known)
    }
}
