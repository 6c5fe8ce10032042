//! One HTTP exchange, from the call to the answer.

use crate::{AnthropicConfig, convert, error, limits, stream::Decoder};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE, response::Parts};
use http_body::Body as HttpBody;
use std::{future::Future, sync::Arc};
use towline_core::{Body, Error, ErrorKind, Head, Response, Text};
use towline_transport::{AnswerOrigin, AnswerStream, collect, sse::SseStream};

/// Whose exchange it is.
pub(super) struct Exchange {
    config: Arc<AnthropicConfig>,
    model: Option<Text>,
}

/// The largest body of an error that is read.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// Where servers put the id of a call: Anthropic's own place, that of others that speak the dialect,
/// and that of the network in front of it.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "cf-ray"];

// === impl Exchange ===

impl Exchange {
    pub(super) const fn new(config: Arc<AnthropicConfig>, model: Option<Text>) -> Self {
        Self { config, model }
    }

    /// A completion, whole or streamed.
    pub(super) async fn complete<F, B>(
        self,
        call: F,
        stream: bool,
        dropped: Vec<&'static str>,
    ) -> Result<Response, Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        let (parts, body) = self.head(call).await?;
        // What came decides, and not what was asked for: some servers stream always, others never.
        let json = is(&parts.headers, "application/json");
        let streams = is(&parts.headers, "text/event-stream") || (stream && !json);
        let head = self.make_head(parts).with_dropped(dropped);
        if streams {
            return Ok(self.stream(head, body));
        }
        // A server that does not stream answers in one piece, or with an error under status 200.
        let whole = collect(body, self.config.max_body()).await;
        let completion = whole.and_then(|bytes| convert::answer::decode(&self.config, bytes));
        let completion = completion.map_err(|error| self.sign_with(error, &head))?;
        Ok(Response::new(head, Body::complete(completion)))
    }

    /// The body of an answer of any other kind.
    pub(super) async fn whole<F, B>(self, call: F) -> Result<(Arc<AnthropicConfig>, Bytes), Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Error>,
    {
        let (parts, body) = self.head(call).await?;
        let head = self.make_head(parts);
        let body = collect(body, self.config.max_body()).await;
        let body = body.map_err(|error| self.sign_with(error, &head))?;
        Ok((self.config, body))
    }

    /// Adds whose call it was.
    #[cold]
    pub(super) fn sign(&self, error: Error) -> Error {
        let error = error.with_provider(self.config.name().to_owned());
        match &self.model {
            Some(model) => error.with_model(model.to_string()),
            None => error,
        }
    }

    /// The head of an answer that is no error.
    async fn head<F, B>(&self, call: F) -> Result<(Parts, B), Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Error>,
    {
        let (parts, body) = call.await.map_err(|error| self.sign(error))?.into_parts();
        if parts.status.is_success() {
            if is(&parts.headers, "text/html") {
                return Err(self.sign(page()));
            }
            return Ok((parts, body));
        }
        // An error body that cannot be read leaves the status, which says enough.
        let body = collect(body, MAX_ERROR_BODY).await.unwrap_or_default();
        let error = error::from_response(&self.config, parts.status, &parts.headers, &body);
        let error = match self.request_id(&parts.headers) {
            Some(id) => error.with_request_id(id.to_string()),
            None => error,
        };
        Err(self.sign(error))
    }

    fn make_head(&self, parts: Parts) -> Head {
        let model = self.model.clone().unwrap_or_default();
        Head::new(self.config.name_text().clone(), model)
            .with_request_id(self.request_id(&parts.headers))
            .with_headers(parts.headers, limits::parse)
    }

    fn stream<B>(self, head: Head, body: B) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        let origin = AnswerOrigin::new(
            self.config.name_text().clone(),
            self.model.unwrap_or_default(),
            head.request_id().map(Text::from),
        );
        let events = AnswerStream::new(SseStream::new(body), Decoder::new(self.config), origin);
        Response::new(head, Body::stream(events))
    }

    /// What the server calls the exchange; whatever else it wrote there is left out.
    fn request_id(&self, headers: &HeaderMap) -> Option<Text> {
        let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name))?;
        id.to_str().ok().map(|id| self.config.redact_id(id))
    }

    #[cold]
    fn sign_with(&self, error: Error, head: &Head) -> Error {
        let error = self.sign(error);
        match (head.request_id(), error.request_id()) {
            (Some(id), None) => error.with_request_id(id.to_owned()),
            _ => error,
        }
    }
}

/// Whether the content type is `kind`, whatever parameters follow it.
fn is(headers: &HeaderMap, kind: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let value = value.and_then(|value| value.get(..kind.len()));
    value.is_some_and(|value| value.eq_ignore_ascii_case(kind.as_bytes()))
}

fn page() -> Error {
    Error::new(ErrorKind::Protocol).with_message(
        "the answer is a page (text/html) and not JSON; the base URL leads to something else than the API, or a proxy answers in its place",
    )
}
