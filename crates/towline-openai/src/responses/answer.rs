//! A complete answer.

use super::{
    item,
    wire::{Answer, Incomplete},
};
use crate::{OpenAiConfig, error};
use bytes::Bytes;
use towline_core::{Completion, Error, ErrorKind, FinishReason, Text};
use towline_transport::lax;

/// Reads the body of an answer with status 200.
pub(crate) fn decode(config: &OpenAiConfig, bytes: Bytes) -> Result<Completion, Error> {
    let text =
        Text::from_utf8(bytes).map_err(|cause| unreadable("not UTF-8").with_source(cause))?;
    parse(config, &text, &text, true)
}

/// Reads the JSON of `body`. What only some parsers take gets a second try, mended.
fn parse(
    config: &OpenAiConfig,
    text: &Text,
    body: &Text,
    again: bool,
) -> Result<Completion, Error> {
    match lax::from_str::<Answer<'_>>(text) {
        Ok(answer) => read(config, text, body, &answer),
        Err(cause) => match lax::mended(text).filter(|_| again) {
            Some(json) => parse(config, &json.into(), body, false),
            None => Err(unreadable("not the JSON of a response").with_source(lax::fault(&cause))),
        },
    }
}

fn read(
    config: &OpenAiConfig,
    text: &Text,
    body: &Text,
    answer: &Answer<'_>,
) -> Result<Completion, Error> {
    if let Some(error) = answer.error.filter(|error| error.0 != "null") {
        return Err(error::in_band(config, error.0));
    }
    if answer.status.0 == "failed" {
        return Err(error::finish_error());
    }
    if answer.status.is_empty() && answer.output.0.is_empty() {
        return Err(unreadable("JSON without `status` and `output`"));
    }
    let mut parts = Vec::with_capacity(answer.output.0.len());
    for item in &answer.output.0 {
        item::parts(text, config.flavor().name(), item, &mut parts);
    }
    let called = parts.iter().any(|part| part.as_tool_call().is_some());
    let reason = finish_reason(
        &answer.status.0,
        answer.incomplete_details.0.as_ref(),
        called,
    );
    let usage = answer.usage.0.and_then(super::wire::UsageWire::to_usage);
    let usage = usage.map(|usage| usage.with_raw(body.clone().into_bytes()));
    Ok(Completion::new(parts, reason)
        .with_id(text.share(&answer.id.0))
        .with_model(text.share(&answer.model.0))
        .with_usage(usage))
}

/// The canonical reason.
pub(super) fn finish_reason(
    status: &str,
    incomplete: Option<&Incomplete<'_>>,
    called: bool,
) -> FinishReason {
    let reason = incomplete.map_or("", |incomplete| &incomplete.reason.0);
    let reason = match (status, reason) {
        ("completed", _) => FinishReason::Stop,
        ("incomplete", "max_output_tokens" | "") => FinishReason::Length,
        ("incomplete", "content_filter") => FinishReason::ContentFilter,
        ("incomplete", reason) => FinishReason::Other(reason.into()),
        (status, _) => FinishReason::Other(status.into()),
    };
    reason.with_tool_calls(called)
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!("the answer is {what}"))
}
