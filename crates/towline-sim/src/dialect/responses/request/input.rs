//! The items of a conversation.

use super::not_found;
use crate::{
    assistant::{Prompt, ToolResult, tokens},
    call::text_of,
    dialect::{
        Scene,
        field::{Reason, Wrong, given},
        openai::Fail,
        responses::seal,
    },
    seed,
};
use serde_json::{Value, json};
use std::collections::HashMap;

const ROLES: [&str; 4] = ["user", "assistant", "system", "developer"];

/// The new items of a request. A text is a message of the user.
pub(super) fn read(body: &Value) -> Result<Vec<Value>, Wrong> {
    match given(body, "input") {
        Some(Value::String(text)) => Ok(vec![json!({"role": "user", "content": text})]),
        Some(Value::Array(items)) => {
            if items.is_empty() && given(body, "previous_response_id").is_none() {
                let what = "must hold at least one item";
                return Err(Wrong::new("input", Reason::Empty, what));
            }
            for (index, item) in items.iter().enumerate() {
                check_item(&format!("input[{index}]"), item)?;
            }
            Ok(items.clone())
        }
        Some(other) => Err(Wrong::kind("input", "a string or an array", other)),
        None if given(body, "previous_response_id").is_some() => Ok(Vec::new()),
        None => Err(Wrong::missing("input", "a text, or a list of items")),
    }
}

fn check_item(at: &str, item: &Value) -> Result<(), Wrong> {
    if !item.is_object() {
        return Err(Wrong::kind(at, "an object", item));
    }
    let text = |name: &str| match given(item, name) {
        None => Err(Wrong::missing(format!("{at}.{name}"), "a text")),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(Wrong::kind(format!("{at}.{name}"), "a string", other)),
    };
    match kind(item) {
        "message" => check_message(at, item, text("role")?),
        "function_call" => {
            text("name")?;
            text("arguments")?;
            text("call_id").map(drop)
        }
        "function_call_output" => {
            text("call_id")?;
            match given(item, "output") {
                Some(Value::String(_) | Value::Array(_)) => Ok(()),
                None => Err(Wrong::missing(format!("{at}.output"), "a text or a list")),
                Some(other) => {
                    let at = format!("{at}.output");
                    Err(Wrong::kind(at, "a string or an array", other))
                }
            }
        }
        "reasoning" => {
            text("id")?;
            match given(item, "summary") {
                Some(Value::Array(_)) => Ok(()),
                None => Err(Wrong::missing(format!("{at}.summary"), "a list")),
                Some(other) => Err(Wrong::kind(format!("{at}.summary"), "an array", other)),
            }
        }
        _ => Ok(()),
    }
}

fn check_message(at: &str, item: &Value, role: &str) -> Result<(), Wrong> {
    if !ROLES.contains(&role) {
        return Err(Wrong::word(format!("{at}.role"), role, &ROLES));
    }
    let at = format!("{at}.content");
    let parts = match given(item, "content") {
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(parts)) => parts,
        None => return Err(Wrong::missing(at, "a text or a list of parts")),
        Some(other) => return Err(Wrong::kind(at, "a string or an array", other)),
    };
    // What the model said has other types than what it is told.
    let known: &[&str] = match role {
        "assistant" => &["output_text", "refusal"],
        _ => &["input_text", "input_image", "input_file", "input_audio"],
    };
    for (index, part) in parts.iter().enumerate() {
        let part_at = format!("{at}[{index}]");
        let at = format!("{part_at}.type");
        match part.get("type").and_then(Value::as_str) {
            Some("input_file") if known.contains(&"input_file") => check_file(&part_at, part)?,
            Some(kind) if known.contains(&kind) => {}
            Some(kind) => return Err(Wrong::word(at, kind, known)),
            None => return Err(Wrong::missing(at, "the type of the part")),
        }
    }
    Ok(())
}

/// A file has exactly one source.
fn check_file(at: &str, part: &Value) -> Result<(), Wrong> {
    let sources = ["file_data", "file_id", "file_url"];
    match sources
        .iter()
        .filter(|name| given(part, name).is_some())
        .count()
    {
        0 => Err(Wrong::missing(at, "one of file_data, file_id, file_url")),
        1 => Ok(()),
        _ => {
            let what = "must have one of file_data, file_id, file_url, and has more";
            Err(Wrong::value(at, what))
        }
    }
}

