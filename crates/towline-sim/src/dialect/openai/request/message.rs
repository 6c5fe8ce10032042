//! The messages of a chat request.

use crate::{
    assistant::{Prompt, ToolResult, tokens},
    call::text_of,
    dialect::field::{Reason, Wrong, given},
    seed,
};
use serde_json::Value;
use std::collections::HashMap;

const ROLES: [&str; 6] = [
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

/// The messages of a chat request, checked.
pub(super) fn checked(body: &Value) -> Result<&[Value], Wrong> {
    let messages = match body.get("messages") {
        None | Some(Value::Null) => return Err(Wrong::missing("messages", "a list of messages")),
        Some(Value::Array(messages)) => messages,
        Some(other) => return Err(Wrong::kind("messages", "an array", other)),
    };
    if messages.is_empty() {
        let what = "must hold at least one message";
        return Err(Wrong::new("messages", Reason::Empty, what));
    }
    for (index, message) in messages.iter().enumerate() {
        check_message(&format!("messages[{index}]"), message)?;
    }
    check_tool_order(messages)?;
    Ok(messages)
}

fn check_message(at: &str, message: &Value) -> Result<(), Wrong> {
    if !message.is_object() {
        return Err(Wrong::kind(at, "an object", message));
    }
    let role_at = format!("{at}.role");
    let role = match message.get("role") {
        None | Some(Value::Null) => return Err(Wrong::missing(role_at, "the role of the message")),
        Some(Value::String(role)) => role,
        Some(other) => return Err(Wrong::kind(role_at, "a string", other)),
    };
    if !ROLES.contains(&role.as_str()) {
        return Err(Wrong::word(role_at, role, &ROLES));
    }
    let content_at = format!("{at}.content");
    match message.get("content") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) => check_parts(&content_at, parts),
        None | Some(Value::Null) if role == "assistant" => Ok(()),
        None | Some(Value::Null) => Err(Wrong::missing(content_at, "a text or a list of parts")),
        Some(other) => Err(Wrong::kind(content_at, "a string or an array", other)),
    }
}

/// A file has its content or its id. Parts that are not known here pass.
fn check_parts(at: &str, parts: &[Value]) -> Result<(), Wrong> {
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let kind = match given(part, "type") {
            Some(Value::String(kind)) => kind,
            Some(other) => return Err(Wrong::kind(format!("{at}.type"), "a string", other)),
            None => return Err(Wrong::missing(format!("{at}.type"), "the type of the part")),
        };
        if kind != "file" {
            continue;
        }
        let at = format!("{at}.file");
        let file = given(part, "file").ok_or_else(|| Wrong::missing(at.as_str(), "the file"))?;
        if given(file, "file_id").is_some() {
            continue;
        }
        for (name, what) in [
            ("file_data", "the content as a data URL, or `file_id`"),
            ("filename", "a name for the content"),
        ] {
            if given(file, name).is_none() {
                return Err(Wrong::missing(format!("{at}.{name}"), what));
            }
        }
    }
    Ok(())
}

/// A result needs the call it answers in the assistant message before it.
fn check_tool_order(messages: &[Value]) -> Result<(), Wrong> {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str);
        if role == Some("assistant") {
            open = calls(message)
                .filter_map(|call| call.get("id")?.as_str())
                .collect();
        }
        if role != Some("tool") {
            continue;
        }
        let at = format!("messages[{index}].tool_call_id");
        let Some(id) = message.get("tool_call_id").and_then(Value::as_str) else {
            return Err(Wrong::missing(
                at,
                "the id of the call that the result answers",
            ));
        };
        if !open.contains(&id) {
            let what = format!("is '{id}', and no call in the assistant message before it has it");
            return Err(Wrong::new(at, Reason::Other, what));
        }
    }
    Ok(())
}

fn calls(message: &Value) -> impl Iterator<Item = &Value> {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    calls.into_iter().flatten()
}

/// Takes over what the conversation says.
pub(super) fn read(prompt: &mut Prompt, messages: &[Value]) {
    let is = |message: &Value, role| message.get("role").and_then(Value::as_str) == Some(role);
    let users: Vec<&Value> = messages.iter().filter(|m| is(m, "user")).collect();
    prompt.user_turns = users.len();
    if let Some(content) = users.last().and_then(|message| message.get("content")) {
        prompt.question = text_of(content);
        let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
        prompt.images = parts
            .iter()
            .filter(|part| part.get("image_url").is_some())
            .count();
    }
    let names: HashMap<&str, &str> = (messages.iter().flat_map(calls))
        .filter_map(|call| {
            Some((
                call.get("id")?.as_str()?,
                call.pointer("/function/name")?.as_str()?,
            ))
        })
        .collect();
    let trailing = messages.iter().rev().take_while(|m| is(m, "tool"));
    let mut results: Vec<ToolResult> = trailing
        .map(|message| ToolResult {
            name: (message.get("tool_call_id").and_then(Value::as_str))
                .and_then(|id| names.get(id))
                .map(|name| (*name).to_owned()),
            text: message.get("content").map(text_of).unwrap_or_default(),
        })
        .collect();
    results.reverse();
    prompt.tool_results = results;
}

/// Per message, the hash and the tokens of the conversation up to it.
pub(super) fn prefixes(messages: &[Value], model: &str, extra: u64) -> Vec<(u64, u64)> {
    let mut hash = seed::hash(extra, model.as_bytes());
    let mut total = 3 + extra;
    let each = messages.iter().map(|message| {
        hash = seed::hash(hash, message.to_string().as_bytes());
        let text = message.get("content").map(text_of).unwrap_or_default();
        let called = calls(message)
            .map(|call| tokens(&call.to_string()))
            .sum::<u64>();
        total += 4 + tokens(&text) + called;
        (hash, total)
    });
    each.collect()
}
