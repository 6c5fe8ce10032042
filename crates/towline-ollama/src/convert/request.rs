//! A request as the bytes of its body.

use super::{message, names::ToolNames};
use crate::{
    DIALECT, OllamaConfig,
    wire::request::{FunctionBody, ToolBody},
};
use serde_json::{Map, Value};
use towline_core::{
    CompletionOptions, Error, ErrorKind, ReasoningEffort, Request, ResponseFormat, Text,
    ToolChoice, WireDialect, WireForm,
};
use towline_transport::{
    RequestBody,
    compose::{self, Fields, Json},
};

/// The body of a request, and the options that had to stay out of it.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) body: RequestBody,
    pub(crate) dropped: Vec<&'static str>,
}

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: &[&str] = &["messages", "model", "stream"];

/// How messages are written.
const MESSAGES: WireDialect = WireDialect::new("ollama-chat", 0);

/// Writes the body. The messages come last, from their cache.
pub(crate) fn encode(config: &OllamaConfig, request: &Request) -> Result<Encoded, Error> {
    let messages = messages(request)?;
    let options = request.options();
    let mut fields = Fields::new(options, [config.name(), DIALECT], OURS);
    fields.reserve(compose::room(messages.len()));
    fields.put("model", request.model())?;
    // Left out it would mean yes.
    fields.put("stream", &request.stream())?;
    fields.put_option("keep_alive", config.keep_alive().map(|time| time.as_str()))?;
    sampling(&mut fields, options)?;
    reasoning(&mut fields, request.model(), options)?;
    tools(&mut fields, options)?;
    format(&mut fields, options)?;
    if options.user().is_some() {
        fields.refuse("user", "Ollama knows no users")?;
    }
    let (head, dropped) = fields.finish("messages")?;
    Ok(Encoded {
        body: compose::assemble(head, &messages, b"]}"),
        dropped,
    })
}

fn messages(request: &Request) -> Result<WireForm, Error> {
    let conversation = request.conversation();
    let mut names = ToolNames::new(conversation.messages());
    let messages = conversation.wire(MESSAGES, |message, out| {
        names.advance(message);
        message::write(&names, message, out)
    })?;
    if messages.is_empty() {
        // The server would take it as the wish to load the model.
        return Err(Error::new(ErrorKind::InvalidRequest)
            .with_message("the conversation is empty: there is nothing to answer"));
    }
    Ok(messages)
}

/// The options of the sampler stand in an object of their own.
fn sampling(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    let mut own = Map::new();
    for (name, value) in [
        ("temperature", options.temperature()),
        ("top_p", options.top_p()),
        ("presence_penalty", options.presence_penalty()),
        ("frequency_penalty", options.frequency_penalty()),
    ] {
        let Some(number) = value else { continue };
        if !number.is_finite() {
            return Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                "the option `{name}` is {number}, which is no number"
            )));
        }
        own.insert(name.to_owned(), number.into());
    }
    if let Some(tokens) = options.max_tokens() {
        own.insert("num_predict".to_owned(), tokens.into());
    }
    if let Some(seed) = options.seed() {
        own.insert("seed".to_owned(), seed.into());
    }
    if !options.stop().is_empty() {
        let stop = options.stop().iter().map(Text::as_str);
        own.insert("stop".to_owned(), stop.map(Value::from).collect());
    }
    fields.put_joined("options", own)
}

/// `gpt-oss` takes levels, other models take yes or no.
///
/// Source: <https://docs.ollama.com/capabilities/thinking>, read in November 2026.
fn reasoning(
    fields: &mut Fields<'_>,
    model: &str,
    options: &CompletionOptions,
) -> Result<(), Error> {
    let Some(effort) = options.reasoning() else {
        return match options.reasoning_budget() {
            None => Ok(()),
            Some(_) => fields.refuse(
                "reasoning_budget",
                "Ollama takes no number of tokens; set `reasoning`",
            ),
        };
    };
    let level = match effort {
        ReasoningEffort::None => return fields.put("think", &false),
        _ if !model.contains("gpt-oss") => return fields.put("think", &true),
        ReasoningEffort::Minimal => "low",
        other => other.as_str(),
    };
    fields.put("think", level)
}

fn tools(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    if options.tools().is_empty() {
        return Ok(());
    }
    match options.tool_choice() {
        // What the server does anyway.
        None | Some(ToolChoice::Auto) => {}
        // A tool that the model is not told of is not called.
        Some(ToolChoice::None) => return Ok(()),
        Some(_) => fields.refuse(
            "tool_choice",
            "with Ollama the model decides; it cannot be made to call a tool",
        )?,
    }
    if options.parallel_tool_calls() == Some(false) {
        fields.refuse(
            "parallel_tool_calls",
            "with Ollama the model may call several tools at once",
        )?;
    }
    let tools = options.tools().iter().map(|tool| ToolBody {
        function: FunctionBody {
            name: tool.name(),
            description: tool.description(),
            parameters: Json(tool.parameters()),
        },
    });
    fields.put("tools", &tools.collect::<Vec<_>>())
}

fn format(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    match options.response_format() {
        None | Some(ResponseFormat::Text) => Ok(()),
        Some(ResponseFormat::Json) => fields.put("format", "json"),
        Some(ResponseFormat::JsonSchema(schema)) => fields.put("format", &Json(schema.schema())),
        Some(other) => fields.refuse("response_format", &format!("{other:?} is unknown here")),
    }
}

#[cfg(test)]
mod tests;
