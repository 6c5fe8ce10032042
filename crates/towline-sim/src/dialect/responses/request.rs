//! Reads a request for a response, and refuses what the provider would refuse, naming the field.

mod input;

use crate::{
    DEFAULT_MODEL,
    assistant::{Format, Prompt, Tool, tokens},
    dialect::{
        Scene,
        field::{Reason, Wrong, body, count, flag, given, list, range, text},
        openai::{CREATED, Fail, check_choice, choice},
    },
};
use http::StatusCode;
use serde_json::{Value, json};

/// The fields of a request; any other is refused.
///
/// Source: the published description of the API, version 2.3.0.
const FIELDS: [&str; 31] = [
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The least that `max_output_tokens` may be.
const LEAST_OUTPUT: u64 = 16;

/// A request for a response, read.
#[derive(Debug)]
pub(super) struct ResponseRequest {
    /// The id of the response to come.
    pub(super) id: String,
    pub(super) model: String,
    pub(super) stream: bool,
    /// Whether the summary of what is thought is shown.
    pub(super) shows_summary: bool,
    /// Whether reasoning comes with encrypted content.
    pub(super) encrypts: bool,
    /// The whole conversation, that of former responses too.
    pub(super) items: Vec<Value>,
    pub(super) prompt: Prompt,
    body: Value,
    created: u64,
}

pub(super) fn read(scene: &Scene<'_>) -> Result<ResponseRequest, Fail> {
    let body = body(scene)?;
    let Some(model) = text(body, "model")? else {
        return Err(Wrong::missing("model", "the name of a model").into());
    };
    check_fields(body)?;
    let mut items = former(scene, body)?;
    let new = input::read(body)?;
    items.extend(new.iter().cloned());
    input::check_order(scene, &items)?;
    flag(body, "store")?;
    range(body, "temperature", 0.0, 2.0)?;
    range(body, "top_p", 0.0, 1.0)?;
    text(body, "instructions")?;
    let effort = below(body, "reasoning", "effort")?;
    let summary = below(body, "reasoning", "summary")?;
    let mut prompt = Prompt {
        tools: tools(body)?,
        choice: choice(body, "/name")?,
        parallel: flag(body, "parallel_tool_calls")?.unwrap_or(true),
        format: format(body)?,
        effort: effort.map(ToOwned::to_owned),
        max_tokens: count(body, "max_output_tokens", LEAST_OUTPUT)?,
        ..Prompt::default()
    };
    check_choice(&prompt)?;
    input::fill(&mut prompt, &items);
    let extra = ["instructions", "tools"].map(|name| body.get(name).map(Value::to_string));
    let extra: u64 = extra.iter().flatten().map(|part| tokens(part)).sum();
    let prefixes = input::prefixes(&items, model, extra);
    prompt.input_tokens = prefixes.last().map_or(0, |(_, tokens)| *tokens);
    prompt.cached_tokens = scene.memory.cached_tokens(&prefixes);
    let includes = list(body, "include")?.unwrap_or_default();
    Ok(ResponseRequest {
        model: model.to_owned(),
        stream: flag(body, "stream")?.unwrap_or(false),
        shows_summary: summary.is_some(),
        encrypts: includes
            .iter()
            .any(|item| item == "reasoning.encrypted_content"),
        items,
        prompt,
        body: body.clone(),
        ..ResponseRequest::unread(scene)
    })
}

fn check_fields(body: &Value) -> Result<(), Wrong> {
    let fields = body.as_object().into_iter().flatten();
    for (name, _) in fields {
        let moved = match name.as_str() {
            "messages" => "input",
            "max_tokens" | "max_completion_tokens" => "max_output_tokens",
            "response_format" => "text.format",
            "reasoning_effort" => "reasoning.effort",
            known if FIELDS.contains(&known) => continue,
            _ => {
                return Err(Wrong::new(
                    name,
                    Reason::Unknown,
                    "is no field of this request",
                ));
            }
        };
        let what = format!("is not supported here: it is '{moved}' in this API");
        return Err(Wrong::new(name, Reason::Unsupported, what));
    }
    Ok(())
}

/// The conversation that the request goes on with.
fn former(scene: &Scene<'_>, body: &Value) -> Result<Vec<Value>, Fail> {
    let Some(id) = text(body, "previous_response_id")? else {
        return Ok(Vec::new());
    };
    match scene.memory.stored(id) {
        Some(stored) => Ok(stored.items),
        None => {
            let at = "previous_response_id";
            let wrong = Wrong::value(at, format!("is '{id}', and no such response is stored"));
            Err(Fail::from(wrong).with_code("previous_response_not_found"))
        }
    }
}

fn tools(body: &Value) -> Result<Vec<Tool>, Wrong> {
    let listed = list(body, "tools")?.unwrap_or_default();
    let functions = listed.iter().enumerate().filter(|(_, tool)| {
        // The provider runs the others itself.
        tool.get("type").is_none_or(|kind| kind == "function")
    });
    let read = functions.map(|(index, tool)| {
        let at = |name: &str| format!("tools[{index}].{name}");
        if tool.get("type").is_none() {
            return Err(Wrong::missing(at("type"), "the type of the tool"));
        }
        let Some(name) = tool.get("name").and_then(Value::as_str) else {
            return Err(Wrong::missing(at("name"), "the name of the tool"));
        };
        let schema = tool.get("parameters").cloned();
        Ok(Tool {
            name: name.to_owned(),
            schema: schema.unwrap_or_default(),
        })
    });
    read.collect()
}

fn format(body: &Value) -> Result<Format, Wrong> {
    let Some(format) = body.pointer("/text/format").filter(|f| !f.is_null()) else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") if format.get("name").is_none() => {
            Err(Wrong::missing("text.format.name", "the name of the schema"))
        }
        Some("json_schema") => match format.get("schema") {
            Some(schema) => Ok(Format::Schema(schema.clone())),
            None => Err(Wrong::missing("text.format.schema", "the schema")),
        },
        _ => {
            let what = "must be text, json_object or json_schema";
            Err(Wrong::value("text.format.type", what))
        }
    }
}

