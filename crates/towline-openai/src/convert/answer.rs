//! A complete answer of the wire as a completion.

use super::reasoning::{self, Details};
use crate::{
    OpenAiConfig, error,
    wire::{
        answer::{Answer, MessageWire},
        content::Content,
        tool::ToolCallWire,
    },
};
use bytes::Bytes;
use std::borrow::Cow;
use towline_core::{Completion, Error, ErrorKind, FinishReason, Part, Reasoning, Text, ToolCall};
use towline_transport::lax::{self, LaxObject};

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
        Ok(answer) => read(config, text, body, answer),
        Err(cause) => match lax::mended(text).filter(|_| again) {
            Some(json) => parse(config, &json.into(), body, false),
            None => {
                Err(unreadable("not the JSON of a chat completion").with_source(lax::fault(&cause)))
            }
        },
    }
}

#[inline]
fn read(
    config: &OpenAiConfig,
    text: &Text,
    body: &Text,
    answer: Answer<'_>,
) -> Result<Completion, Error> {
    if let Some(error) = answer.error.filter(|error| error.0 != "null") {
        return Err(error::in_band(config, error.0));
    }
    let Some(choice) = answer.choices.0 else {
        return Err(unreadable("JSON without `choices`"));
    };
    let id = text.share(&answer.id.0);
    let parts = parts(config, text, &id, choice.message.0.unwrap_or_default());
    let called = parts.iter().any(|part| part.as_tool_call().is_some());
    let reason = finish_reason(text, &choice.finish_reason.0, called);
    if reason.as_str() == "error" {
        return Err(error::finish_error());
    }
    let apart = config.flavor().traits().reasoning_apart;
    let usage = answer.usage.0.and_then(|usage| usage.to_usage(apart));
    let usage = usage.map(|usage| usage.with_raw(body.clone().into_bytes()));
    Ok(Completion::new(parts, reason)
        .with_id(id)
        .with_model(text.share(&answer.model.0))
        .with_usage(usage))
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!("the answer is {what}"))
}

/// The canonical reason for `word`, which stands in `buffer`.
pub(crate) fn finish_reason(buffer: &Text, word: &str, called: bool) -> FinishReason {
    let reason = match word {
        // `eos` is the word of Together, the other two come through gateways.
        "stop" | "eos" | "stop_sequence" | "end_turn" => FinishReason::Stop,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "" => FinishReason::Other(Text::from_static("unknown")),
        _ => FinishReason::Other(buffer.share(word)),
    };
    reason.with_tool_calls(called)
}

fn parts(config: &OpenAiConfig, text: &Text, id: &Text, message: MessageWire<'_>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(1);
    let provider = config.flavor().name();
    let details = details(&message);
    let reasoning = reasoning_text(&message);
    if !reasoning.is_empty() || details.is_some() {
        let reasoning = Reasoning::new(reasoning.as_ref());
        let reasoning = reasoning.with_provider(Text::from_static(provider));
        parts.push(Part::Reasoning(match details {
            Some(json) => reasoning.with_encrypted(json),
            None => reasoning,
        }));
    }
    push_content(&mut parts, provider, text, message.content);
    push_text(&mut parts, text, message.refusal.0, Part::Refusal);
    let calls = message.tool_calls.0.into_iter();
    let legacy = message.function_call.0.map(|function| ToolCallWire {
        function: LaxObject(Some(function)),
        ..ToolCallWire::default()
    });
    for (index, call) in calls.chain(legacy).enumerate() {
        parts.push(Part::ToolCall(tool_call(text, id, index, call)));
    }
    parts
}

/// What can be read of the reasoning. Servers use several fields for it, and some send the same
/// text in two of them: the first one counts.
pub(crate) fn reasoning_text<'a>(message: &'a MessageWire<'_>) -> Cow<'a, str> {
    for text in [&message.reasoning_content, &message.reasoning] {
        if !text.is_empty() {
            return Cow::Borrowed(&text.0);
        }
    }
    let details = message.reasoning_details.0.iter().map(reasoning::text);
    details.fold(Cow::Borrowed(""), |text, more| text + more)
}

fn details(message: &MessageWire<'_>) -> Option<String> {
    let mut details = Details::default();
    for detail in &message.reasoning_details.0 {
        details.push(detail);
    }
    details.to_json()
}

fn push_content(
    parts: &mut Vec<Part>,
    provider: &'static str,
    buffer: &Text,
    content: Content<'_>,
) {
    match content {
        Content::Nothing => {}
        Content::Text(text) => push_text(parts, buffer, text, Part::Text),
        Content::Parts(list) => {
            for part in list {
                let thought = part.thinking.0.concat();
                if !thought.is_empty() {
                    let thought = Reasoning::new(thought);
                    parts.push(thought.with_provider(Text::from_static(provider)).into());
                }
                push_text(parts, buffer, part.text.0, Part::Text);
                push_text(parts, buffer, part.refusal.0, Part::Refusal);
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part>, buffer: &Text, text: Cow<'_, str>, wrap: fn(Text) -> Part) {
    if !text.is_empty() {
        parts.push(wrap(lax::into_text(buffer, text)));
    }
}

fn tool_call(buffer: &Text, answer: &Text, index: usize, call: ToolCallWire<'_>) -> ToolCall {
    let function = call.function.0.unwrap_or_default();
    let id = if call.id.is_empty() {
        generated_id(answer, index)
    } else {
        lax::into_text(buffer, call.id.0)
    };
    ToolCall::new(
        id,
        lax::into_text(buffer, function.name.0),
        lax::into_text(buffer, function.arguments.0),
    )
}

/// An id for a call that came without one: the same each time the answer is read.
pub(crate) fn generated_id(answer: &str, index: usize) -> Text {
    if answer.is_empty() {
        format!("call_{index}").into()
    } else {
        format!("call_{answer}_{index}").into()
    }
}
