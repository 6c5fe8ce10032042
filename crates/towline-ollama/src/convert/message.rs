//! Messages of the contract as messages of the wire.

use super::names::ToolNames;
use crate::{
    DIALECT,
    wire::request::{FunctionCallBody, MessageBody, ToolCallBody},
};
use serde_json::value::RawValue;
use std::borrow::Cow;
use towline_core::{Error, ErrorKind, Image, ImageSource, Message, Part, Role, ToolCall};
use towline_transport::lax;

/// Appends `message` as JSON to `out`. The tools of results are found by `names`.
pub(crate) fn write(
    names: &ToolNames<'_>,
    message: &Message,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let body = match message.role() {
        Role::System => spoken("system", message)?,
        Role::User => spoken("user", message)?,
        Role::Assistant => match assistant(message)? {
            Some(body) => body,
            None => return Ok(()),
        },
        Role::Tool => return write_results(names, message, out),
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

/// A system or user message: one text, and images beside it.
fn spoken<'a>(role: &'static str, message: &'a Message) -> Result<MessageBody<'a>, Error> {
    let mut body = MessageBody {
        role,
        ..MessageBody::default()
    };
    for part in message.parts() {
        match part {
            Part::Text(more) => append_text(&mut body.content, more),
            Part::Image(image) => body.images.push(pixels(image)?),
            Part::File(_) => return Err(no_files()),
            Part::Reasoning(_) => return Err(misplaced("reasoning", "only in assistant messages")),
            Part::Refusal(_) => return Err(misplaced("a refusal", "only in assistant messages")),
            Part::ToolCall(_) => {
                return Err(misplaced("a tool call", "only in assistant messages"));
            }
            Part::ToolResult(_) => return Err(misplaced("a tool result", "only in tool messages")),
            _ => return Err(misplaced("a part of this kind", "nowhere in this dialect")),
        }
    }
    Ok(body)
}

fn no_files() -> Error {
    Error::new(ErrorKind::Unsupported).with_message(
        "the conversation holds a file, and Ollama takes none: send its text, or its pages as images",
    )
}

/// The image in base64. The server fetches nothing.
fn pixels(image: &Image) -> Result<&str, Error> {
    match image.source() {
        ImageSource::Base64 { data, .. } => Ok(data),
        _ => Err(Error::new(ErrorKind::Unsupported).with_message(
            "Ollama fetches no images: load the image and send its bytes, with `Image::from_bytes`",
        )),
    }
}

/// What the model said; `None` where it is nothing that can be said here: a turn of another
/// provider's model that holds nothing but its reasoning.
fn assistant(message: &Message) -> Result<Option<MessageBody<'_>>, Error> {
    let mut body = MessageBody {
        role: "assistant",
        tool_calls: message
            .tool_calls()
            .map(tool_call)
            .collect::<Result<_, _>>()?,
        ..MessageBody::default()
    };
    for part in message.parts() {
        match part {
            Part::Text(more) | Part::Refusal(more) => append_text(&mut body.content, more),
            // What another provider's model thought is no thought of this one.
            Part::Reasoning(own) if own.provider() == Some(DIALECT) => {
                append_text(&mut body.thinking, own.text());
            }
            Part::Reasoning(_) | Part::ToolCall(_) => {}
            Part::Image(_) => return Err(misplaced("an image", "not in assistant messages")),
            Part::File(_) => return Err(no_files()),
            _ => {
                return Err(misplaced(
                    "a part of this kind",
                    "not in assistant messages",
                ));
            }
        }
    }
    let says_nothing =
        body.content.is_empty() && body.thinking.is_empty() && body.tool_calls.is_empty();
    Ok((!says_nothing).then_some(body))
}

fn append_text<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else {
        text.to_mut().push_str(more);
    }
}

/// The arguments go as the object that they describe.
fn tool_call(call: &ToolCall) -> Result<ToolCallBody<'_>, Error> {
    let text = match call.arguments().trim() {
        // A tool without parameters may have been called with nothing.
        "" | "null" => "{}",
        text => text,
    };
    let arguments = serde_json::from_str::<&RawValue>(text)
        .map_err(|cause| no_object(call).with_source(lax::fault(&cause)))?;
    if !text.starts_with('{') {
        return Err(no_object(call));
    }
    Ok(ToolCallBody {
        id: call.id(),
        function: FunctionCallBody {
            name: call.name(),
            arguments,
        },
    })
}

fn no_object(call: &ToolCall) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the arguments of the call `{}` to tool `{}` are no JSON object, and Ollama takes nothing else; leave the call out of the conversation",
        call.id(),
        call.name()
    ))
}

/// One message on the wire for each result.
fn write_results(names: &ToolNames<'_>, message: &Message, out: &mut Vec<u8>) -> Result<(), Error> {
    for (index, part) in message.parts().iter().enumerate() {
        let Part::ToolResult(result) = part else {
            return Err(misplaced("a part of this kind", "not in tool messages"));
        };
        if index > 0 {
            out.push(b',');
        }
        let id = result.call_id();
        let name = names.find(id).ok_or_else(|| orphan(id))?;
        let body = MessageBody {
            role: "tool",
            tool_name: Some(name),
            tool_call_id: Some(id),
            content: Cow::Borrowed(result.content()),
            ..MessageBody::default()
        };
        append(&body, out)?;
    }
    Ok(())
}

fn orphan(id: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the conversation holds a result of the tool call `{id}`, and no message before it makes that call; Ollama has to be told which tool it was"
    ))
}

fn misplaced(what: &str, place: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the conversation holds {what}, which can stand {place}"
    ))
}
