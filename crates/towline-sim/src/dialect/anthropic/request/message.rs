//! The messages of a request.

use crate::{
    assistant::{Prompt, ToolResult},
    call::{only_results, text_of},
    dialect::{
        anthropic::message::signature,
        field::{Reason, Wrong, given},
    },
};
use serde_json::Value;
use std::collections::HashMap;

/// The messages of a request, checked.
pub(super) fn checked(body: &Value) -> Result<&[Value], Wrong> {
    let messages = match given(body, "messages") {
        None => return Err(Wrong::missing("messages", "a list of messages")),
        Some(Value::Array(messages)) => messages,
        Some(other) => return Err(Wrong::kind("messages", "an array", other)),
    };
    if messages.is_empty() {
        let what = "must hold at least one message";
        return Err(Wrong::new("messages", Reason::Empty, what));
    }
    let mut before = None;
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages.{index}");
        let is_last = index + 1 == messages.len();
        before = Some(check_message(&at, message, before, is_last)?);
    }
    check_results(messages)?;
    Ok(messages)
}

/// Checks one message and returns its role.
fn check_message<'a>(
    at: &str,
    message: &'a Value,
    before: Option<&str>,
    is_last: bool,
) -> Result<&'a str, Wrong> {
    if !message.is_object() {
        return Err(Wrong::kind(at, "an object", message));
    }
    let role_at = format!("{at}.role");
    let role = match given(message, "role") {
        None => return Err(Wrong::missing(role_at, "user or assistant")),
        Some(Value::String(role)) => role.as_str(),
        Some(other) => return Err(Wrong::kind(role_at, "a string", other)),
    };
    match (role, before) {
        ("user", None | Some("assistant")) | ("assistant", Some("user")) => {}
        ("assistant", None) => {
            let what = "must be user in the first message";
            return Err(Wrong::value(role_at, what));
        }
        ("user" | "assistant", Some(_)) => {
            let what = format!("is {role} again: user and assistant must alternate");
            return Err(Wrong::value(role_at, what));
        }
        ("system", _) => {
            let what = "must not be system: the system prompt has a field of its own";
            return Err(Wrong::value(role_at, what));
        }
        _ => return Err(Wrong::word(role_at, role, &["user", "assistant"])),
    }
    check_content(
        &format!("{at}.content"),
        message,
        is_last && role == "assistant",
    )?;
    Ok(role)
}

fn check_content(at: &str, message: &Value, may_be_empty: bool) -> Result<(), Wrong> {
    let empty = || Wrong::new(at, Reason::Empty, "must not be empty");
    match given(message, "content") {
        None => Err(Wrong::missing(at, "a text or a list of blocks")),
        Some(Value::String(text)) if text.is_empty() && !may_be_empty => Err(empty()),
        Some(Value::Array(blocks)) if blocks.is_empty() && !may_be_empty => Err(empty()),
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => {
            let mut blocks = blocks.iter().enumerate();
            blocks.try_for_each(|(index, block)| check_block(&format!("{at}.{index}"), block))
        }
        Some(other) => Err(Wrong::kind(at, "a string or an array", other)),
    }
}

fn check_block(at: &str, block: &Value) -> Result<(), Wrong> {
    let kind = match given(block, "type") {
        None => {
            return Err(Wrong::missing(
                format!("{at}.type"),
                "the type of the block",
            ));
        }
        Some(Value::String(kind)) => kind.as_str(),
        Some(other) => return Err(Wrong::kind(format!("{at}.type"), "a string", other)),
    };
    let text = |name: &str| {
        let at = format!("{at}.{kind}.{name}");
        match given(block, name) {
            None => Err(Wrong::missing(at, "a text")),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(other) => Err(Wrong::kind(at, "a string", other)),
        }
    };
    match kind {
        "text" if text("text")?.is_empty() => {
            let at = format!("{at}.text.text");
            Err(Wrong::new(at, Reason::Empty, "must not be empty"))
        }
        "tool_use" => {
            text("id")?;
            text("name")?;
            match given(block, "input") {
                Some(Value::Object(_)) => Ok(()),
                None => Err(Wrong::missing(format!("{at}.tool_use.input"), "an object")),
                Some(other) => {
                    let at = format!("{at}.tool_use.input");
                    Err(Wrong::kind(at, "an object", other))
                }
            }
        }
        "tool_result" => text("tool_use_id").map(drop),
        "thinking" if text("signature")? != signature(text("thinking")?) => {
            let at = format!("{at}.thinking.signature");
            Err(Wrong::value(at, "does not belong to this thinking"))
        }
        "redacted_thinking" => text("data").map(drop),
        "image" | "document" if given(block, "source").is_none() => {
            let at = format!("{at}.{kind}.source");
            Err(Wrong::missing(at, "where the content is"))
        }
        "document" => check_document(&format!("{at}.document.source"), block),
        _ => Ok(()),
    }
}

