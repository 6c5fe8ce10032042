//! The one error type, and the one table of what may be tried again.
//!
//! An [`Error`] is opaque: a [`kind`](Error::kind) that callers and layers act on, a few facts, and
//! a source that is only for people. Its `Display` prints this level alone; [`Error::report`]
//! prints the whole chain, for a log line.

mod kind;

pub use self::kind::{Elsewhere, ErrorKind, Repeat};

use crate::{Completion, Journey, Text};
use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// Why a call failed. See the [module docs](self).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::RateLimit)
///     .with_provider("openai")
///     .with_message("too many tokens per minute")
///     .with_retry_after(Duration::from_millis(644));
/// assert!(error.is_retryable());
/// assert_eq!(
///     error.to_string(),
///     "openai: rate limited: too many tokens per minute (retry after 644 ms)"
/// );
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: Option<Cow<'static, str>>,
    provider: Option<Cow<'static, str>>,
    model: Option<Cow<'static, str>>,
    deployment: Option<Text>,
    status: Option<u16>,
    code: Option<Cow<'static, str>>,
    request_id: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    retryable: Option<bool>,
    refused_by: Option<&'static str>,
    sibling: bool,
    clock: Option<Clock>,
    journey: Option<Journey>,
    others: Vec<Error>,
    partial: Option<Box<Completion>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Which clock ran out, of an [`ErrorKind::Timeout`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Clock {
    /// Looking up the name, TCP and TLS together.
    Connect,
    /// From the attempt's start to the first content of its answer.
    FirstToken,
    /// Silence: not even a sign of life.
    Idle,
    /// Signs of life, and nothing of the answer.
    Progress,
    /// One attempt.
    Attempt,
    /// What one target may take of the time of a call, where another can be asked after it.
    Target,
    /// The whole call, its queues, pauses and attempts.
    Total,
}

/// Prints an [`Error`] with all its sources, outermost first. Made by [`Error::report`].
#[derive(Debug)]
pub struct Report<'a> {
    error: &'a Error,
}

// === impl Error ===

