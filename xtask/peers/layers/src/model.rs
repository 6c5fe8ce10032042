//! The service in the middle: a whole answer, at once.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};
use tower::Service;
use towline_core::{
    Body, Completion, CompletionOptions, Conversation, Error, FinishReason, Head, Request,
    Response, Text, Usage,
};

/// Answers with nothing, and says what that has cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model;

// === impl Model ===

impl Service<Request> for Model {
    type Response = Response;
    type Error = Error;
    type Future = Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        let completion = Completion::new(Vec::new(), FinishReason::Stop);
        let completion = completion.with_usage(Some(Usage::inclusive(10, 10)));
        let head = Head::new(Text::from_static("model"), Text::from_static("model"));
        ready(Ok(Response::new(head, Body::complete(completion))))
    }
}

/// What is asked, call after call.
#[derive(Debug)]
pub(crate) struct Question {
    conversation: Conversation,
    options: Arc<CompletionOptions>,
}

// === impl Question ===

impl Question {
    pub(crate) fn new() -> Self {
        Self {
            conversation: Conversation::from("Say hello."),
            options: Arc::default(),
        }
    }

    /// The request of one call, which is its own. All variants pay for it, the bare service too.
    pub(crate) fn request(&self) -> Request {
        let model = Text::from_static("gpt-4o-mini");
        Request::new(model, &self.conversation).with_options(Arc::clone(&self.options))
    }
}
