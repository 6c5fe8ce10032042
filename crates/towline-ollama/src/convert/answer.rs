//! A complete answer of the wire as a completion.

use crate::{
    DIALECT, OllamaConfig, error,
    wire::answer::{Answer, MessageWire, ToolCallWire},
};
use bytes::Bytes;
use towline_core::{Completion, Error, ErrorKind, FinishReason, Part, Reasoning, Text, ToolCall};
use towline_transport::lax;

/// Reads the body of an answer with status 200.
pub(crate) fn decode(
    config: &OllamaConfig,
    model: Option<&str>,
    bytes: Bytes,
) -> Result<Completion, Error> {
    let raw = bytes.clone();
    let text =
        Text::from_utf8(bytes).map_err(|cause| unreadable("not UTF-8").with_source(cause))?;
    let answer: Answer<'_> = lax::from_str(&text).map_err(|cause| {
        unreadable("not the JSON of a chat answer").with_source(lax::fault(&cause))
    })?;
    if let Some(error) = answer.error.filter(|error| error.0 != "null") {
        return Err(error::in_band(config, model, error.0));
    }
    let Some(message) = &answer.message else {
        return Err(unreadable("JSON without `message`"));
    };
    let parts = parts(&text, &answer.created_at.0, message);
    let called = !message.tool_calls.0.is_empty();
    let reason = finish_reason(text.share(&answer.done_reason.0), called);
    let usage = answer.usage().map(|usage| usage.with_raw(raw));
    let completion = Completion::new(parts, reason)
        .with_model(text.share(&answer.model.0))
        .with_usage(usage);
    if answer.done == Some(false) {
        return Err(Error::new(ErrorKind::Truncated)
            .with_message("the answer says of itself that it is not done")
            .with_partial(completion));
    }
    Ok(completion)
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!("the answer is {what}"))
}

/// The canonical reason. The server says `stop` of tool calls, too.
pub(crate) fn finish_reason(word: Text, called: bool) -> FinishReason {
    let reason = match word.as_str() {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "" => FinishReason::Other(Text::from_static("unknown")),
        _ => FinishReason::Other(word),
    };
    reason.with_tool_calls(called)
}

fn parts(text: &Text, created_at: &str, message: &MessageWire<'_>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(1);
    if !message.thinking.is_empty() {
        let thinking = Reasoning::new(text.share(&message.thinking.0));
        parts.push(thinking.with_provider(Text::from_static(DIALECT)).into());
    }
    if !message.content.is_empty() {
        parts.push(Part::Text(text.share(&message.content.0)));
    }
    for (index, call) in message.tool_calls.0.iter().enumerate() {
        let id = call_id(text, created_at, index, call);
        let (name, arguments) = (text.share(call.name()), text.share(call.arguments()));
        parts.push(ToolCall::new(id, name, arguments).into());
    }
    parts
}

/// The id of a call. One that came without gets one: the same each time the answer is read, and
/// another than those of earlier answers, which have another time.
pub(crate) fn call_id(
    text: &Text,
    created_at: &str,
    index: usize,
    call: &ToolCallWire<'_>,
) -> Text {
    if !call.id.is_empty() {
        return text.share(&call.id.0);
    }
    let time: String = created_at
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    if time.is_empty() {
        format!("call_{index}").into()
    } else {
        format!("call_{time}_{index}").into()
    }
}