/// Calls and their results go together, and so do reasoning and what it led to.
pub(super) fn check_order(scene: &Scene<'_>, items: &[Value]) -> Result<(), Fail> {
    let refused = |what: String| Fail::from(Wrong::new("input", Reason::Other, what));
    let of_kind = |wanted: &'static str| items.iter().filter(move |item| kind(item) == wanted);
    let id = |item: &Value| item.get("call_id").map(Value::to_string);
    let called: Vec<_> = of_kind("function_call").filter_map(id).collect();
    let answered: Vec<_> = of_kind("function_call_output").filter_map(id).collect();
    if let Some(id) = answered.iter().find(|id| !called.contains(id)) {
        let what = format!("has an output for the call_id {id}, and no call with it");
        return Err(refused(what));
    }
    if let Some(id) = called.iter().find(|id| !answered.contains(id)) {
        return Err(refused(format!("has no output for the call_id {id}")));
    }
    for (index, item) in items.iter().enumerate() {
        if kind(item) != "reasoning" {
            continue;
        }
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
        check_sealed(scene, id, item)?;
        let next = items.get(index + 1);
        let led_to = |next: &Value| match kind(next) {
            "message" => next.get("role").is_some_and(|role| role == "assistant"),
            other => other != "function_call_output",
        };
        if !next.is_some_and(led_to) {
            let what = format!("has the reasoning item '{id}' without the item it led to");
            return Err(refused(what));
        }
    }
    Ok(())
}

/// Reasoning comes back sealed, or it is stored.
fn check_sealed(scene: &Scene<'_>, id: &str, item: &Value) -> Result<(), Fail> {
    match given(item, "encrypted_content").and_then(Value::as_str) {
        Some(content) if seal::is_genuine(content) => Ok(()),
        Some(_) => {
            let what = format!("has encrypted content in item '{id}' that cannot be verified");
            let wrong = Wrong::new("input", Reason::Other, what);
            Err(Fail::from(wrong).with_code("invalid_encrypted_content"))
        }
        None if scene.memory.has_item(id) => Ok(()),
        None => Err(not_found(format!(
            "Item with id '{id}' not found: items are kept only when 'store' is true."
        ))),
    }
}

/// Takes over what the conversation says.
pub(super) fn fill(prompt: &mut Prompt, items: &[Value]) {
    let from_user = |item: &&Value| item.get("role").is_some_and(|role| role == "user");
    let asking: Vec<&Value> = items.iter().filter(from_user).collect();
    prompt.user_turns = asking.len();
    if let Some(content) = asking.last().and_then(|item| item.get("content")) {
        prompt.question = text_of(content);
        let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
        prompt.images = parts
            .iter()
            .filter(|part| part.get("type").is_some_and(|kind| kind == "input_image"))
            .count();
    }
    let names: HashMap<&str, &str> = items
        .iter()
        .filter(|item| kind(item) == "function_call")
        .filter_map(|call| Some((call.get("call_id")?.as_str()?, call.get("name")?.as_str()?)))
        .collect();
    let results = items.iter().rev();
    let results = results.take_while(|item| kind(item) == "function_call_output");
    let mut results: Vec<ToolResult> = results
        .map(|item| ToolResult {
            name: (item.get("call_id").and_then(Value::as_str))
                .and_then(|id| names.get(id))
                .map(|name| (*name).to_owned()),
            text: item.get("output").map(text_of).unwrap_or_default(),
        })
        .collect();
    results.reverse();
    prompt.tool_results = results;
}

/// Per item, the hash and the tokens of the conversation up to it.
pub(super) fn prefixes(items: &[Value], model: &str, extra: u64) -> Vec<(u64, u64)> {
    let mut hash = seed::hash(extra ^ 6, model.as_bytes());
    let mut total = 3 + extra;
    let each = items.iter().map(|item| {
        hash = seed::hash(hash, item.to_string().as_bytes());
        let said = ["content", "output", "arguments"]
            .iter()
            .filter_map(|name| item.get(name).map(text_of));
        total += 4 + said.map(|text| tokens(&text)).sum::<u64>();
        (hash, total)
    });
    each.collect()
}

/// The type of an item, which is a message when nothing else is said.
fn kind(item: &Value) -> &str {
    let kind = item.get("type").and_then(Value::as_str);
    kind.unwrap_or("message")
}
