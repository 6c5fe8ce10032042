//! The answer to a call: its head, and a body that may still be arriving.

use crate::{Body, Completion, Error, Journey, RateLimits, Text};
use http::HeaderMap;
use std::fmt;

/// The answer to a [`Request`](crate::Request).
pub struct Response {
    // On the heap, since every layer passes it on.
    inner: Box<Inner>,
}

struct Inner {
    head: Head,
    body: Body,
}

/// What is known before the answer itself.
#[derive(Clone, Debug)]
pub struct Head {
    provider: Text,
    model: Text,
    request_id: Option<Text>,
    headers: HeaderMap,
    parse_limits: fn(&HeaderMap) -> RateLimits,
    dropped: Vec<&'static str>,
    attempts: u32,
    journey: Option<Journey>,
}

// === impl Response ===

impl Response {
    /// An answer.
    #[must_use]
    pub fn new(head: Head, body: Body) -> Self {
        Self {
            inner: Box::new(Inner { head, body }),
        }
    }

    /// What is known before the answer itself.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.inner.head
    }

    /// The head, to change.
    #[must_use]
    pub const fn head_mut(&mut self) -> &mut Head {
        &mut self.inner.head
    }

    /// The answer.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.inner.body
    }

    /// The answer, to read event by event.
    #[must_use]
    pub const fn body_mut(&mut self) -> &mut Body {
        &mut self.inner.body
    }

    /// Head and body apart.
    #[must_use]
    pub fn into_parts(self) -> (Head, Body) {
        let Inner { head, body } = *self.inner;
        (head, body)
    }

    /// The answer alone.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.inner.body
    }

    /// The whole answer, with the provider and the request id of the head.
    ///
    /// # Errors
    ///
    /// As [`Body::collect`]; the error names provider, model and request id.
    ///
    /// # Cancel safety
    ///
    /// As [`Body::collect`].
    pub async fn collect(self) -> Result<Completion, Error> {
        let Inner { head, body } = *self.inner;
        let completion = body.collect().await.map_err(|error| head.sign(error))?;
        // What names its model already needs no other name.
        let completion = match completion.model() {
            "" => completion.with_model(head.model),
            _ => completion,
        };
        Ok(completion
            .with_provider(head.provider)
            .with_request_id(head.request_id))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("head", &self.inner.head)
            .field("body", &self.inner.body)
            .finish()
    }
}

// === impl Head ===

impl Head {
    /// The head of an answer of `provider`, which was asked for `model`.
    #[must_use]
    pub fn new(provider: impl Into<Text>, model: impl Into<Text>) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            request_id: None,
            headers: HeaderMap::new(),
            parse_limits: |_| RateLimits::default(),
            dropped: Vec::new(),
            attempts: 1,
            journey: None,
        }
    }

    /// Sets the provider's id of the call.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<Text>) -> Self {
        self.request_id = id;
        self
    }

    /// Keeps the headers of the answer, and the dialect's way to read rate limits from them. They
    /// are parsed only when somebody asks.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap, parse: fn(&HeaderMap) -> RateLimits) -> Self {
        self.headers = headers;
        self.parse_limits = parse;
        self
    }

    /// Reports options that were left out because the model cannot do them.
    #[must_use]
    pub fn with_dropped(mut self, options: Vec<&'static str>) -> Self {
        self.dropped = options;
        self
    }

    /// Counts the calls that were made to a provider for this answer.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The provider, by its name in the configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model that was asked.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The provider's id of the call.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The headers of the answer.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What the provider says about its limits, read from the headers now.
    #[must_use]
    pub fn rate_limits(&self) -> RateLimits {
        (self.parse_limits)(&self.headers)
    }

    /// Options that were left out because the model cannot do them. Only with
    /// [`CompletionOptions::with_lenient`](crate::CompletionOptions::with_lenient).
    #[must_use]
    pub fn dropped(&self) -> &[&'static str] {
        &self.dropped
    }

    /// How many calls were made to a provider for this answer: those in the journey, where it has
    /// one.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        let journey = self.journey.as_ref();
        journey.map_or(self.attempts, |journey| {
            journey.attempts().max(self.attempts)
        })
    }

    /// Keeps what happened to the call on its way.
    pub fn set_journey(&mut self, journey: Journey) {
        self.journey = Some(journey);
    }

    /// What happened to the call on its way, where somebody wrote it down.
    #[must_use]
    pub const fn journey(&self) -> Option<&Journey> {
        self.journey.as_ref()
    }

    /// Adds provider, model and request id to an error that broke off this answer.
    fn sign(&self, error: Error) -> Error {
        let error = match error.provider() {
            Some(_) => error,
            None => error.with_provider(self.provider().to_owned()),
        };
        let error = match error.model() {
            Some(_) => error,
            None => error.with_model(self.model().to_owned()),
        };
        match (error.request_id(), self.request_id()) {
            (None, Some(id)) => error.with_request_id(id.to_owned()),
            _ => error,
        }
    }
}
