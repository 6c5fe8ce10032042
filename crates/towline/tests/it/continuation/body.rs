//! What a body says, and what the conversation wants it to say.

use super::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use towline_core::{Conversation, FileSource, Part, Reasoning, Role};

/// One thing that is said in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    System(String),
    User(String),
    /// In base64.
    File(String),
    Thought(Value),
    Said(String),
    Call {
        id: String,
        tool: String,
        arguments: Value,
    },
    Result {
        id: String,
        content: String,
    },
}

impl Item {
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Call { id, .. } | Self::Result { id, .. } => Some(id),
            _ => None,
        }
    }
}

/// The items with a number for each call in the place of ids, which providers may rewrite.
pub(super) fn numbered(items: Vec<Item>) -> Vec<Item> {
    let mut numbers = BTreeMap::new();
    let mut calls = 0;
    let mut number = |item: Item| match item {
        Item::Call {
            id,
            tool,
            arguments,
        } => {
            calls += 1;
            numbers.insert(id, calls);
            Item::Call {
                id: calls.to_string(),
                tool,
                arguments,
            }
        }
        Item::Result { id, content } => {
            let id = numbers.get(&id).map_or(id, ToString::to_string);
            Item::Result { id, content }
        }
        item => item,
    };
    items.into_iter().map(&mut number).collect()
}

/// What of the conversation `kind` shall be told.
pub(super) fn expected(kind: Kind, conversation: &Conversation) -> Vec<Item> {
    let mut items = Vec::new();
    for message in conversation.messages() {
        items.extend(message.parts().iter().filter_map(|part| {
            Some(match (message.role(), part) {
                (Role::System, Part::Text(text)) => Item::System(text.as_str().to_owned()),
                (Role::User, Part::Text(text)) => Item::User(text.as_str().to_owned()),
                (Role::User, Part::File(file)) => match file.source() {
                    FileSource::Base64(data) => Item::File(data.as_str().to_owned()),
                    _ => return None,
                },
                (_, Part::Text(text) | Part::Refusal(text)) => Item::Said(text.as_str().to_owned()),
                (_, Part::Reasoning(reasoning)) => Item::Thought(thought(kind, reasoning)?),
                (_, Part::ToolCall(call)) => Item::Call {
                    id: call.id().to_owned(),
                    tool: call.name().to_owned(),
                    arguments: call.parse_arguments().unwrap(),
                },
                (_, Part::ToolResult(result)) => Item::Result {
                    id: result.call_id().to_owned(),
                    content: result.content().to_owned(),
                },
                _ => return None,
            })
        }));
    }
    items
}

/// Reasoning as it goes back to the one who made it.
fn thought(kind: Kind, reasoning: &Reasoning) -> Option<Value> {
    let text = reasoning.text();
    match (kind, reasoning.provider()?) {
        (Kind::Ollama, "ollama") => Some(json!(text)),
        (Kind::Anthropic, "anthropic") => Some(match reasoning.signature() {
            Some(signature) => json!({"thinking": text, "signature": signature}),
            None => json!({"data": reasoning.encrypted()}),
        }),
        (Kind::Responses, "openai") => {
            let sealed = reasoning.encrypted()?;
            Some(json!({"id": reasoning.id(), "summary": text, "sealed": sealed}))
        }
        _ => None,
    }
}

/// What the body says; an error where it has not the shape that the API wants.
pub(super) fn read(kind: Kind, body: &Value) -> Result<Vec<Item>, String> {
    match kind {
        Kind::Chat | Kind::Azure => list(body, "messages", chat),
        Kind::Responses => list(body, "input", responses),
        Kind::Anthropic => anthropic(body),
        Kind::Ollama => list(body, "messages", ollama),
    }
}

type Read = fn(&Value, &mut Vec<Item>) -> Result<(), String>;

fn list(body: &Value, name: &str, read: Read) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for one in body[name].as_array().ok_or("there is no list")? {
        read(one, &mut items)?;
    }
    Ok(items)
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("{other} is no text")),
    }
}

/// What the user says in OpenAI's APIs: a text, or parts of which one holds a file by value.
fn user(content: &Value, kind: &str, items: &mut Vec<Item>) -> Result<(), String> {
    let Some(parts) = content.as_array() else {
        items.push(Item::User(text(content)?));
        return Ok(());
    };
    for part in parts {
        let file = part.get("file").unwrap_or(part);
        items.push(match part["type"].as_str() {
            Some(found) if found == kind => Item::User(text(&part["text"])?),
            Some("file" | "input_file") if file["filename"].is_string() => {
                let url = text(&file["file_data"])?;
                let data = url.strip_prefix("data:application/pdf;base64,");
                Item::File(data.ok_or("no PDF")?.to_owned())
            }
            _ => return Err(format!("{part} is no part")),
        });
    }
    Ok(())
}

fn chat(message: &Value, items: &mut Vec<Item>) -> Result<(), String> {
    match message["role"].as_str() {
        Some("system" | "developer") => items.push(Item::System(text(&message["content"])?)),
        Some("user") => user(&message["content"], "text", items)?,
        Some("tool") => items.push(Item::Result {
            id: text(&message["tool_call_id"])?,
            content: text(&message["content"])?,
        }),
        Some("assistant") => {
            for name in ["reasoning_content", "reasoning_details", "reasoning"] {
                if let Some(thought) = message.get(name) {
                    items.push(Item::Thought(thought.clone()));
                }
            }
            for name in ["content", "refusal"] {
                if let Some(said) = message.get(name) {
                    items.push(Item::Said(text(said)?));
                }
            }
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                if call["type"] != "function" {
                    return Err(format!("{call} is no function"));
                }
                items.push(written_call(&call["id"], &call["function"])?);
            }
        }
        _ => return Err(format!("{message} is of no role")),
    }
    Ok(())
}

