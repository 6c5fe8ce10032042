//! Messages of the contract as items of the wire.

use crate::{
    Flavor,
    convert::{
        call_id, file,
        message::{image_url, misplaced},
        rules::ModelRules,
    },
    wire::request::FileBody,
};
use serde::Serialize;
use std::borrow::Cow;
use towline_core::{Error, ErrorKind, Message, Part, Reasoning, Role, ToolCall, ToolResult};

/// An item of the input.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ItemBody<'a> {
    Message {
        role: &'static str,
        content: ContentBody<'a>,
    },
    Reasoning {
        id: &'a str,
        summary: Vec<SummaryBody<'a>>,
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: &'a str,
    },
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ContentBody<'a> {
    Text(&'a str),
    Parts(Vec<PartBody<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartBody<'a> {
    InputText {
        text: &'a str,
    },
    InputImage {
        image_url: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'static str>,
    },
    InputFile(FileBody<'a>),
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
struct SummaryBody<'a> {
    text: &'a str,
}

/// Appends the items of `message` to `out`, separated by commas; nothing where there are none.
pub(super) fn write(
    flavor: Flavor,
    rules: ModelRules,
    message: &Message,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let items = match message.role() {
        Role::System => vec![spoken(flavor, rules.system_role, message)?],
        Role::User => vec![spoken(flavor, "user", message)?],
        Role::Assistant => assistant(flavor, message)?,
        Role::Tool => results(message)?,
        role => {
            return Err(misplaced(
                &format!("a message of role {role:?}"),
                "nowhere in this dialect",
            ));
        }
    };
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, item).map_err(|cause| {
            Error::new(ErrorKind::InvalidRequest)
                .with_message("a message cannot be written as JSON")
                .with_source(cause)
        })?;
    }
    Ok(())
}

fn spoken<'a>(
    flavor: Flavor,
    role: &'static str,
    message: &'a Message,
) -> Result<ItemBody<'a>, Error> {
    let content = match message.parts() {
        [Part::Text(text)] => ContentBody::Text(text),
        parts => {
            let parts = parts.iter().map(|part| match part {
                Part::File(file) => {
                    file::responses(flavor, message.role(), file).map(PartBody::InputFile)
                }
                part => spoken_part(part),
            });
            ContentBody::Parts(parts.collect::<Result<_, _>>()?)
        }
    };
    Ok(ItemBody::Message { role, content })
}

fn spoken_part(part: &Part) -> Result<PartBody<'_>, Error> {
    match part {
        Part::Text(text) => Ok(PartBody::InputText { text }),
        Part::Image(image) => {
            let image = image_url(image)?;
            Ok(PartBody::InputImage {
                image_url: image.url,
                detail: image.detail,
            })
        }
        _ => Err(misplaced(
            "a part of this kind",
            "not in a message of this role",
        )),
    }
}

/// The items of a turn in their order: each reasoning stands before the item it led to. Texts that
/// follow each other are one message.
fn assistant(flavor: Flavor, message: &Message) -> Result<Vec<ItemBody<'_>>, Error> {
    let mut items = Vec::with_capacity(message.parts().len());
    for part in message.parts() {
        match part {
            Part::Text(text) => say(&mut items, PartBody::OutputText { text }),
            Part::Refusal(refusal) => say(&mut items, PartBody::Refusal { refusal }),
            Part::ToolCall(call) => items.push(function_call(call)),
            Part::Reasoning(reasoning) => items.extend(replay(flavor, reasoning)),
            _ => {
                return Err(misplaced(
                    "a part of this kind",
                    "not in assistant messages",
                ));
            }
        }
    }
    Ok(items)
}

fn say<'a>(items: &mut Vec<ItemBody<'a>>, part: PartBody<'a>) {
    if let Some(ItemBody::Message {
        content: ContentBody::Parts(parts),
        ..
    }) = items.last_mut()
    {
        parts.push(part);
        return;
    }
    items.push(ItemBody::Message {
        role: "assistant",
        content: ContentBody::Parts(vec![part]),
    });
}

fn function_call(call: &ToolCall) -> ItemBody<'_> {
    let arguments = match call.arguments().trim() {
        "" => "{}",
        text => text,
    };
    ItemBody::FunctionCall {
        call_id: call_id::responses(call.id()),
        name: call.name(),
        arguments,
    }
}

/// Reasoning goes back unchanged, and only where this server made it in a form it can read.
fn replay(flavor: Flavor, reasoning: &Reasoning) -> Option<ItemBody<'_>> {
    let encrypted_content = reasoning.encrypted().filter(|data| !data.is_empty())?;
    let own = reasoning.provider() == Some(flavor.name());
    let text = reasoning.text();
    let summary = (!text.is_empty()).then_some(SummaryBody { text });
    Some(ItemBody::Reasoning {
        id: reasoning.id().filter(|_| own)?,
        summary: summary.into_iter().collect(),
        encrypted_content,
    })
}

fn results(message: &Message) -> Result<Vec<ItemBody<'_>>, Error> {
    let outputs = message.parts().iter().map(|part| match part {
        Part::ToolResult(result) => Ok(output(result)),
        _ => Err(misplaced("a part of this kind", "not in tool messages")),
    });
    outputs.collect()
}

fn output(result: &ToolResult) -> ItemBody<'_> {
    ItemBody::FunctionCallOutput {
        call_id: call_id::responses(result.call_id()),
        output: result.content(),
    }
}
