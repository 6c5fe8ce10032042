//! Parts of the contract as blocks of the wire.

mod document;

use crate::{
    DIALECT,
    wire::request::{BlockBody, ImageBody},
};
use serde_json::value::RawValue;
use std::borrow::Cow;
use towline_core::{
    CacheHint, Error, ErrorKind, Image, ImageSource, Message, Part, Reasoning, Role, ToolCall,
};

/// Whether the part is sent. The API refuses text of nothing but white space, and reasoning that it
/// did not sign itself.
pub(super) fn is_sent(part: &Part) -> bool {
    match part {
        Part::Text(text) | Part::Refusal(text) => !text.trim().is_empty(),
        Part::Reasoning(reasoning) => is_own(reasoning),
        _ => true,
    }
}

/// Whether Anthropic made it and can check that it comes back unchanged.
fn is_own(reasoning: &Reasoning) -> bool {
    let signed = reasoning.signature().is_some_and(|text| !text.is_empty());
    let hidden = reasoning.encrypted().is_some_and(|text| !text.is_empty());
    reasoning.provider() == Some(DIALECT) && (signed || hidden)
}

/// Appends the blocks of `message` to `out`, separated by commas. The hint marks the last block that
/// can bear a mark.
pub(super) fn write(
    message: &Message,
    hint: Option<CacheHint>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let parts = || message.parts().iter().filter(|part| is_sent(part));
    let bears_mark = |part: &&Part| !matches!(part, Part::Reasoning(_));
    let marked = parts().filter(bears_mark).count();
    let mut seen = 0;
    for (index, part) in parts().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_part(message.role(), part, out)?;
        seen += usize::from(bears_mark(&part));
        if let (Some(hint), true) = (hint, seen == marked && bears_mark(&part)) {
            mark(hint, out);
        }
    }
    Ok(())
}

/// Adds the mark to the object that was written last.
fn mark(hint: CacheHint, out: &mut Vec<u8>) {
    let mark: &[u8] = match hint {
        CacheHint::Long => br#","cache_control":{"type":"ephemeral","ttl":"1h"}}"#,
        // The API's default, five minutes.
        _ => br#","cache_control":{"type":"ephemeral"}}"#,
    };
    out.pop();
    out.extend_from_slice(mark);
}

fn write_part(role: Role, part: &Part, out: &mut Vec<u8>) -> Result<(), Error> {
    let spoken = matches!(role, Role::System | Role::User);
    match part {
        Part::Text(text) if role != Role::Tool => append(&BlockBody::Text { text }, out),
        Part::Refusal(text) if role == Role::Assistant => append(&BlockBody::Text { text }, out),
        Part::Image(image) if role == Role::User => write_image(image, out),
        Part::File(file) if role == Role::User => append(&document::body(file)?, out),
        Part::Reasoning(reasoning) if role == Role::Assistant => append(&thinking(reasoning), out),
        Part::ToolCall(call) if role == Role::Assistant => write_call(call, out),
        Part::ToolResult(result) if matches!(role, Role::Tool | Role::User) => {
            let body = BlockBody::ToolResult {
                tool_use_id: &tool_id(result.call_id()),
                content: result.content(),
                is_error: result.is_error(),
            };
            append(&body, out)
        }
        Part::Text(_) => Err(misplaced("text", "not in tool messages")),
        Part::Image(_) if spoken => Err(misplaced("an image", "not in system messages")),
        Part::Image(_) => Err(misplaced("an image", "only in user messages")),
        Part::File(_) => Err(misplaced("a file", "only in user messages")),
        Part::Refusal(_) => Err(misplaced("a refusal", "only in assistant messages")),
        Part::Reasoning(_) => Err(misplaced("reasoning", "only in assistant messages")),
        Part::ToolCall(_) => Err(misplaced("a tool call", "only in assistant messages")),
        Part::ToolResult(_) => Err(misplaced("a tool result", "only in tool messages")),
        _ => Err(misplaced("a part of this kind", "nowhere in this dialect")),
    }
}

fn append(body: &BlockBody<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(out, body).map_err(|cause| {
        Error::new(ErrorKind::InvalidRequest)
            .with_message("a message cannot be written as JSON")
            .with_source(cause)
    })
}

/// Exactly what came, so that the signature still holds.
fn thinking(reasoning: &Reasoning) -> BlockBody<'_> {
    match (reasoning.signature(), reasoning.encrypted()) {
        (Some(signature), _) if !signature.is_empty() => BlockBody::Thinking {
            thinking: reasoning.text(),
            signature,
        },
        (_, data) => BlockBody::RedactedThinking {
            data: data.unwrap_or_default(),
        },
    }
}

fn write_image(image: &Image, out: &mut Vec<u8>) -> Result<(), Error> {
    let source = match image.source() {
        ImageSource::Url(url) => match data_url(url) {
            Some((media_type, data)) => ImageBody::Base64 { media_type, data },
            None => ImageBody::Url { url },
        },
        ImageSource::Base64 { media_type, data } => ImageBody::Base64 { media_type, data },
        _ => {
            return Err(misplaced(
                "an image from this source",
                "not in this dialect",
            ));
        }
    };
    append(&BlockBody::Image { source }, out)
}

/// Media type and data of `data:image/png;base64,...`, which the API does not take as an address.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((kind.strip_suffix(";base64")?, data))
}

fn write_call(call: &ToolCall, out: &mut Vec<u8>) -> Result<(), Error> {
    // A tool without parameters may have been called with nothing; an empty text is no JSON.
    let arguments = match call.arguments().trim() {
        "" => "{}",
        text => text,
    };
    let input: &RawValue = serde_json::from_str(arguments)
        .ok()
        .filter(|input: &&RawValue| input.get().starts_with('{'))
        .ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest).with_message(format!(
                "the arguments of the call to tool `{}` are no JSON object, and Anthropic takes nothing else back; leave that turn out of the conversation",
                call.name()
            ))
        })?;
    let body = BlockBody::ToolUse {
        id: &tool_id(call.id()),
        name: call.name(),
        input,
    };
    append(&body, out)
}

/// The id of a call as the API takes it: letters, digits, `_` and `-`. An id of another provider that
/// holds anything else is written in those, the same way each time, and a checksum keeps ids apart
/// that would become equal.
fn tool_id(id: &str) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !id.is_empty() && id.bytes().all(fits) {
        return Cow::Borrowed(id);
    }
    let letters = id.bytes();
    let name: String = letters
        .map(|byte| if fits(byte) { char::from(byte) } else { '_' })
        .collect();
    let checksum = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Cow::Owned(format!("{name}_{checksum:016x}"))
}

pub(super) fn misplaced(what: &str, place: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the conversation holds {what}, which can stand {place}"
    ))
}
