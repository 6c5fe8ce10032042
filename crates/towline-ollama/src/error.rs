//! What the server says went wrong, as an error of the contract.

mod body;
mod table;

use self::body::ErrorBody;
use crate::{OllamaConfig, config::Origin};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::{error::Error as StdError, io};
use towline_core::{Error, ErrorKind, cut};
use towline_transport::{failure, hint::retry_after};

/// Longer messages are cut.
const LONGEST_MESSAGE: usize = 512;

/// An answer whose status is an error, of a call that was about `model`.
pub(crate) fn from_response(
    config: &OllamaConfig,
    model: Option<&str>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Error {
    if status.is_redirection() {
        return failure::redirected(status, headers, |text| config.redact(text));
    }
    let body = ErrorBody::parse(body, headers);
    let error = build(config, model, Some(status.as_u16()), &body);
    match retry_after(headers).filter(|_| failure::waits(error.kind())) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// An error object under status 200: instead of an answer, or as a line of a stream.
pub(crate) fn in_band(config: &OllamaConfig, model: Option<&str>, json: &str) -> Error {
    build(config, model, None, &ErrorBody::parse_value(json))
}

/// A connection that did not come about: says so where the server does not run.
pub(crate) fn no_connection(config: &OllamaConfig, error: Error) -> Error {
    let origin = config.origin();
    if origin.is_cloud() || !is_refused(&error) || is_elsewhere(origin, &error) {
        return error;
    }
    let url = &origin.url;
    Error::new(ErrorKind::Transport)
        .with_message(format!(
            "no Ollama server runs at {url}; start it with `ollama serve`, or set the base URL to where it runs"
        ))
        .with_source(error)
}

fn is_refused(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether it was a proxy that refused: the message of the transport names who did.
fn is_elsewhere(origin: &Origin, error: &Error) -> bool {
    let message = error.message().unwrap_or_default();
    message.starts_with("connect to ") && !message.contains(&origin.host)
}

fn build(
    config: &OllamaConfig,
    model: Option<&str>,
    status: Option<u16>,
    body: &ErrorBody,
) -> Error {
    let kind = table::classify(status, &body.message);
    let text = match body.message.trim() {
        "" => "the server gave no reason",
        text => text,
    };
    let mut text = cut(&config.redact(text), LONGEST_MESSAGE);
    if let Some(remedy) = remedy(config.origin(), model, kind, status, body) {
        text.push_str("; ");
        text.push_str(&config.redact(&remedy));
    }
    if let (ErrorKind::Auth, Some(trouble)) = (kind, config.key_trouble()) {
        text.push_str("; ");
        text.push_str(&trouble);
    }
    let error = Error::new(kind).with_message(text);
    match status {
        Some(status) => error.with_status(status),
        None => error,
    }
}

/// What to do about it, where that is known.
fn remedy(
    origin: &Origin,
    model: Option<&str>,
    kind: ErrorKind,
    status: Option<u16>,
    body: &ErrorBody,
) -> Option<String> {
    match kind {
        ErrorKind::NotFound if status == Some(404) => Some(match model {
            _ if !body.is_about_a_model() => {
                let url = &origin.url;
                format!("is {url} an Ollama server, and the base URL without `/v1`?")
            }
            Some(model) if !origin.is_cloud() => {
                format!("type `ollama pull {model}` where the server runs")
            }
            _ => "the list of models says which there are".to_owned(),
        }),
        ErrorKind::Auth if origin.is_cloud() => {
            Some("set an API key of ollama.com that is valid".to_owned())
        }
        ErrorKind::Auth => Some(
            "type `ollama signin` where the server runs, or set the API key that it wants"
                .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
