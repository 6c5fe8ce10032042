//! Fetching a model: how far it is.

use crate::{OllamaConfig, error, line::Lines, wire::progress::Progress};
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use towline_core::{Error, ErrorKind, Text};
use towline_transport::{AnswerOrigin, lax};

/// How the server fetches a model. Made by [`Ollama::pull`](crate::Ollama::pull).
///
/// It ends after [`PullStatus::Success`] or an error: a stream that ends before is an error of kind
/// [`ErrorKind::Truncated`].
///
/// # Cancel safety
///
/// Dropping it closes the exchange, and the server stops to fetch. What it has is kept: the next
/// pull goes on from there.
pub struct Pull {
    steps: Pin<Box<dyn Stream<Item = Result<PullProgress, Error>> + Send>>,
}

/// How far a pull is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PullProgress {
    status: PullStatus,
    digest: Option<Text>,
    total: Option<u64>,
    completed: Option<u64>,
}

/// What the server is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PullStatus {
    /// It reads what the model is made of.
    Manifest,
    /// It fetches one layer of it; [`PullProgress::total`] is the size of that layer.
    Layer,
    /// It checks what it has fetched.
    Verifying,
    /// It writes down what the model is made of.
    Writing,
    /// It removes what an earlier version has left.
    Cleaning,
    /// The model is there. Comes last.
    Success,
    /// Something else, in the server's words.
    Other(Text),
}

/// The steps as they are read.
pub(crate) struct Steps<B> {
    lines: Lines<B>,
    config: Arc<OllamaConfig>,
    model: Text,
    origin: AnswerOrigin,
    ended: bool,
}

// === impl Pull ===

impl Pull {
    pub(crate) fn new<B>(steps: Steps<B>) -> Self
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Error>,
    {
        Self {
            steps: Box::pin(steps),
        }
    }

    /// The next step; `None` once the model is there or an error was given.
    ///
    /// # Errors
    ///
    /// What the server or the connection reports: [`ErrorKind::NotFound`] for a model that the
    /// library does not have, [`ErrorKind::Truncated`] for a stream that ends early.
    ///
    /// # Cancel safety
    ///
    /// No step is lost when the returned future is dropped.
    pub async fn next(&mut self) -> Option<Result<PullProgress, Error>> {
        poll_fn(|cx| self.steps.as_mut().poll_next(cx)).await
    }
}

impl Stream for Pull {
    type Item = Result<PullProgress, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.steps.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").finish_non_exhaustive()
    }
}

// === impl PullProgress ===

impl PullProgress {
    /// What the server is doing.
    #[must_use]
    pub const fn status(&self) -> &PullStatus {
        &self.status
    }

    /// The digest of the layer that is being fetched, such as `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The size of the layer in bytes.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many bytes of the layer are there. Unknown until the first of them is.
    #[must_use]
    pub const fn completed(&self) -> Option<u64> {
        self.completed
    }
}

// === impl PullStatus ===

impl PullStatus {
    fn of(words: &str) -> Self {
        match words {
            "pulling manifest" => Self::Manifest,
            "verifying sha256 digest" => Self::Verifying,
            "writing manifest" => Self::Writing,
            "removing any unused layers" | "removing unused layers" => Self::Cleaning,
            "success" => Self::Success,
            layer if layer.starts_with("pulling ") || layer.starts_with("downloading ") => {
                Self::Layer
            }
            other => Self::Other(other.into()),
        }
    }
}

/// In words for people.
impl fmt::Display for PullStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "reading the manifest",
            Self::Layer => "fetching a layer",
            Self::Verifying => "verifying",
            Self::Writing => "writing the manifest",
            Self::Cleaning => "removing unused layers",
            Self::Success => "done",
            Self::Other(words) => words,
        })
    }
}

// === impl Steps ===

impl<B> Steps<B> {
    pub(crate) const fn new(
        lines: Lines<B>,
        config: Arc<OllamaConfig>,
        model: Text,
        origin: AnswerOrigin,
    ) -> Self {
        Self {
            lines,
            config,
            model,
            origin,
            ended: false,
        }
    }
}

impl<B> Stream for Steps<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Item = Result<PullProgress, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let line = ready!(this.lines.poll_line(cx));
        let step = line.and_then(|line| line.read(|line| read(&this.config, &this.model, line)));
        let last = |step: &PullProgress| step.status == PullStatus::Success;
        this.ended = step.as_ref().map_or(true, last);
        Poll::Ready(Some(step.map_err(|error| this.origin.sign(error))))
    }
}

fn read(config: &OllamaConfig, model: &str, line: Bytes) -> Result<PullProgress, Error> {
    let text = Text::from_utf8(line)
        .map_err(|cause| unreadable("a line of the pull is not UTF-8").with_source(cause))?;
    let line: Progress<'_> = serde_json::from_str(&text).map_err(|cause| {
        unreadable("a line of the pull is not JSON").with_source(lax::fault(&cause))
    })?;
    if let Some(error) = line.error.filter(|error| error.get() != "null") {
        return Err(error::in_band(config, Some(model), error.get()));
    }
    let digest = &line.digest.0;
    Ok(PullProgress {
        status: PullStatus::of(&line.status.0),
        digest: (!digest.is_empty()).then(|| text.share(digest)),
        total: line.total.0,
        completed: line.completed.0,
    })
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(what)
}
