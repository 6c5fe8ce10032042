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
            answer: Option<A>,
        },
    }
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
        let mut answer = match self.as_mut().project() {
            Stage::Calling { call } => ready!(call.poll(cx))?,
            Stage::Beginning { answer } => match answer.take() {
                Some(answer) => answer,
                // Polled after its end, which no layer does.
                None => return Poll::Pending,
            },
        };
        match answer.poll_begin(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(answer)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(sign(&answer, error))),
            Poll::Pending => {
                let answer = Some(answer);
                self.set(Self::Beginning { answer });
                Poll::Pending
            }
        }
    }
}

/// Adds whose answer it was, where the error does not say.
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
