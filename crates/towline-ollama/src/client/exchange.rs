//! One HTTP exchange, from the call to the answer.

use crate::{
    OllamaConfig, convert, error,
    line::Lines,
    pull::{Pull, Steps},
    stream::Decoder,
};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE, response::Parts};
use http_body::Body as HttpBody;
use std::{future::Future, sync::Arc};
use towline_core::{Body, Error, ErrorKind, Head, RateLimits, Response, Text};
use towline_transport::{AnswerOrigin, AnswerStream, collect};

/// Whose exchange it is.
pub(super) struct Exchange {
    config: Arc<OllamaConfig>,
    model: Option<Text>,
}

/// A whole answer with status 200.
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

/// The largest body of an error that is read.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// Where the cloud, or a proxy before a server, puts the id of a call.
const REQUEST_IDS: [&str; 2] = ["x-request-id", "cf-ray"];

// === impl Exchange ===

impl Exchange {
    pub(super) const fn new(config: Arc<OllamaConfig>, model: Option<Text>) -> Self {
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
        let head = self.make_head(parts).with_dropped(dropped);
        if stream {
            // Whatever the header says: an answer in one piece is a stream of one line.
            let origin = self.origin(&head);
            let decoder = Decoder::new(self.config, self.model.unwrap_or_default());
            let events = AnswerStream::new(Lines::new(body), decoder, origin);
            return Ok(Response::new(head, Body::stream(events)));
        }
        let whole = collect(body, self.config.max_body()).await;
        let model = self.model.as_deref();
        let completion =
            whole.and_then(|bytes| convert::answer::decode(&self.config, model, bytes));
        let completion = completion.map_err(|error| self.sign_with(error, &head))?;
        Ok(Response::new(head, Body::complete(completion)))
    }

    /// An answer of any other kind.
    pub(super) async fn whole<F, B>(self, call: F) -> Result<(Arc<OllamaConfig>, Whole), Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Error>,
    {
        let (parts, body) = self.head(call).await?;
        let head = self.make_head(parts);
        let body = collect(body, self.config.max_body()).await;
        let body = body.map_err(|error| self.sign_with(error, &head))?;
        Ok((self.config, Whole { head, body }))
    }

    /// The steps of a pull.
    pub(super) async fn pull<F, B>(self, call: F) -> Result<Pull, Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        let (parts, body) = self.head(call).await?;
        let origin = self.origin(&self.make_head(parts));
        let model = self.model.unwrap_or_default();
        let steps = Steps::new(Lines::new(body), self.config, model, origin);
        Ok(Pull::new(steps))
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
        let response = call.await;
        let response =
            response.map_err(|error| self.sign(error::no_connection(&self.config, error)))?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            if is_page(&parts.headers) {
                return Err(self.sign(page()));
            }
            return Ok((parts, body));
        }
        // An error body that cannot be read leaves the status, which says enough.
        let body = collect(body, MAX_ERROR_BODY).await.unwrap_or_default();
        let model = self.model.as_deref();
        let error = error::from_response(&self.config, model, parts.status, &parts.headers, &body);
        let error = match self.request_id(&parts.headers) {
            Some(id) => error.with_request_id(id.to_string()),
            None => error,
        };
        Err(self.sign(error))
    }

    fn make_head(&self, parts: Parts) -> Head {
        let model = self.model.clone().unwrap_or_default();
        // The server tells no limits, in the cloud neither.
        Head::new(self.config.name_text().clone(), model)
            .with_request_id(self.request_id(&parts.headers))
            .with_headers(parts.headers, |_| RateLimits::default())
    }

    fn origin(&self, head: &Head) -> AnswerOrigin {
        AnswerOrigin::new(
            self.config.name_text().clone(),
            self.model.clone().unwrap_or_default(),
            head.request_id().map(Text::from),
        )
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

fn is_page(headers: &HeaderMap) -> bool {
    const PAGE: &[u8] = b"text/html";
    let value = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let value = value.and_then(|value| value.get(..PAGE.len()));
    value.is_some_and(|value| value.eq_ignore_ascii_case(PAGE))
}

fn page() -> Error {
    Error::new(ErrorKind::Protocol).with_message(
        "the answer is a page (text/html) and not JSON; the base URL leads to something else than the API, or a proxy answers in its place",
    )
}
