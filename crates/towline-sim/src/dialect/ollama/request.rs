//! Reads a chat request, and refuses what the server would refuse, naming the field.

use super::{Fail, catalog::model};
use crate::{
    assistant::{Format, Prompt, Tool, ToolResult, tokens},
    dialect::{
        Scene,
        field::{Wrong, body, flag, given, list, stops},
    },
};
use serde_json::Value;

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
const EFFORTS: [&str; 4] = ["low", "medium", "high", "max"];

/// A chat request, read.
#[derive(Debug, Default)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Whether there is no message: the model is only to be loaded.
    pub(super) loads_only: bool,
    /// Whether it is to leave memory at once.
    pub(super) unloads: bool,
    pub(super) prompt: Prompt,
}

pub(super) fn chat(scene: &Scene<'_>) -> Result<ChatRequest, Fail> {
    let body = body(scene)?;
    let model = model(body)?;
    let messages = list(body, "messages")?.unwrap_or_default();
    for (index, message) in messages.iter().enumerate() {
        check_message(&format!("messages[{index}]"), message)?;
    }
    let mut prompt = Prompt {
        tools: tools(body)?,
        parallel: true,
        format: format(body)?,
        effort: effort(body)?,
        ..Prompt::default()
    };
    read_options(&mut prompt, body)?;
    read_messages(&mut prompt, messages);
    let extra = tokens(&body.get("tools").map(Value::to_string).unwrap_or_default());
    let each = messages
        .iter()
        .map(|message| 4 + tokens(&message.to_string()));
    prompt.input_tokens = 3 + extra + each.sum::<u64>();
    Ok(ChatRequest {
        model: model.to_owned(),
        stream: flag(body, "stream")?.unwrap_or(true),
        loads_only: messages.is_empty(),
        unloads: given(body, "keep_alive").is_some_and(|time| *time == 0 || *time == "0"),
        prompt,
    })
}

fn check_message(at: &str, message: &Value) -> Result<(), Wrong> {
    let role_at = format!("{at}.role");
    match given(message, "role") {
        None => return Err(Wrong::missing(role_at, "the role of the message")),
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => {}
        Some(Value::String(role)) => return Err(Wrong::word(role_at, role, &ROLES)),
        Some(other) => return Err(Wrong::kind(role_at, "a string", other)),
    }
    for name in ["content", "thinking", "tool_name"] {
        match given(message, name) {
            None | Some(Value::String(_)) => {}
            Some(other) => return Err(Wrong::kind(format!("{at}.{name}"), "a string", other)),
        }
    }
    for (index, image) in items(message, "images").iter().enumerate() {
        if !image.is_string() {
            let at = format!("{at}.images[{index}]");
            return Err(Wrong::kind(at, "base64 text", image));
        }
    }
    for (index, call) in items(message, "tool_calls").iter().enumerate() {
        let at = format!("{at}.tool_calls[{index}].function");
        if call
            .pointer("/function/name")
            .is_none_or(|name| !name.is_string())
        {
            return Err(Wrong::missing(format!("{at}.name"), "the name of the tool"));
        }
        match call.pointer("/function/arguments") {
            None | Some(Value::Object(_)) => {}
            Some(other) => {
                return Err(Wrong::kind(format!("{at}.arguments"), "an object", other));
            }
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<Vec<Tool>, Wrong> {
    let listed = list(body, "tools")?.unwrap_or_default();
    let read = listed.iter().enumerate().map(|(index, tool)| {
        let Some(name) = tool.pointer("/function/name").and_then(Value::as_str) else {
            let at = format!("tools[{index}].function.name");
            return Err(Wrong::missing(at, "the name of the tool"));
        };
        let schema = tool.pointer("/function/parameters").cloned();
        Ok(Tool {
            name: name.to_owned(),
            schema: schema.unwrap_or_default(),
        })
    });
    read.collect()
}

fn format(body: &Value) -> Result<Format, Wrong> {
    match given(body, "format") {
        None => Ok(Format::Text),
        Some(Value::String(word)) if word.is_empty() => Ok(Format::Text),
        Some(Value::String(word)) if word == "json" => Ok(Format::Json),
        Some(schema @ Value::Object(_)) => Ok(Format::Schema(schema.clone())),
        Some(_) => Err(Wrong::value("format", "must be 'json' or a JSON schema")),
    }
}

/// How hard to think, if at all.
fn effort(body: &Value) -> Result<Option<String>, Wrong> {
    match given(body, "think") {
        None | Some(Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => Ok(Some("medium".to_owned())),
        Some(Value::String(word)) if EFFORTS.contains(&word.as_str()) => Ok(Some(word.clone())),
        Some(Value::String(word)) => Err(Wrong::word("think", word, &EFFORTS)),
        Some(other) => Err(Wrong::kind("think", "a boolean or a string", other)),
    }
}

/// Unknown options are passed over, as the server does.
fn read_options(prompt: &mut Prompt, body: &Value) -> Result<(), Wrong> {
    let options = match given(body, "options") {
        None => return Ok(()),
        Some(options @ Value::Object(_)) => options,
        Some(other) => return Err(Wrong::kind("options", "an object", other)),
    };
    for name in [
        "temperature",
        "top_p",
        "min_p",
        "top_k",
        "seed",
        "num_ctx",
        "num_predict",
    ] {
        match given(options, name) {
            None | Some(Value::Number(_)) => {}
            Some(other) => return Err(Wrong::kind(format!("options.{name}"), "a number", other)),
        }
    }
    // A negative number stands for no limit.
    prompt.max_tokens = given(options, "num_predict").and_then(Value::as_u64);
    prompt.stop = stops(options.get("stop"));
    Ok(())
}

fn read_messages(prompt: &mut Prompt, messages: &[Value]) {
    let is = |message: &Value, role| message.get("role").is_some_and(|found| found == role);
    let content = |message: &Value| {
        let text = message.get("content").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let asking: Vec<&Value> = messages.iter().filter(|m| is(m, "user")).collect();
    prompt.user_turns = asking.len();
    if let Some(message) = asking.last() {
        prompt.question = content(message);
        prompt.images = items(message, "images").len();
    }
    let trailing = messages.iter().rev().take_while(|m| is(m, "tool"));
    let mut results: Vec<ToolResult> = trailing
        .map(|message| ToolResult {
            name: (message.get("tool_name").and_then(Value::as_str)).map(ToOwned::to_owned),
            text: content(message),
        })
        .collect();
    results.reverse();
    prompt.tool_results = results;
}

fn items<'a>(message: &'a Value, name: &str) -> &'a [Value] {
    let items = message.get(name).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}