/// A call whose arguments are JSON in a text.
fn written_call(id: &Value, function: &Value) -> Result<Item, String> {
    let arguments = text(&function["arguments"])?;
    Ok(Item::Call {
        id: text(id)?,
        tool: text(&function["name"])?,
        arguments: serde_json::from_str(&arguments).map_err(|error| error.to_string())?,
    })
}

fn responses(item: &Value, items: &mut Vec<Item>) -> Result<(), String> {
    let content = &item["content"];
    match (item["type"].as_str(), item["role"].as_str()) {
        (Some("message"), Some("system" | "developer")) => {
            items.push(Item::System(text(content)?));
        }
        (Some("message"), Some("user")) => user(content, "input_text", items)?,
        (Some("message"), Some("assistant")) => {
            for part in content.as_array().ok_or("no parts")? {
                let field = match part["type"].as_str() {
                    Some("output_text") => "text",
                    Some("refusal") => "refusal",
                    _ => return Err(format!("{part} cannot be said")),
                };
                items.push(Item::Said(text(&part[field])?));
            }
        }
        (Some("reasoning"), None) => {
            let summary: Vec<String> = item["summary"]
                .as_array()
                .ok_or("no summary")?
                .iter()
                .map(|part| text(&part["text"]))
                .collect::<Result<_, _>>()?;
            let sealed = &item["encrypted_content"];
            items.push(Item::Thought(
                json!({"id": item["id"], "summary": summary.concat(), "sealed": sealed}),
            ));
        }
        (Some("function_call"), None) => items.push(written_call(&item["call_id"], item)?),
        (Some("function_call_output"), None) => items.push(Item::Result {
            id: text(&item["call_id"])?,
            content: text(&item["output"])?,
        }),
        _ => return Err(format!("{item} is no item")),
    }
    Ok(())
}

/// Turns that alternate, the user's first, with the system's words apart.
fn anthropic(body: &Value) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for block in body["system"].as_array().into_iter().flatten() {
        items.push(Item::System(text(&block["text"])?));
    }
    let turns = body["messages"].as_array().ok_or("there is no list")?;
    for (turn, role) in turns.iter().zip(["user", "assistant"].into_iter().cycle()) {
        if turn["role"] != role {
            return Err(format!("it is the turn of {role}, and not of {turn}"));
        }
        let blocks = turn["content"].as_array().ok_or("no blocks")?;
        if blocks.is_empty() {
            return Err("an empty turn".to_owned());
        }
        for block in blocks {
            items.push(anthropic_block(role, block)?);
        }
    }
    Ok(items)
}

fn anthropic_block(role: &str, block: &Value) -> Result<Item, String> {
    Ok(match (role, block["type"].as_str()) {
        ("user", Some("text")) => Item::User(text(&block["text"])?),
        ("user", Some("document")) if block["source"]["type"] == "base64" => {
            Item::File(text(&block["source"]["data"])?)
        }
        (_, Some("text")) => Item::Said(text(&block["text"])?),
        ("assistant", Some("thinking")) => {
            Item::Thought(json!({"thinking": block["thinking"], "signature": block["signature"]}))
        }
        ("assistant", Some("redacted_thinking")) => Item::Thought(json!({"data": block["data"]})),
        ("assistant", Some("tool_use")) if block["input"].is_object() => Item::Call {
            id: text(&block["id"])?,
            tool: text(&block["name"])?,
            arguments: block["input"].clone(),
        },
        ("user", Some("tool_result")) => Item::Result {
            id: text(&block["tool_use_id"])?,
            content: text(&block["content"])?,
        },
        _ => return Err(format!("{block} is no block of {role}")),
    })
}

fn ollama(message: &Value, items: &mut Vec<Item>) -> Result<(), String> {
    let content = message.get("content").map_or(Ok(String::new()), text)?;
    match message["role"].as_str() {
        Some("system") => items.push(Item::System(content)),
        Some("user") => items.push(Item::User(content)),
        Some("tool") => {
            let id = text(&message["tool_call_id"])?;
            let called = items.iter().rev().find_map(|item| match item {
                Item::Call {
                    id: known, tool, ..
                } if *known == id => Some(tool.as_str()),
                _ => None,
            });
            if called != message["tool_name"].as_str() {
                return Err(format!("{message} names another tool than {called:?}"));
            }
            items.push(Item::Result { id, content });
        }
        Some("assistant") => {
            if let Some(thought) = message.get("thinking") {
                items.push(Item::Thought(thought.clone()));
            }
            if !content.is_empty() {
                items.push(Item::Said(content));
            }
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let function = &call["function"];
                if !function["arguments"].is_object() {
                    return Err(format!("{call} has no object of arguments"));
                }
                items.push(Item::Call {
                    id: text(&call["id"])?,
                    tool: text(&function["name"])?,
                    arguments: function["arguments"].clone(),
                });
            }
        }
        _ => return Err(format!("{message} is of no role")),
    }
    Ok(())
}
