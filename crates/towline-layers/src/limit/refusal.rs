//! What a call is told that is not admitted.

use super::{Dimension, LimitConfig, Reason, Wait};
use crate::{overload, refused};
use std::time::Duration;
use towline_core::{Context, Error, ErrorKind};

/// What a person can do.
const BOUNDS: &str = "send fewer, raise the limit, or raise what bounds a wait: the first of \
                      `limit.max_wait`, `shed.max_queue_age` and the call's deadline does";

/// It takes more than the bucket ever holds.
pub(super) fn never(config: &LimitConfig, dimension: Dimension, amount: u64, burst: u64) -> Error {
    let name = config.name();
    refused(ErrorKind::TooLarge).with_message(format!(
        "the limit of `{name}` holds {burst} {dimension} and the call takes {amount}: raise \
         `limit.{dimension}_per_minute` or send less"
    ))
}

/// It does not fit now, and is not to wait.
pub(super) fn rejected(config: &LimitConfig, wait: Wait) -> Error {
    let reason = wait.reason().as_str();
    let name = config.name();
    let message = format!(
        "the limit of `{name}` is used up ({reason}), and calls are not to wait (`limit.mode`)"
    );
    late(message, wait.time())
}

/// It would have to wait for too long.
pub(super) fn too_long(config: &LimitConfig, wait: Wait, patience: Duration) -> Error {
    let reason = wait.reason().as_str();
    let name = config.name();
    let message = match wait.time() {
        Some(time) => format!(
            "the limit of `{name}` is used up ({reason}): its turn is in {time:?} at the earliest, and \
             the call may wait for {patience:?}; {BOUNDS}"
        ),
        None => format!(
            "the limit of `{name}` was used up ({reason}) for as long as the call could wait; {BOUNDS}"
        ),
    };
    late(message, wait.time())
}

/// Too many wait already.
pub(super) fn full(config: &LimitConfig, time: Option<Duration>) -> Error {
    let (name, most) = (config.name(), config.max_queued);
    let message = format!(
        "{most} calls wait for the limit of `{name}`: `limit.max_queued` is reached; send fewer, or raise \
         it"
    );
    late(message, time)
}

/// The queue is too old.
pub(super) fn shed(config: &LimitConfig, age: Duration) -> Error {
    overload::shed(&format!("the limit of `{}`", config.name()), age)
}

/// Writes the refusal down, if the call has a journey.
pub(super) fn noted(error: Error, context: &Context) -> Error {
    refused::note(context, "limit", &error);
    error
}

fn late(message: String, time: Option<Duration>) -> Error {
    let error = refused(ErrorKind::RateLimit).with_message(message);
    match time {
        Some(time) => error.with_retry_after(time),
        None => error,
    }
}

fn refused(kind: ErrorKind) -> Error {
    Error::new(kind).with_refused_by("limit")
}

/// Waiting for those before it.
pub(super) const fn queue(time: Option<Duration>) -> Wait {
    Wait::new(Reason::Queue, time)
}
