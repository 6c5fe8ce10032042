//! What the server says went wrong, as an error of the contract.

mod body;
mod table;

use self::body::ErrorBody;
use crate::{AnthropicConfig, limits};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use towline_core::{Error, ErrorKind, cut};
use towline_transport::{failure, hint::retry_after};

/// A wait longer than this is no rate limit that one waits for: the quota of a day or a month is
/// used up.
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(3600);

/// Longer messages are cut.
const LONGEST_MESSAGE: usize = 512;

/// Longer codes and ids are none, and are cut.
const LONGEST_CODE: usize = 64;

/// An answer whose status is an error.
pub(crate) fn from_response(
    config: &AnthropicConfig,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Error {
    if status.is_redirection() {
        return failure::redirected(status, headers, |text| config.redact(text));
    }
    let body = ErrorBody::parse(body, headers);
    let error = build(config, Some(status.as_u16()), &body, headers);
    match failure::should_retry(headers) {
        Some(retryable) => error.with_retryable(retryable),
        None => error,
    }
}

/// An error object under status 200: instead of an answer, or in the middle of a stream. `json` is
/// the whole object, the error in its envelope, or the error alone.
pub(crate) fn in_band(config: &AnthropicConfig, json: &str) -> Error {
    let body = ErrorBody::parse_object(json);
    build(config, None, &body, &HeaderMap::new())
}

fn build(
    config: &AnthropicConfig,
    status: Option<u16>,
    body: &ErrorBody,
    headers: &HeaderMap,
) -> Error {
    let kind = table::classify(status, body);
    let wait = failure::waits(kind).then(|| wait(headers)).flatten();
    let kind = match wait {
        Some(wait) if kind == ErrorKind::RateLimit && wait > LONGEST_RATE_LIMIT => ErrorKind::Quota,
        _ => kind,
    };
    let message = match body.message.trim() {
        "" => "the provider gave no reason",
        text => text,
    };
    let mut message = cut(&config.redact(message), LONGEST_MESSAGE);
    if let (ErrorKind::Auth, Some(trouble)) = (kind, config.key_trouble()) {
        message.push_str("; ");
        message.push_str(&trouble);
    }
    let mut error = Error::new(kind).with_message(message);
    if let Some(status) = status {
        error = error.with_status(status);
    }
    if let Some(code) = &body.kind {
        error = error.with_code(cut(&config.redact(code), LONGEST_CODE));
    }
    if let Some(id) = &body.request_id {
        error = error.with_request_id(cut(&config.redact(id), LONGEST_CODE));
    }
    if let Some(wait) = wait {
        error = error.with_retry_after(wait);
    }
    error
}

/// The wait by the standard headers, else until the limit of which nothing remains is full again.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers).or_else(|| {
        let limits = limits::parse(headers);
        let all = [
            limits.requests,
            limits.tokens,
            limits.input_tokens,
            limits.output_tokens,
        ];
        let spent = all.into_iter().filter(|limit| limit.remaining == Some(0));
        spent.filter_map(|limit| limit.reset).max()
    })
}

#[cfg(test)]
mod tests;
