//! One HTTP exchange, from the call to the answer.

#[cfg(feature = "responses")]
use crate::responses::{self, decoder::ResponsesDecoder};
use crate::{Api, OpenAiConfig, convert, error, stream::Decoder};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header::CONTENT_TYPE, response::Parts};
use http_body::Body as HttpBody;
use memchr::memchr;
use std::{future::Future, sync::Arc};
use towline_core::{Body, Error, ErrorKind, Head, Response, Text};
use towline_transport::{
    AnswerOrigin, AnswerStream, Decode, collect,
    sse::{Frame, SseStream},
};

/// Whose exchange it is.
pub(super) struct Exchange {
    config: Arc<OpenAiConfig>,
    model: Option<Text>,
}

/// A whole answer with status 200.
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

/// What an answer says it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum MediaType {
    Json,
    Events,
    /// HTML: a proxy's or a login page.
    Page,
    Other,
}

/// The largest body of an error that is read.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// Where servers put the id of a call, the usual place first.
static REQUEST_IDS: [HeaderName; 7] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("apim-request-id"),
    HeaderName::from_static("x-generation-id"),
    HeaderName::from_static("mistral-correlation-id"),
    HeaderName::from_static("x-ds-trace-id"),
    HeaderName::from_static("inference-id"),
    HeaderName::from_static("cf-ray"),
];

// === impl Exchange ===

impl Exchange {
    pub(super) const fn new(config: Arc<OpenAiConfig>, model: Option<Text>) -> Self {
        Self { config, model }
    }

    /// A completion, whole or streamed.
    pub(super) async fn complete<F, B>(
        self,
        call: F,
        stream: bool,
        api: Api,
        dropped: Vec<&'static str>,
    ) -> Result<Response, Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        let (parts, body, kind) = self.head(call).await?;
        // What came decides, and not what was asked for: some servers stream always, others never.
        let streams = match kind {
            MediaType::Events => true,
            MediaType::Json => false,
            MediaType::Page | MediaType::Other => stream,
        };
        let head = self.make_head(parts).with_dropped(dropped);
        if streams {
            let config = Arc::clone(&self.config);
            return Ok(match api {
                #[cfg(feature = "responses")]
                Api::Responses => self.stream(head, body, ResponsesDecoder::new(config)),
                _ => self.stream(head, body, Decoder::new(config)),
            });
        }
        // A server that does not stream answers in one piece, or with an error under status 200.
        let whole = collect(body, self.config.max_body()).await;
        let completion = whole.and_then(|bytes| match api {
            #[cfg(feature = "responses")]
            Api::Responses => responses::answer::decode(&self.config, bytes),
            _ => convert::answer::decode(&self.config, bytes),
        });
        let completion = completion.map_err(|error| self.sign_with(error, &head))?;
        Ok(Response::new(head, Body::complete(completion)))
    }

    /// An answer of any other kind.
    pub(super) async fn whole<F, B>(self, call: F) -> Result<(Arc<OpenAiConfig>, Whole), Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Error>,
    {
        let (parts, body, _) = self.head(call).await?;
        let head = self.make_head(parts);
        let body = collect(body, self.config.max_body()).await;
        let body = body.map_err(|error| self.sign_with(error, &head))?;
        Ok((self.config, Whole { head, body }))
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
    async fn head<F, B>(&self, call: F) -> Result<(Parts, B, MediaType), Error>
    where
        F: Future<Output = Result<http::Response<B>, Error>>,
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Error>,
    {
        let (parts, body) = call.await.map_err(|error| self.sign(error))?.into_parts();
        if parts.status.is_success() {
            return match MediaType::of(&parts.headers) {
                MediaType::Page => Err(self.sign(page())),
                kind => Ok((parts, body, kind)),
            };
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
            .with_headers(parts.headers, self.config.flavor().traits().limits)
    }

    fn stream<B, D>(self, head: Head, body: B, decoder: D) -> Response
    where
        D: Decode<Frame = Frame> + Send + Unpin + 'static,
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        let origin = AnswerOrigin::new(
            self.config.name_text().clone(),
            self.model.unwrap_or_default(),
            head.request_id().map(Text::from),
        );
        let events = AnswerStream::new(SseStream::new(body), decoder, origin);
        Response::new(head, Body::stream(events))
    }

    /// What the server calls the exchange; whatever else it wrote there is left out.
    fn request_id(&self, headers: &HeaderMap) -> Option<Text> {
        let id = REQUEST_IDS.iter().find_map(|name| headers.get(name))?;
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

// === impl MediaType ===

impl MediaType {
    /// What the content type says, whatever parameters follow it.
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Other;
        };
        let value = value.as_bytes();
        let end = memchr(b';', value).unwrap_or(value.len());
        let kind = value.get(..end).unwrap_or_default().trim_ascii();
        let known = [
            (&b"application/json"[..], Self::Json),
            (b"text/event-stream", Self::Events),
            (b"text/html", Self::Page),
        ];
        let mut known = known.into_iter();
        let found = known.find(|(name, _)| kind.eq_ignore_ascii_case(name));
        found.map_or(Self::Other, |(_, kind)| kind)
    }
}

fn page() -> Error {
    Error::new(ErrorKind::Protocol).with_message(
        "the answer is a page (text/html) and not JSON; the base URL leads to something else than the API, or a proxy answers in its place",
    )
}
