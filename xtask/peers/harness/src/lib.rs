//! What the rows of the client benchmark share: the workload, the counters and the runner.
//!
//! A row is a program that implements [`Client`] for one library and calls [`main`]. It is started
//! by `cargo xtask bench client`, prints one line of `key=value` pairs and ends.

mod args;
pub mod counting;
pub mod dialect;
mod machine;
mod run;
pub mod workload;

pub use machine::{Place, cpu_micros, pin};
use std::{error::Error, future::Future, process::ExitCode};
use workload::Prompt;

/// Any failure; a row that fails is not measured.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One library under test.
pub trait Client: Sized + 'static {
    /// Builds a client for the server at `base_url`, such as `http://127.0.0.1:8080/v1`, and both
    /// conversations in the library's own types.
    ///
    /// # Errors
    ///
    /// When the library refuses its settings.
    fn new(base_url: &str) -> impl Future<Output = Result<Self, BoxError>>;

    /// Sends the conversation and reads the whole reply.
    ///
    /// # Errors
    ///
    /// When the call fails.
    fn complete(&self, prompt: Prompt) -> impl Future<Output = Result<Reply, BoxError>>;

    /// Sends the small conversation and reads the streamed reply to its end.
    ///
    /// # Errors
    ///
    /// When the call fails.
    fn stream(&self) -> impl Future<Output = Result<Reply, BoxError>>;
}

/// What a row read, to be held against what the server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A row without a codec counts bytes.
    Raw {
        /// Length of the body.
        bytes: usize,
    },
    /// A row with a codec reports what it decoded.
    Decoded {
        /// Length of the text, all pieces together.
        text: usize,
        /// Pieces of text that were not empty.
        pieces: u64,
        /// Tokens in all.
        tokens: u64,
    },
}

/// Runs the row `C` as the arguments of the program say.
#[must_use]
pub fn main<C: Client>() -> ExitCode {
    match run::run::<C>() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