impl Error {
    /// An error of `kind` that says nothing else yet.
    #[cold]
    #[must_use]
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: None,
                provider: None,
                model: None,
                deployment: None,
                status: None,
                code: None,
                request_id: None,
                retry_after: None,
                retryable: None,
                refused_by: None,
                sibling: false,
                clock: None,
                journey: None,
                others: Vec::new(),
                partial: None,
                source: None,
            }),
        }
    }

    /// Adds what happened, in words that name the thing at fault and never its secret value.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.inner.message = Some(message.into());
        self
    }

    /// Adds the provider that failed, by the name it has in the configuration.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<Cow<'static, str>>) -> Self {
        self.inner.provider = Some(provider.into());
        self
    }

    /// Adds the model that was asked.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Cow<'static, str>>) -> Self {
        self.inner.model = Some(model.into());
        self
    }

    /// Adds the deployment that failed, by the name it has where one is picked among several.
    #[must_use]
    pub fn with_deployment(mut self, deployment: impl Into<Text>) -> Self {
        self.inner.deployment = Some(deployment.into());
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.inner.status = Some(status);
        self
    }

    /// Adds the provider's own code for the failure, such as `context_length_exceeded`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.inner.code = Some(code.into());
        self
    }

    /// Adds the id under which the provider's support can find the call.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.inner.request_id = Some(id.into());
        self
    }

    /// Adds the shortest wait that the provider asked for.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner.retry_after = Some(wait);
        self
    }

    /// Overrides what the table says about trying the same target again: the provider knew better.
    #[must_use]
    pub const fn with_retryable(mut self, retryable: bool) -> Self {
        self.inner.retryable = Some(retryable);
        self
    }

    /// Says that `layer` turned the call away, and that no provider was asked: not a failure of one.
    #[must_use]
    pub const fn with_refused_by(mut self, layer: &'static str) -> Self {
        self.inner.refused_by = Some(layer);
        self
    }

    /// Says whether another deployment of the group takes calls that was not asked for this one: a
    /// second try goes there.
    #[must_use]
    pub const fn with_sibling(mut self, sibling: bool) -> Self {
        self.inner.sibling = sibling;
        self
    }

    /// Adds the clock that ran out.
    #[must_use]
    pub const fn with_clock(mut self, clock: Clock) -> Self {
        self.inner.clock = Some(clock);
        self
    }

    /// Adds what happened to the call on its way.
    #[cold]
    #[must_use]
    pub fn with_journey(mut self, journey: Journey) -> Self {
        self.inner.journey = Some(journey);
        self
    }

    /// Adds the errors of other targets that were asked before.
    #[must_use]
    pub fn with_others(mut self, others: Vec<Self>) -> Self {
        self.inner.others = others;
        self
    }

    /// Adds what had been delivered when the answer broke off.
    #[must_use]
    pub fn with_partial(mut self, partial: Completion) -> Self {
        self.inner.partial = Some(Box::new(partial));
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(Arc::from(source.into()));
        self
    }

    /// The same error for somebody else who waited for the same call. What had been delivered is
    /// left out, and what happened to the call on its way: both differ from caller to caller.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let inner = &self.inner;
        Self {
            inner: Box::new(Inner {
                kind: inner.kind,
                message: inner.message.clone(),
                provider: inner.provider.clone(),
                model: inner.model.clone(),
                deployment: inner.deployment.clone(),
                status: inner.status,
                code: inner.code.clone(),
                request_id: inner.request_id.clone(),
                retry_after: inner.retry_after,
                retryable: inner.retryable,
                refused_by: inner.refused_by,
                sibling: inner.sibling,
                clock: inner.clock,
                journey: None,
                others: inner.others.iter().map(Self::duplicate).collect(),
                partial: None,
                source: inner.source.clone(),
            }),
        }
    }

    /// What went wrong, as far as a caller can act on it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What happened, in words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.inner.message.as_deref()
    }

    /// The provider that failed.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.inner.provider.as_deref()
    }

    /// The model that was asked.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.inner.model.as_deref()
    }

    /// The deployment that failed, where one was picked among several.
    #[must_use]
    pub fn deployment(&self) -> Option<&Text> {
        self.inner.deployment.as_ref()
    }

    /// The HTTP status, where an answer came.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// The provider's own code for the failure.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.inner.code.as_deref()
    }

    /// The provider's id of the call.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.request_id.as_deref()
    }

    /// The shortest wait that the provider asked for, uncapped: a caller that will not wait so long
    /// goes elsewhere or gives up, it does not come back sooner.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The layer that turned the call away, where no provider was asked. What is refused here says
    /// nothing about a provider: breakers and budgets do not count it.
    #[must_use]
    pub const fn refused_by(&self) -> Option<&'static str> {
        self.inner.refused_by
    }

    /// Whether another deployment of the group takes calls that was not asked for this one. What the one
    /// that failed said of itself, as when to come back, does not hold for that.
    #[must_use]
    pub const fn has_sibling(&self) -> bool {
        self.inner.sibling
    }

    /// The clock that ran out.
    #[must_use]
    pub const fn clock(&self) -> Option<Clock> {
        self.inner.clock
    }

    /// What happened to the call on its way, where somebody wrote it down.
    #[must_use]
    pub const fn journey(&self) -> Option<&Journey> {
        self.inner.journey.as_ref()
    }

    /// The errors of other targets that were asked before, in their order.
    #[must_use]
    pub fn others(&self) -> &[Self] {
        &self.inner.others
    }

    /// What had been delivered when the answer broke off. Its finish reason is unknown.
    #[must_use]
    pub fn partial(&self) -> Option<&Completion> {
        self.inner.partial.as_deref()
    }

    /// Whether the same target may be asked again, by the table of [`ErrorKind::repeat`] or by the
    /// provider's own word. An answer that already delivered something is never retryable: a second
    /// one would repeat it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if self.partial().is_some_and(|partial| !partial.is_empty()) {
            return false;
        }
        let table = self.kind().repeat() != Repeat::Never;
        self.inner.retryable.unwrap_or(table)
    }

    /// Prints this error and all its sources, for a log.
    #[must_use]
    pub const fn report(&self) -> Report<'_> {
        Report { error: self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(provider) = self.provider() {
            write!(f, "{provider}: ")?;
        }
        f.write_str(self.kind().summary())?;
        if let Some(layer) = self.refused_by() {
            write!(f, " in layer `{layer}`")?;
        }
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        }
        let mut notes = Notes::new(f);
        if let Some(status) = self.status() {
            notes.add(format_args!("status {status}"))?;
        }
        if let Some(wait) = self.retry_after() {
            notes.add(format_args!("retry after {}", Wait(wait)))?;
        }
        if let Some(id) = self.request_id() {
            notes.add(format_args!("request {id}"))?;
        }
        notes.close()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The partial answer is the caller's text: it has no place in a log line.
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("provider", &self.inner.provider)
            .field("model", &self.inner.model)
            .field("deployment", &self.inner.deployment)
            .field("status", &self.inner.status)
            .field("code", &self.inner.code)
            .field("request_id", &self.inner.request_id)
            .field("retry_after", &self.inner.retry_after)
            .field("retryable", &self.is_retryable())
            .field("refused_by", &self.inner.refused_by)
            .field("has_sibling", &self.inner.sibling)
            .field("clock", &self.inner.clock)
            .field("others", &self.inner.others)
            .field("source", &self.inner.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

// === impl Clock ===

impl Clock {
    /// The stable name, as it stands in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::FirstToken => "first_token",
            Self::Idle => "idle",
            Self::Progress => "progress",
            Self::Attempt => "attempt",
            Self::Target => "target",
            Self::Total => "total",
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Report ===

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error, f)?;
        let mut cause = self.error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Facts in brackets behind a message: ` (status 429, retry after 2 s)`.
struct Notes<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    any: bool,
}

impl<'a, 'b> Notes<'a, 'b> {
    const fn new(f: &'a mut fmt::Formatter<'b>) -> Self {
        Self { f, any: false }
    }

    fn add(&mut self, note: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(if self.any { ", " } else { " (" })?;
        self.any = true;
        self.f.write_fmt(note)
    }

    fn close(self) -> fmt::Result {
        self.f.write_str(if self.any { ")" } else { "" })
    }
}

/// A duration as a person says it: milliseconds below ten seconds, whole seconds above.
struct Wait(Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(10) {
            write!(f, "{} ms", self.0.as_millis())
        } else {
            write!(f, "{} s", self.0.as_secs())
        }
    }
}
