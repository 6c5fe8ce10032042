//! Following an answer to its end.

use crate::{Error, Event, FinishReason, Moment, Usage};
use std::{
    any::Any,
    task::{Context, Poll},
};

/// Follows an answer from inside its body: a clock, a counter, a permit.
///
/// Events are shown when they arrive, which may be before they are read. [`on_end`](Self::on_end)
/// is called once, whatever happens, and then the watch is dropped. A watch that was put into a body
/// earlier, by an inner layer, is asked first. What is told to several is told with one [`Moment`], so
/// that the clock is read once for all of them.
pub trait Watch: Send {
    /// Sees an event that arrived; never [`Event::Finish`], which is the end.
    ///
    /// # Errors
    ///
    /// Ends the answer: its clock has run out, though the provider is not silent.
    fn on_event(&mut self, event: &Event, moment: &Moment) -> Result<(), Error> {
        let _unused = (event, moment);
        Ok(())
    }

    /// Asked each time the provider has nothing for a reader that waits. Ready ends the answer with
    /// the error; pending has to wake the reader in time.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let _unused = cx;
        Poll::Pending
    }

    /// Adds what it knows to the error with which the answer ends.
    fn on_error(&mut self, error: Error) -> Error {
        error
    }

    /// Sees the end, and what was used by then as far as the provider has said.
    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, moment: &Moment) {
        let _unused = (ending, usage, moment);
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ending<'a> {
    /// It is whole.
    Whole(&'a FinishReason),
    /// It broke off.
    Failed(&'a Error),
    /// The reader left.
    Dropped,
}

/// Holds something to the end.
pub(super) struct Guard<T>(pub(super) T);

// === impl Guard ===

impl<T: Any + Send> Watch for Guard<T> {}
