//! A call whose answer has begun.

use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use towline_core::{Answer, Error};

pin_project! {
    /// Resolves when the answer of `call` has begun in earnest. What fails before that fails the
    /// call: nobody was given anything of it, and another try may take its place.
    #[project = Stage]
    #[derive(Debug)]
    pub(crate) enum Begun<F, A> {
        Calling {
            #[pin]
            call: F,
        },
        Beginning {
            #[pin]
            beginning: Beginning<A>,
        },
    }
}

/// An answer that has not begun in earnest.
#[derive(Debug)]
pub(crate) struct Beginning<A> {
    answer: Option<A>,
}

// === impl Begun ===

impl<F, A> Begun<F, A> {
    pub(crate) const fn new(call: F) -> Self {
        Self::Calling { call }
    }
}

impl<F, A> Future for Begun<F, A>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let beginning = match self.as_mut().project() {
                Stage::Calling { call } => begin(ready!(call.poll(cx))?),
                Stage::Beginning { beginning } => return beginning.poll(cx),
            };
            self.set(Self::Beginning { beginning });
        }
    }
}

/// Resolves when `answer` has begun in earnest, as [`Begun`] does.
pub(crate) const fn begin<A>(answer: A) -> Beginning<A> {
    Beginning {
        answer: Some(answer),
    }
}

// An answer is never pinned: it is moved on.
impl<A> Unpin for Beginning<A> {}

impl<A: Answer> Future for Beginning<A> {
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut answer) = self.answer.take() else {
            // Polled after its end, which no layer does.
            return Poll::Pending;
        };
        match answer.poll_begin(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(answer)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(sign(&answer, error))),
            Poll::Pending => {
                self.answer = Some(answer);
                Poll::Pending
            }
        }
    }
}

/// Adds whose answer it was, where the error does not say.
#[cold]
fn sign<A: Answer>(answer: &A, error: Error) -> Error {
    let head = answer.head();
    let error = match error.provider() {
        None => error.with_provider(head.provider().to_owned()),
        Some(_) => error,
    };
    match error.model() {
        None => error.with_model(head.model().to_owned()),
        Some(_) => error,
    }
}
