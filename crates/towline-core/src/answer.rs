//! What layers need to know of an answer of any kind.

use crate::{EmbeddingResponse, Ending, Error, FinishReason, Head, Moment, Response, Watch};
use std::task::{Context, Poll};

/// An answer of any kind, as layers see it: they follow it to its end and never look inside.
pub trait Answer: Send + Sized + 'static {
    /// What is known before the answer itself.
    fn head(&self) -> &Head;

    /// The head, to change.
    fn head_mut(&mut self) -> &mut Head;

    /// Whether all of it is there.
    fn is_whole(&self) -> bool;

    /// Bytes that a model wrote, where all of them are there: text, reasoning, refusals and arguments of tool
    /// calls. For who has to estimate what they took. Default: none, as of what is no text.
    fn content_bytes(&self) -> u64 {
        0
    }

    /// Lets `watch` see the rest of the answer and its end. Where the answer is all there, it sees the
    /// end now and is dropped: nothing is held for an exchange that is over.
    fn watch(&mut self, watch: impl Watch + 'static);

    /// Shows `watch` the end where the answer is all there, and says whether it is. Of a stream it
    /// sees nothing: that is for [`watch`](Self::watch), which keeps what it is given.
    fn show_end(&self, watch: &mut impl Watch) -> bool;

    /// Waits until the answer has begun in earnest, as [`Body::poll_begin`](crate::Body::poll_begin).
    ///
    /// # Errors
    ///
    /// The answer broke off before it began.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
}

impl Answer for Response {
    fn head(&self) -> &Head {
        Self::head(self)
    }

    fn head_mut(&mut self) -> &mut Head {
        Self::head_mut(self)
    }

    fn is_whole(&self) -> bool {
        self.body().is_complete()
    }

    fn content_bytes(&self) -> u64 {
        self.body().content_bytes()
    }

    fn watch(&mut self, watch: impl Watch + 'static) {
        self.body_mut().watch(watch);
    }

    fn show_end(&self, watch: &mut impl Watch) -> bool {
        self.body().show_end(watch)
    }

    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.body_mut().poll_begin(cx)
    }
}

impl Answer for EmbeddingResponse {
    fn head(&self) -> &Head {
        Self::head(self)
    }

    fn head_mut(&mut self) -> &mut Head {
        Self::head_mut(self)
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn watch(&mut self, mut watch: impl Watch + 'static) {
        self.show_end(&mut watch);
    }

    fn show_end(&self, watch: &mut impl Watch) -> bool {
        let moment = Moment::new();
        // There are no tokens of output, which providers therefore leave out.
        let usage = self.usage();
        let usage = usage.map(|usage| usage.clone().with_output(usage.output().unwrap_or(0)));
        watch.on_end(Ending::Whole(&FinishReason::Stop), usage.as_ref(), &moment);
        true
    }

    fn poll_begin(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}