/// An optional text inside an object.
fn below<'a>(body: &'a Value, outer: &str, inner: &str) -> Result<Option<&'a str>, Wrong> {
    let Some(object) = given(body, outer) else {
        return Ok(None);
    };
    text(object, inner).map_err(|wrong| wrong.inside(outer))
}

// === impl ResponseRequest ===

impl ResponseRequest {
    /// What is known of a request that is not valid.
    pub(super) fn unread(scene: &Scene<'_>) -> Self {
        Self {
            id: scene.make_id("resp", "response"),
            model: scene.call.model().unwrap_or(DEFAULT_MODEL).to_owned(),
            stream: scene.call.wants_stream(),
            shows_summary: true,
            encrypts: false,
            items: Vec::new(),
            prompt: Prompt::default(),
            body: Value::Null,
            created: CREATED + scene.call.id(),
        }
    }

    /// Whether the response is kept.
    pub(super) fn stores(&self) -> bool {
        self.body.is_object() && self.body.get("store") != Some(&Value::Bool(false))
    }

    /// The response before anything is said, with what was asked for.
    pub(super) fn echo(&self) -> Value {
        let sent = |name: &str| given(&self.body, name);
        let or = |name: &str, default: Value| sent(name).cloned().unwrap_or(default);
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "completed_at": null,
            "status": "in_progress",
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": sent("instructions"),
            "max_output_tokens": sent("max_output_tokens"),
            "metadata": or("metadata", json!({})),
            "model": self.model,
            "output": [],
            "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
            "previous_response_id": sent("previous_response_id"),
            "reasoning": {
                "effort": self.body.pointer("/reasoning/effort"),
                "summary": self.body.pointer("/reasoning/summary"),
            },
            "service_tier": "default",
            "store": self.stores(),
            "temperature": or("temperature", json!(1.0)),
            "text": or("text", json!({"format": {"type": "text"}})),
            "tool_choice": or("tool_choice", json!("auto")),
            "tools": or("tools", json!([])),
            "top_p": or("top_p", json!(1.0)),
            "truncation": or("truncation", json!("disabled")),
            "usage": null,
            "user": sent("user"),
        })
    }
}

/// A failure that names something that was looked for and is not there.
fn not_found(message: String) -> Fail {
    Fail::of_status(StatusCode::NOT_FOUND).with_message(message)
}
