//! The kinds of failure, and what each allows.

use std::fmt;

/// What went wrong, as far as a caller can act on it.
///
/// The name that [`as_str`](Self::as_str) gives is stable: it stands in metrics, logs and the
/// command line's JSON.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The provider is fine and says: not so fast.
    RateLimit,
    /// The provider has no capacity just now (503, 529).
    Overloaded,
    /// The provider failed (500, 502 and the like). The call may be billed.
    Server,
    /// A clock ran out, ours or the provider's. The call may be billed.
    Timeout,
    /// The account has no credit left, or a limit that lasts for a day is used up.
    Quota,
    /// The request can never fit this target: too many bytes, or more tokens than its whole limit.
    TooLarge,
    /// The conversation is longer than the model's context window.
    ContextLength,
    /// The provider's content policy refused the request or the answer.
    ContentFilter,
    /// The credential is missing, wrong or expired.
    Auth,
    /// The credential is good and does not reach this model or resource.
    Permission,
    /// No such model, deployment or stored response.
    NotFound,
    /// The target cannot do what was asked.
    Unsupported,
    /// The provider, or our own check, found the request malformed.
    InvalidRequest,
    /// The model wrote a tool call that the provider could not read.
    ToolGeneration,
    /// The answer ended without its terminal event. [`Error::partial`](crate::Error::partial) holds
    /// what had arrived.
    Truncated,
    /// No connection, or it broke: DNS, TCP, TLS, proxy.
    Transport,
    /// The answer is not what the protocol says: not JSON, HTML with status 200, a bad frame.
    Protocol,
    /// Settings are missing or wrong. Nothing was sent.
    Config,
    /// The client was closed before the call. Nothing was sent.
    Closed,
    /// The caller gave up the call.
    Cancelled,
}

/// Whether the same target may be asked again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Repeat {
    /// Asking again gives the same answer, or costs again.
    Never,
    /// One more try is worth it.
    Once,
    /// Yes, after the provider's hint or a backoff.
    Later,
}

/// Whether another target may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Elsewhere {
    /// The fault is in the request or with the caller.
    No,
    /// Yes.
    Yes,
    /// Only one with a larger window or limit.
    IfLarger,
    /// The content policy of the application decides.
    ByPolicy,
}

// === impl ErrorKind ===

impl ErrorKind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 20] = [
        Self::RateLimit,
        Self::Overloaded,
        Self::Server,
        Self::Timeout,
        Self::Quota,
        Self::TooLarge,
        Self::ContextLength,
        Self::ContentFilter,
        Self::Auth,
        Self::Permission,
        Self::NotFound,
        Self::Unsupported,
        Self::InvalidRequest,
        Self::ToolGeneration,
        Self::Truncated,
        Self::Transport,
        Self::Protocol,
        Self::Config,
        Self::Closed,
        Self::Cancelled,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// What the kind means, as the beginning of a message.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.row().1
    }

    /// Whether the same target may be asked again.
    #[must_use]
    pub const fn repeat(self) -> Repeat {
        self.row().2
    }

    /// Whether another target may be asked.
    #[must_use]
    pub const fn elsewhere(self) -> Elsewhere {
        self.row().3
    }

    /// The table: name, summary, same target again, another target.
    const fn row(self) -> (&'static str, &'static str, Repeat, Elsewhere) {
        use Elsewhere::{ByPolicy, IfLarger, No, Yes};
        use Repeat::{Later, Never, Once};
        match self {
            Self::RateLimit => ("rate_limit", "rate limited", Later, Yes),
            Self::Overloaded => ("overloaded", "overloaded", Later, Yes),
            Self::Server => ("server", "provider failed", Later, Yes),
            Self::Timeout => ("timeout", "timed out", Later, Yes),
            Self::Quota => ("quota", "quota used up", Never, Yes),
            Self::TooLarge => ("too_large", "request too large", Never, IfLarger),
            Self::ContextLength => ("context_length", "context window exceeded", Never, IfLarger),
            Self::ContentFilter => (
                "content_filter",
                "blocked by content filter",
                Never,
                ByPolicy,
            ),
            Self::Auth => ("auth", "not authenticated", Never, Yes),
            Self::Permission => ("permission", "not permitted", Never, Yes),
            Self::NotFound => ("not_found", "not found", Never, Yes),
            Self::Unsupported => ("unsupported", "not supported", Never, Yes),
            Self::InvalidRequest => ("invalid_request", "invalid request", Never, No),
            Self::ToolGeneration => ("tool_generation", "malformed tool call", Once, Yes),
            Self::Truncated => ("truncated", "answer broke off", Later, Yes),
            Self::Transport => ("transport", "connection failed", Later, Yes),
            Self::Protocol => ("protocol", "unreadable answer", Later, Yes),
            Self::Config => ("config", "configuration error", Never, No),
            Self::Closed => ("closed", "client is closed", Never, No),
            Self::Cancelled => ("cancelled", "cancelled", Never, No),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
