//! Reads a chat request, and refuses what a provider would refuse, naming the field.

mod message;

use super::Fail;
use crate::{
    assistant::{Choice, Format, Prompt, Tool, tokens},
    dialect::{
        Scene,
        field::{Reason, Wrong, body, count, flag, given, list, range, stops, text},
    },
};
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

pub(super) fn chat(scene: &Scene<'_>) -> Result<ChatRequest, Fail> {
    let body = body(scene)?;
    let Some(model) = text(body, "model")? else {
        return Err(Wrong::missing("model", "the name of a model").into());
    };
    let messages = message::checked(body)?;
    check_ranges(body)?;
    let stream = flag(body, "stream")?.unwrap_or(false);
    let choices = count(body, "n", 1)?.unwrap_or(1);
    let mut prompt = Prompt {
        tools: tools(body)?,
        choice: choice(body, "/function/name")?,
        parallel: flag(body, "parallel_tool_calls")?.unwrap_or(true),
        format: format(body)?,
        effort: text(body, "reasoning_effort")?.map(ToOwned::to_owned),
        max_tokens: count(body, "max_completion_tokens", 1)?.or(count(body, "max_tokens", 1)?),
        stop: stops(body.get("stop")),
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

fn check_ranges(body: &Value) -> Result<(), Wrong> {
    range(body, "temperature", 0.0, 2.0)?;
    range(body, "top_p", 0.0, 1.0)?;
    range(body, "frequency_penalty", -2.0, 2.0)?;
    range(body, "presence_penalty", -2.0, 2.0)
}

fn tools(body: &Value) -> Result<Vec<Tool>, Wrong> {
    let list = list(body, "tools")?.unwrap_or_default();
    let read = list.iter().enumerate().map(|(index, tool)| {
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

/// The choice of tools; `named` is where a tool's name stands in it.
pub(in crate::dialect) fn choice(body: &Value, named: &str) -> Result<Choice, Wrong> {
    let at = "tool_choice";
    match given(body, at) {
        None => Ok(Choice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" | "any" => Ok(Choice::Required),
            other => Err(Wrong::word(at, other, &["auto", "none", "required"])),
        },
        Some(choice) => match choice.pointer(named).and_then(Value::as_str) {
            Some(name) => Ok(Choice::Named(name.to_owned())),
            None => {
                let at = format!("{at}{}", named.replace('/', "."));
                Err(Wrong::missing(at, "the name of a tool"))
            }
        },
    }
}

/// Refuses a choice of a tool that is not offered.
pub(in crate::dialect) fn check_choice(prompt: &Prompt) -> Result<(), Wrong> {
    let fits = match &prompt.choice {
        Choice::Auto | Choice::None => true,
        Choice::Required => !prompt.tools.is_empty(),
        Choice::Named(name) => prompt.tools.iter().any(|tool| tool.name == *name),
    };
    if fits {
        return Ok(());
    }
    let what = "asks for a tool that is not in 'tools'";
    Err(Wrong::new("tool_choice", Reason::Other, what))
}

fn format(body: &Value) -> Result<Format, Wrong> {
    let Some(format) = given(body, "response_format") else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => match format.pointer("/json_schema/schema") {
            Some(schema) => Ok(Format::Schema(schema.clone())),
            None => {
                let at = "response_format.json_schema.schema";
                Err(Wrong::missing(at, "the schema"))
            }
        },
        _ => {
            let what = "must be text, json_object or json_schema";
            Err(Wrong::value("response_format.type", what))
        }
    }
}
