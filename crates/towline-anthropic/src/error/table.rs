//! Which failure is of which kind.
//!
//! Rows are tried in order, the first that fits decides; where none fits, the status does. A text is
//! read only beside the type that goes with it.
//!
//! Source: <https://docs.anthropic.com/en/api/errors> and recorded answers, checked in November 2026;
//! llama.cpp's answers on the same paths.

use super::body::ErrorBody;
use towline_core::ErrorKind::{
    self, Auth, ContentFilter, ContextLength, InvalidRequest, NotFound, Overloaded, Permission,
    Quota, RateLimit, Server, Timeout, TooLarge, Unsupported,
};

/// What a row asks for: all of it has to fit.
struct Row {
    /// The type.
    word: &'static str,
    /// What the message holds, in lower case.
    text: &'static str,
    kind: ErrorKind,
}

const fn word(word: &'static str, kind: ErrorKind) -> Row {
    both(word, "", kind)
}

const fn both(word: &'static str, text: &'static str, kind: ErrorKind) -> Row {
    Row { word, text, kind }
}

const INVALID: &str = "invalid_request_error";

static ROWS: &[Row] = &[
    // One type for whatever is wrong with a request: the text tells what.
    both(INVALID, "prompt is too long", ContextLength),
    both(INVALID, "exceed context limit", ContextLength),
    both(INVALID, "credit balance is too low", Quota),
    both(INVALID, "api usage limits", Quota),
    both(INVALID, "content filtering policy", ContentFilter),
    word("authentication_error", Auth),
    word("billing_error", Quota),
    word("permission_error", Permission),
    word("not_found_error", NotFound),
    word("request_too_large", TooLarge),
    word("rate_limit_error", RateLimit),
    word("timeout_error", Timeout),
    word("overloaded_error", Overloaded),
    word("api_error", Server),
    // llama.cpp answers 500 to what it cannot do.
    word("exceed_context_size_error", ContextLength),
    word("not_supported_error", Unsupported),
    both("server_error", "mmproj", Unsupported),
    both("server_error", "--jinja", Unsupported),
];

/// The kind of a failure.
pub(super) fn classify(status: Option<u16>, body: &ErrorBody) -> ErrorKind {
    let kind = body.kind.as_deref().unwrap_or_default();
    let lower = body.message.to_ascii_lowercase();
    let mut rows = ROWS.iter();
    let row = rows.find(|row| row.word == kind && lower.contains(row.text));
    match (row, status) {
        (Some(row), _) => row.kind,
        (None, Some(status)) => by_status(status),
        (None, None) if kind == INVALID => InvalidRequest,
        // An error in an answer with status 200 that names nothing else is the server's.
        (None, None) => Server,
    }
}

/// The kind by the status alone.
const fn by_status(status: u16) -> ErrorKind {
    match status {
        401 => Auth,
        402 => Quota,
        403 => Permission,
        404 => NotFound,
        408 | 504 => Timeout,
        // The official clients take a conflict for a lock that passes.
        409 | 424 => Server,
        413 => TooLarge,
        429 => RateLimit,
        501 => Unsupported,
        503 | 529 => Overloaded,
        400..=499 => InvalidRequest,
        _ => Server,
    }
}
