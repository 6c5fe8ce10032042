//! Which failure is of which kind.
//!
//! Errors have no code here, only a text. Rows are tried in order, the first whose text occurs
//! decides; where none does, the status does.
//!
//! Source: recorded answers, the server's `docs/api/errors.mdx`, and reports of its users, checked in
//! November 2026.

use towline_core::ErrorKind::{
    self, Auth, ContextLength, InvalidRequest, NotFound, Overloaded, Permission, Quota, RateLimit,
    Server, Timeout, TooLarge, ToolGeneration, Unsupported,
};

/// What the message holds in lower case, and what it means.
static ROWS: &[(&str, ErrorKind)] = &[
    // Too long for the window: the cloud, the server, the engine below it.
    ("max context", ContextLength),
    ("context length", ContextLength),
    ("context size", ContextLength),
    // What the model or the machine cannot do: tools, thinking, images, so much memory.
    ("does not support", Unsupported),
    ("is not supported", Unsupported),
    ("image input", Unsupported),
    ("more system memory", Unsupported),
    ("error parsing tool call", ToolGeneration),
    // The cloud: by the hour, the session, the week or the month.
    ("usage limit", Quota),
    // A pull of what the library does not have.
    ("file does not exist", NotFound),
    ("unauthorized", Auth),
    ("server busy", Overloaded),
    ("too many requests", RateLimit),
];

/// The kind of a failure.
pub(super) fn classify(status: Option<u16>, message: &str) -> ErrorKind {
    let lower = message.to_ascii_lowercase();
    let row = ROWS.iter().find(|(text, _)| lower.contains(text));
    row.map_or_else(|| by_status(status), |(_, kind)| *kind)
}

/// The kind by the status alone. An error under status 200 that names none is the server's.
const fn by_status(status: Option<u16>) -> ErrorKind {
    let Some(status) = status else {
        return Server;
    };
    match status {
        401 => Auth,
        402 => Quota,
        403 => Permission,
        404 => NotFound,
        408 | 504 => Timeout,
        409 | 424 => Server,
        413 => TooLarge,
        429 => RateLimit,
        501 => Unsupported,
        503 | 529 => Overloaded,
        400..=499 => InvalidRequest,
        _ => Server,
    }
}