/// Where the content of a document is.
fn check_document(at: &str, block: &Value) -> Result<(), Wrong> {
    let source = given(block, "source").unwrap_or(&Value::Null);
    let fields: &[&str] = match source.get("type").and_then(Value::as_str) {
        Some("base64" | "text") => &["media_type", "data"],
        Some("url") => &["url"],
        Some("file") => &["file_id"],
        Some("content") => &["content"],
        Some(other) => {
            let known = ["base64", "text", "url", "file", "content"];
            return Err(Wrong::word(format!("{at}.type"), other, &known));
        }
        None => return Err(Wrong::missing(format!("{at}.type"), "where the content is")),
    };
    match fields.iter().find(|name| given(source, name).is_none()) {
        Some(name) => Err(Wrong::missing(format!("{at}.{name}"), "the content")),
        None => Ok(()),
    }
}

/// Calls of tools are answered in the next message, and nothing else is.
fn check_results(messages: &[Value]) -> Result<(), Wrong> {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages.{index}");
        for id in blocks(message, "tool_result").filter_map(|b| b.get("tool_use_id")?.as_str()) {
            let Some(place) = open.iter().position(|known| *known == id) else {
                let what = format!(
                    "holds a tool_result for '{id}', which the message before does not call"
                );
                return Err(Wrong::new(at, Reason::Other, what));
            };
            open.remove(place);
        }
        if let Some(id) = open.first() {
            let what = format!("must begin with a tool_result for '{id}'");
            return Err(Wrong::new(at, Reason::Other, what));
        }
        open.extend(blocks(message, "tool_use").filter_map(|b| b.get("id")?.as_str()));
    }
    match open.first() {
        Some(id) => {
            let what = format!("must end with a tool_result for '{id}'");
            Err(Wrong::new("messages", Reason::Other, what))
        }
        None => Ok(()),
    }
}

/// With a thinking budget, the turn that called the tools has to come back with its thinking.
pub(super) fn check_thinking_first(body: &Value) -> Result<(), Wrong> {
    let messages = body.get("messages").and_then(Value::as_array);
    let [.., turn, results] = messages.map(Vec::as_slice).unwrap_or_default() else {
        return Ok(());
    };
    let first = turn.pointer("/content/0/type").and_then(Value::as_str);
    let thought = matches!(first, Some("thinking" | "redacted_thinking"));
    if blocks(results, "tool_result").next().is_none() || thought {
        return Ok(());
    }
    let what = "must begin with the thinking that led to its tool calls";
    let index = messages.map_or(0, Vec::len).saturating_sub(2);
    Err(Wrong::value(
        format!("messages.{index}.content.0.type"),
        what,
    ))
}

/// Takes over what the conversation says.
pub(super) fn read(prompt: &mut Prompt, messages: &[Value]) {
    let role = |message: &Value, role| message.get("role").and_then(Value::as_str) == Some(role);
    let asking: Vec<&Value> = messages
        .iter()
        .filter(|message| role(message, "user") && !only_results(message))
        .collect();
    prompt.user_turns = asking.len();
    if let Some(message) = asking.last() {
        prompt.question = message.get("content").map(text_of).unwrap_or_default();
        prompt.images = blocks(message, "image").count();
    }
    let names: HashMap<&str, &str> = messages
        .iter()
        .flat_map(|message| blocks(message, "tool_use"))
        .filter_map(|call| Some((call.get("id")?.as_str()?, call.get("name")?.as_str()?)))
        .collect();
    let results = messages.last().filter(|message| only_results(message));
    let results = results.into_iter().flat_map(|m| blocks(m, "tool_result"));
    prompt.tool_results = results
        .map(|result| ToolResult {
            name: (result.get("tool_use_id").and_then(Value::as_str))
                .and_then(|id| names.get(id))
                .map(|name| (*name).to_owned()),
            text: result.get("content").map(text_of).unwrap_or_default(),
        })
        .collect();
}

/// The blocks of one type.
fn blocks<'a>(message: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    let blocks = message.get("content").and_then(Value::as_array);
    let is_it = move |block: &&Value| block.get("type").is_some_and(|found| found == kind);
    blocks.into_iter().flatten().filter(is_it)
}
