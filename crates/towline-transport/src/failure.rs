//! What the failures of all providers have in common.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use towline_core::{Error, ErrorKind};

/// Whether a hint to wait means something: only where waiting helps.
#[must_use]
pub const fn waits(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::RateLimit
            | ErrorKind::Overloaded
            | ErrorKind::Server
            | ErrorKind::Timeout
            | ErrorKind::Quota
    )
}

/// What the header `x-should-retry` says, which SDKs of several vendors obey.
#[must_use]
pub fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// The error of an answer that sends the client elsewhere: nobody follows it with a key in hand.
/// `redact` takes out what must not stand in a message.
#[must_use]
pub fn redirected(
    status: StatusCode,
    headers: &HeaderMap,
    redact: impl FnOnce(&str) -> String,
) -> Error {
    let target = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    let target = target.map_or_else(|| "elsewhere".to_owned(), |url| redact(address(url)));
    Error::new(ErrorKind::Config)
        .with_status(status.as_u16())
        .with_message(format!(
            "the server redirects to {target}; set the base URL to where the API really is"
        ))
}

/// The address without what may hold a key: the user, the query.
fn address(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    if authority.contains('@') {
        "another host"
    } else {
        url
    }
}

/// What to say of a body that is not JSON: a proxy's page, plain text, or nothing.
#[must_use]
pub fn not_json(body: &Bytes, headers: &HeaderMap) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return "the answer has an empty body".to_owned();
    }
    if !text.starts_with('<') {
        return text.to_owned();
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    format!(
        "the answer is a page ({}) and not JSON: {}",
        kind.unwrap_or("no content type"),
        title(text).unwrap_or_else(|| "no title".to_owned())
    )
}

fn title(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests;
