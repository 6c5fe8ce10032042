//! What the server says went wrong, as an error of the contract.

mod body;
mod delay;
mod table;

use self::body::ErrorBody;
use crate::{Flavor, OpenAiConfig, flavor::Texts};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use towline_core::{Error, ErrorKind, cut};
use towline_transport::failure;

/// A wait longer than this is no rate limit that one waits for: the quota of a day or a month is
/// used up.
const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(3600);

/// Longer messages are cut.
const LONGEST_MESSAGE: usize = 512;

/// Longer codes are none, and are cut.
const LONGEST_CODE: usize = 64;

/// An answer whose status is an error.
pub(crate) fn from_response(
    config: &OpenAiConfig,
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

/// An error object under status 200: instead of an answer, or in the middle of a stream.
pub(crate) fn in_band(config: &OpenAiConfig, json: &str) -> Error {
    let body = ErrorBody::parse_object(json);
    build(config, None, &body, &HeaderMap::new())
}

/// A finish reason that says `error`, which gateways send when the provider behind them broke off.
pub(crate) fn finish_error() -> Error {
    Error::new(ErrorKind::Server)
        .with_message("the provider broke the answer off with finish reason `error`")
}

fn build(
    config: &OpenAiConfig,
    status: Option<u16>,
    body: &ErrorBody,
    headers: &HeaderMap,
) -> Error {
    let flavor = config.flavor();
    let kind = table::classify(flavor, status.or(body.status), body);
    let wait = failure::waits(kind)
        .then(|| delay::find(flavor, headers, body))
        .flatten();
    let kind = match wait {
        Some(wait) if kind == ErrorKind::RateLimit && wait > LONGEST_RATE_LIMIT => ErrorKind::Quota,
        _ => kind,
    };
    let mut message = cut(&config.redact(&message(body)), LONGEST_MESSAGE);
    if let (ErrorKind::Auth, Some(trouble)) = (kind, config.key_trouble()) {
        message.push_str("; ");
        message.push_str(&trouble);
    }
    let mut error = Error::new(kind).with_message(message);
    if let Some(status) = status.or(body.status) {
        error = error.with_status(status);
    }
    if let Some(code) = body.code.as_ref().or(body.kind.as_ref()) {
        error = error.with_code(cut(&config.redact(code), LONGEST_CODE));
    }
    if let Some(wait) = wait {
        error = error.with_retry_after(wait);
    }
    if let Some(retryable) = final_answer(flavor, status, kind) {
        error = error.with_retryable(retryable);
    }
    error
}

/// llama.cpp answers 500 to what it will never do; an unread text of that kind is not worth a
/// second try.
fn final_answer(flavor: Flavor, status: Option<u16>, kind: ErrorKind) -> Option<bool> {
    let local = flavor.traits().texts == Texts::LlamaCpp;
    (local && status == Some(500) && kind == ErrorKind::Server).then_some(false)
}

fn message(body: &ErrorBody) -> String {
    let mut text = match body.message.trim() {
        "" => "the provider gave no reason".to_owned(),
        text => text.to_owned(),
    };
    if let Some(detail) = &body.detail {
        text.push_str(" (");
        text.push_str(detail);
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests;
