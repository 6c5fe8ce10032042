//! Messages of the contract as messages of the wire.

use super::{call_id, file, rules::ModelRules};
use crate::{
    Flavor,
    flavor::Replay,
    wire::request::{
        ContentBody, FunctionCallBody, ImageUrlBody, MessageBody, PartBody, ToolCallBody,
    },
};
use serde_json::value::RawValue;
use std::borrow::Cow;
use towline_core::{Error, ErrorKind, Image, ImageDetail, ImageSource, Message, Part, Role};

/// Appends `message` as JSON to `out`.
pub(crate) fn write(
    flavor: Flavor,
    rules: ModelRules,
    message: &Message,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let body = match message.role() {
        Role::System => spoken(flavor, rules.system_role, message)?,
        Role::User => spoken(flavor, "user", message)?,
        Role::Assistant => assistant(flavor, message)?,
        Role::Tool => return write_results(flavor, message, out),
        role => return Err(misplaced(&format!("{role:?} message"), "in this dialect")),
    };
    append(&body, out)
}

fn append(body: &MessageBody<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(out, body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest)
            .with_message("a message cannot be written as JSON")
            .with_source(cause)
    })
}

/// A system or user message: one text goes as a string, anything else as a list.
fn spoken<'a>(
    flavor: Flavor,
    role: &'static str,
    message: &'a Message,
) -> Result<MessageBody<'a>, Error> {
    let content = match message.parts() {
        [Part::Text(text)] => ContentBody::Text(Cow::Borrowed(text)),
        parts => {
            let parts = parts.iter().map(|part| match part {
                Part::File(file) => file::chat(flavor, message.role(), file),
                part => spoken_part(part),
            });
            ContentBody::Parts(parts.collect::<Result<_, _>>()?)
        }
    };
    Ok(MessageBody {
        role,
        name: message.name(),
        content: Some(content),
        ..MessageBody::default()
    })
}

fn spoken_part(part: &Part) -> Result<PartBody<'_>, Error> {
    match part {
        Part::Text(text) => Ok(PartBody::Text { text }),
        Part::Image(image) => Ok(PartBody::ImageUrl {
            image_url: image_url(image)?,
        }),
        Part::Reasoning(_) => Err(misplaced("reasoning", "only in assistant messages")),
        Part::Refusal(_) => Err(misplaced("a refusal", "only in assistant messages")),
        Part::ToolCall(_) => Err(misplaced("a tool call", "only in assistant messages")),
        Part::ToolResult(_) => Err(misplaced("a tool result", "only in tool messages")),
        _ => Err(misplaced("a part of this kind", "nowhere in this dialect")),
    }
}

pub(crate) fn image_url(image: &Image) -> Result<ImageUrlBody<'_>, Error> {
    let url = match image.source() {
        ImageSource::Url(url) => Cow::Borrowed(url.as_str()),
        ImageSource::Base64 { media_type, data } => {
            Cow::Owned(format!("data:{media_type};base64,{data}"))
        }
        _ => {
            return Err(misplaced(
                "an image from this source",
                "not in this dialect",
            ));
        }
    };
    let detail = image.detail().map(ImageDetail::as_str);
    Ok(ImageUrlBody { url, detail })
}

/// What the model said. Nothing goes back as null: servers refuse fields they do not know.
fn assistant(flavor: Flavor, message: &Message) -> Result<MessageBody<'_>, Error> {
    let mut body = MessageBody {
        role: "assistant",
        name: message.name(),
        tool_calls: message
            .tool_calls()
            .map(|call| tool_call(flavor, call))
            .collect(),
        ..MessageBody::default()
    };
    let mut text = Cow::Borrowed("");
    for part in message.parts() {
        match part {
            Part::Text(more) => append_text(&mut text, more),
            Part::Refusal(more) if flavor.traits().refusal_field => {
                append_text(body.refusal.get_or_insert_default(), more);
            }
            Part::Refusal(more) => append_text(&mut text, more),
            Part::ToolCall(_) | Part::Reasoning(_) => {}
            Part::Image(_) => return Err(misplaced("an image", "not in assistant messages")),
            Part::File(_) => return Err(misplaced("a file", "only in user messages")),
            _ => {
                return Err(misplaced(
                    "a part of this kind",
                    "not in assistant messages",
                ));
            }
        }
    }
    let wanted = body.tool_calls.is_empty() && body.refusal.is_none();
    body.content = (wanted || !text.is_empty()).then_some(ContentBody::Text(text));
    replay_reasoning(flavor, message, &mut body);
    Ok(body)
}

fn append_text<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else {
        text.to_mut().push_str(more);
    }
}

fn tool_call(flavor: Flavor, call: &towline_core::ToolCall) -> ToolCallBody<'_> {
    // A tool without parameters may have been called with nothing; an empty text is no JSON.
    let arguments = match call.arguments().trim() {
        "" => "{}",
        text => text,
    };
    ToolCallBody {
        id: call_id::chat(flavor, call.id()),
        function: FunctionCallBody {
            name: call.name(),
            arguments,
        },
    }
}

/// Sends back reasoning to the servers that want it, and only what they made themselves.
fn replay_reasoning<'a>(flavor: Flavor, message: &'a Message, body: &mut MessageBody<'a>) {
    let own = message.parts().iter().filter_map(|part| match part {
        Part::Reasoning(reasoning) if reasoning.provider() == Some(flavor.name()) => {
            Some(reasoning)
        }
        _ => None,
    });
    let wanted = match flavor.traits().replay {
        Replay::Never => false,
        Replay::WithToolCalls => !body.tool_calls.is_empty(),
        Replay::Always => true,
        Replay::Details => {
            let details = own.filter_map(|reasoning| reasoning.encrypted());
            let lists =
                details.filter_map(|json| serde_json::from_str::<Vec<&RawValue>>(json).ok());
            body.reasoning_details = lists.flatten().collect();
            return;
        }
    };
    if wanted {
        for reasoning in own.filter(|reasoning| !reasoning.text().is_empty()) {
            let text = body.reasoning_content.get_or_insert_default();
            append_text(text, reasoning.text());
        }
    }
}

/// One message on the wire for each result.
fn write_results(flavor: Flavor, message: &Message, out: &mut Vec<u8>) -> Result<(), Error> {
    for (index, part) in message.parts().iter().enumerate() {
        let Part::ToolResult(result) = part else {
            return Err(misplaced("a part of this kind", "not in tool messages"));
        };
        if index > 0 {
            out.push(b',');
        }
        let body = MessageBody {
            role: "tool",
            tool_call_id: Some(call_id::chat(flavor, result.call_id())),
            content: Some(ContentBody::Text(Cow::Borrowed(result.content()))),
            ..MessageBody::default()
        };
        append(&body, out)?;
    }
    Ok(())
}

pub(crate) fn misplaced(what: &str, place: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the conversation holds {what}, which can stand {place}"
    ))
}
