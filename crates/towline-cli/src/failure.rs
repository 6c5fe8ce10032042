//! Why a command did not succeed, and how that is told.

use crate::{
    journey::{self, StepObject},
    output::Output,
};
use serde::Serialize;
use std::{io, time::Duration};
use towline_config::ConfigError;
use towline_core::{Clock, Cost, Error, ErrorKind, Journey};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call failed, or the settings are wrong.
    Call(Error),
    /// A signal ended it.
    Cancelled,
    /// Something failed, and the answer says what.
    Told,
    /// Nobody reads the output any more.
    Unread,
    /// The output cannot be written.
    Output(io::Error),
}

/// What `--json` prints for a failure.
#[derive(Debug, Serialize)]
struct Report {
    error: ErrorObject,
}

#[derive(Debug, Serialize)]
struct ErrorObject {
    kind: &'static str,
    message: String,
    provider: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    retryable: bool,
    retry_after_ms: Option<u64>,
    /// The layer of ours that refused the call. This and what follows is there only when it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by: Option<&'static str>,
    /// The clock that ran out.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    /// Every attempt, and every wait, refusal and move between them, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<StepObject>,
    /// What all attempts cost together, where their prices are known; which are estimates is said with them.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "journey::dollars"
    )]
    cost_usd: Option<Cost>,
    /// What had arrived of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<String>,
}

// === impl Failure ===

impl Failure {
    /// Something on the command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Call(Error::new(ErrorKind::Config).with_message(message.into()))
    }

    /// The output cannot be written.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Output(error),
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Call(error) if error.kind() == ErrorKind::Config => 2,
            Self::Call(_) | Self::Output(_) | Self::Told => 1,
            Self::Cancelled => 130,
            Self::Unread => 0,
        }
    }

    /// Tells it: as an object on standard output, or in words on standard error. There is one object
    /// only: what goes wrong after the answer is told in words.
    pub(crate) async fn report(&self, output: &Output) {
        match (self, output.awaits_object()) {
            (Self::Unread | Self::Told, _) => {}
            (Self::Output(error), _) => {
                output.notice(&format!("towline: the output cannot be written: {error}"));
            }
            (Self::Cancelled, false) => {
                output.end_line().await;
                output.notice("cancelled");
            }
            (Self::Call(error), false) => in_words(error, output),
            // The exit code says that there was a failure, also where this cannot be printed.
            (Self::Call(error), true) => {
                let _printed = output.object(&Report::of(error, output)).await;
            }
            (Self::Cancelled, true) => {
                let error = Error::new(ErrorKind::Cancelled);
                let _printed = output.object(&Report::of(&error, output)).await;
            }
        }
    }

    /// Tells it where no runtime runs.
    pub(crate) fn report_at_once(&self, output: &Output) {
        match self {
            Self::Call(error) if output.awaits_object() => {
                let _printed = output.object_at_once(&Report::of(error, output));
            }
            Self::Call(error) => in_words(error, output),
            Self::Cancelled | Self::Told | Self::Unread | Self::Output(_) => {}
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Call(error.into())
    }
}

// === impl Report ===

impl Report {
    fn of(error: &Error, output: &Output) -> Self {
        let what = match error.message() {
            Some(message) => message,
            None => error.kind().summary(),
        };
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let partial = error.partial().map(|partial| partial.text().into_owned());
        let error = ErrorObject {
            kind: error.kind().as_str(),
            message: output.redact(what),
            provider: error.provider().map(str::to_owned),
            status: error.status(),
            request_id: error.request_id().map(|id| output.redact(id)),
            retryable: error.is_retryable(),
            retry_after_ms: error.retry_after().map(millis),
            refused_by: error.refused_by(),
            clock: error.clock().map(Clock::as_str),
            attempts: journey::steps(error.journey()),
            cost_usd: error.journey().and_then(Journey::cost),
            partial: partial.filter(|text| !text.is_empty()),
        };
        Self { error }
    }
}

/// One line says what happened, one what to do.
pub(crate) fn in_words(error: &Error, output: &Output) {
    journey::print(error.journey(), output);
    output.notice(&format!("towline: {}", error.report()));
    for other in error.others() {
        output.notice(&format!("  before that: {other}"));
    }
    if let Some(remedy) = remedy(error) {
        output.notice(&format!("  {remedy}"));
    }
}

/// What to do about it, where the message does not say. What layers of ours refuse, they explain.
const fn remedy(error: &Error) -> Option<&'static str> {
    if error.refused_by().is_some() {
        return None;
    }
    Some(match error.kind() {
        ErrorKind::RateLimit => "wait, then try again; `-v` shows the provider's limits",
        ErrorKind::Overloaded | ErrorKind::Server => {
            "the fault is with the provider: try again later"
        }
        ErrorKind::Timeout => "try again; if it happens often, raise the limit that is named",
        ErrorKind::Quota => "look at the account's billing, or choose another model with --model",
        ErrorKind::TooLarge | ErrorKind::ContextLength => {
            "shorten the input, or choose a model that takes more with --model"
        }
        ErrorKind::ContentFilter => "say it in other words",
        ErrorKind::Auth => "check the key, and that it belongs to this provider's address",
        ErrorKind::Permission => "let the key use this model, or choose another with --model",
        ErrorKind::NotFound => {
            "`towline models` lists what the provider has; check the address too"
        }
        ErrorKind::Unsupported => "leave it out, or choose another model with --model",
        ErrorKind::InvalidRequest => "check the options and the model's name",
        ErrorKind::ToolGeneration => "try again: the model wrote it wrongly",
        ErrorKind::Truncated => "what arrived is not the whole answer: try again",
        ErrorKind::Transport => {
            "check address, proxy and network; `towline config show --sources` tells where they come from"
        }
        ErrorKind::Protocol => "check the address: it often ends in /v1",
        _ => return None,
    })
}
