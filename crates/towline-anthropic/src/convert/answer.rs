//! A complete answer of the wire as a completion.

use crate::{
    AnthropicConfig, DIALECT, error,
    wire::answer::{Answer, Block},
};
use bytes::Bytes;
use towline_core::{Completion, Error, ErrorKind, FinishReason, Part, Reasoning, Text, ToolCall};
use towline_transport::lax;

/// Reads the body of an answer with status 200.
pub(crate) fn decode(config: &AnthropicConfig, bytes: Bytes) -> Result<Completion, Error> {
    let raw = bytes.clone();
    let text =
        Text::from_utf8(bytes).map_err(|cause| unreadable("not UTF-8").with_source(cause))?;
    let answer: Answer<'_> = lax::from_str(&text)
        .map_err(|cause| unreadable("not the JSON of a message").with_source(lax::fault(&cause)))?;
    if answer.error.is_some_and(|error| error.0 != "null") {
        return Err(error::in_band(config, &text));
    }
    let Some(content) = answer.content else {
        return Err(unreadable("JSON without `content`"));
    };
    let id = text.share(&answer.id.0);
    let mut parts = Vec::with_capacity(content.0.len());
    let mut calls = 0;
    for block in &content.0 {
        parts.extend(part(&text, &id, &mut calls, block));
    }
    let reason = finish_reason(&text.share(&answer.stop_reason.0), calls > 0);
    let details = answer.stop_details.unwrap_or_default();
    if reason == FinishReason::Refusal && !details.explanation.is_empty() {
        parts.push(Part::Refusal(text.share(&details.explanation.0)));
    }
    let usage = answer.usage.and_then(|usage| usage.to_usage());
    Ok(Completion::new(parts, reason)
        .with_id(id)
        .with_model(text.share(&answer.model.0))
        .with_usage(usage.map(|usage| usage.with_raw(raw))))
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!("the answer is {what}"))
}

/// The canonical reason.
pub(crate) fn finish_reason(word: &Text, called: bool) -> FinishReason {
    let reason = match word.as_str() {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        "" => FinishReason::Other(Text::from_static("unknown")),
        _ => FinishReason::Other(word.clone()),
    };
    reason.with_tool_calls(called)
}

/// What a block says to the caller. Blocks of tools that run on the server's side say nothing, nor do
/// those that are not known.
fn part(buffer: &Text, answer: &Text, calls: &mut usize, block: &Block<'_>) -> Option<Part> {
    match &*block.kind.0 {
        "text" => {
            let text = &block.text.0;
            (!text.is_empty()).then(|| Part::Text(buffer.share(text)))
        }
        "thinking" => {
            let reasoning = Reasoning::new(buffer.share(&block.thinking.0));
            let reasoning = reasoning.with_provider(Text::from_static(DIALECT));
            Some(Part::Reasoning(if block.signature.is_empty() {
                reasoning
            } else {
                reasoning.with_signature(buffer.share(&block.signature.0))
            }))
        }
        "redacted_thinking" => {
            let reasoning = Reasoning::default().with_provider(Text::from_static(DIALECT));
            Some(reasoning.with_encrypted(buffer.share(&block.data.0)).into())
        }
        "tool_use" => {
            let id = call_id(buffer, answer, *calls, block);
            *calls += 1;
            let arguments = match block.arguments() {
                "" => Text::from_static("{}"),
                text => buffer.share(text),
            };
            let name = buffer.share(&block.name.0);
            Some(ToolCall::new(id, name, arguments).into())
        }
        _ => None,
    }
}

/// The id of the call, or one that is the same each time the answer is read.
pub(crate) fn call_id(buffer: &Text, answer: &str, index: usize, block: &Block<'_>) -> Text {
    if !block.id.is_empty() {
        return buffer.share(&block.id.0);
    }
    if answer.is_empty() {
        format!("toolu_{index}").into()
    } else {
        format!("toolu_{answer}_{index}").into()
    }
}
