//! Reads a chat request, and refuses what a provider would refuse, naming the field.

mod message;

use super::Fail;
use crate::{
    assistant::{Choice, Format, Prompt, Tool, tokens},
    dialect::Scene,
};
use http::StatusCode;
use serde_json::Value;

/// A chat request, read.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// How many answers are asked for.
    pub(super) choices: usize,
    pub(super) prompt: Prompt,
}

/// The body of a call as a JSON object.
pub(super) fn body<'a>(scene: &Scene<'a>) -> Result<&'a Value, Fail> {
    let refused = |message: String| Fail::of_status(StatusCode::BAD_REQUEST).with_message(message);
    match scene.call.json() {
        Ok(body) if body.is_object() => Ok(body),
        Ok(other) => Err(refused(format!(
            "The body must be a JSON object, not {}.",
            kind_of(other)
        ))),
        Err(cause) => Err(refused(format!("The body is not valid JSON: {cause}."))),
    }
}

/// An optional text field.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Fail> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(name, "a string", other)),
    }
}

/// What a JSON value is, for messages.
pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

pub(super) fn chat(scene: &Scene<'_>) -> Result<ChatRequest, Fail> {
    let body = body(scene)?;
    let Some(model) = text(body, "model")? else {
        return Err(missing("model", "the name of a model"));
    };
    let messages = message::checked(body)?;
    check_ranges(body)?;
    let stream = flag(body, "stream")?.unwrap_or(false);
    let choices = count(body, "n", 1)?.unwrap_or(1);
    let mut prompt = Prompt {
        tools: tools(body)?,
        choice: choice(body)?,
        parallel: flag(body, "parallel_tool_calls")?.unwrap_or(true),
        format: format(body)?,
        effort: text(body, "reasoning_effort")?.map(ToOwned::to_owned),
        max_tokens: count(body, "max_completion_tokens", 1)?.or(count(body, "max_tokens", 1)?),
        stop: stop(body),
        ..Prompt::default()
    };
    check_choice(&prompt)?;
    message::read(&mut prompt, messages);
    let extra = tokens(&body.get("tools").map(Value::to_string).unwrap_or_default());
    let prefixes = message::prefixes(messages, model, extra);
    prompt.input_tokens = prefixes.last().map_or(0, |(_, tokens)| *tokens);
    prompt.cached_tokens = scene.memory.cached_tokens(&prefixes);
    Ok(ChatRequest {
        model: model.to_owned(),
        stream,
        include_usage: body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)),
        choices: usize::try_from(choices).unwrap_or(usize::MAX),
        prompt,
    })
}

fn check_ranges(body: &Value) -> Result<(), Fail> {
    for (name, low, high) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("frequency_penalty", -2.0, 2.0),
        ("presence_penalty", -2.0, 2.0),
    ] {
        let value = match body.get(name) {
            None | Some(Value::Null) => continue,
            Some(value) => value,
        };
        let Some(number) = value.as_f64() else {
            return Err(wrong_type(name, "a number", value));
        };
        if number < low || number > high {
            let code = if number < low {
                "decimal_below_min_value"
            } else {
                "decimal_above_max_value"
            };
            let message = format!("'{name}' must be from {low} to {high}, not {number}.");
            return Err(Fail::invalid(name, Some(code), message));
        }
    }
    Ok(())
}

fn flag(body: &Value, name: &str) -> Result<Option<bool>, Fail> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(wrong_type(name, "a boolean", other)),
    }
}

fn count(body: &Value, name: &str, least: u64) -> Result<Option<u64>, Fail> {
    let value = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    match value.as_u64() {
        Some(number) if number >= least => Ok(Some(number)),
        Some(_) => {
            let message = format!("'{name}' must be at least {least}.");
            Err(Fail::invalid(
                name,
                Some("integer_below_min_value"),
                message,
            ))
        }
        None if value.is_i64() => {
            let message = format!("'{name}' must be at least {least}, not {value}.");
            Err(Fail::invalid(
                name,
                Some("integer_below_min_value"),
                message,
            ))
        }
        None => Err(wrong_type(name, "an integer", value)),
    }
}

fn tools(body: &Value) -> Result<Vec<Tool>, Fail> {
    let list = match body.get("tools") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type("tools", "an array", other)),
    };
    let read = list.iter().enumerate().map(|(index, tool)| {
        let Some(name) = tool.pointer("/function/name").and_then(Value::as_str) else {
            return Err(missing(
                &format!("tools[{index}].function.name"),
                "the name of the tool",
            ));
        };
        let schema = tool.pointer("/function/parameters").cloned();
        Ok(Tool {
            name: name.to_owned(),
            schema: schema.unwrap_or_default(),
        })
    });
    read.collect()
}

fn choice(body: &Value) -> Result<Choice, Fail> {
    let at = "tool_choice";
    match body.get(at) {
        None | Some(Value::Null) => Ok(Choice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" | "any" => Ok(Choice::Required),
            other => {
                let message = format!("'{other}' is not one of auto, none, required.");
                Err(Fail::invalid(at, Some("invalid_value"), message))
            }
        },
        Some(choice) => match choice.pointer("/function/name").and_then(Value::as_str) {
            Some(name) => Ok(Choice::Named(name.to_owned())),
            None => Err(missing("tool_choice.function.name", "the name of a tool")),
        },
    }
}

fn check_choice(prompt: &Prompt) -> Result<(), Fail> {
    let fits = match &prompt.choice {
        Choice::Auto | Choice::None => true,
        Choice::Required => !prompt.tools.is_empty(),
        Choice::Named(name) => prompt.tools.iter().any(|tool| tool.name == *name),
    };
    if fits {
        return Ok(());
    }
    let message = "'tool_choice' asks for a tool that is not in 'tools'.";
    Err(Fail::invalid("tool_choice", None, message))
}

fn format(body: &Value) -> Result<Format, Fail> {
    let Some(format) = body
        .get("response_format")
        .filter(|format| !format.is_null())
    else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => match format.pointer("/json_schema/schema") {
            Some(schema) => Ok(Format::Schema(schema.clone())),
            None => Err(missing("response_format.json_schema.schema", "the schema")),
        },
        _ => {
            let message = "'response_format.type' must be text, json_object or json_schema.";
            Err(Fail::invalid(
                "response_format.type",
                Some("invalid_value"),
                message,
            ))
        }
    }
}

fn stop(body: &Value) -> Vec<String> {
    match body.get("stop") {
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(Value::Array(stops)) => {
            let texts = stops.iter().filter_map(Value::as_str);
            texts.map(ToOwned::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn missing(param: &str, what: &str) -> Fail {
    let message = format!("'{param}' is required: {what}.");
    Fail::invalid(param, Some("missing_required_parameter"), message)
}

fn wrong_type(param: &str, wanted: &str, found: &Value) -> Fail {
    let message = format!("'{param}' must be {wanted}, not {}.", kind_of(found));
    Fail::invalid(param, Some("invalid_type"), message)
}
