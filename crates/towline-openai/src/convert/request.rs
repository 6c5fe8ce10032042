//! A request as the bytes of its body.

mod fields;

pub(crate) use self::fields::Fields;

use super::{message, rules::ModelRules};
use crate::{
    OpenAiConfig,
    flavor::ReasoningAsk,
    wire::request::{
        FormatBody, FunctionBody, Json, NameBody, SchemaBody, ToolBody, ToolChoiceBody,
    },
};
use bytes::Bytes;
use serde_json::json;
use towline_core::{
    CompletionOptions, Error, ErrorKind, Request, ResponseFormat, Text, ToolChoice, WireDialect,
    WireForm,
};
use towline_transport::RequestBody;

/// The body of a request, and the options that had to stay out of it.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) body: RequestBody,
    pub(crate) dropped: Vec<&'static str>,
}

/// Why a reasoning model is not sent a sampling option.
pub(crate) const ONLY_DEFAULT: &str = "reasoning models take only its default";

/// Up to this size the messages are copied behind the options: that costs less than more buffers.
pub(crate) const ONE_PIECE: usize = 16 * 1024;

/// Writes the body. The messages come last, from their cache, so that the prefix of a conversation
/// has the same bytes in every turn.
pub(crate) fn encode(config: &OpenAiConfig, request: &Request) -> Result<Encoded, Error> {
    let rules = config.rules(request.model());
    let messages = messages(config, rules, request)?;
    let mut fields = Fields::new(messages.len(), config, request.options());
    fields.put("model", request.model())?;
    if request.stream() {
        fields.put("stream", &true)?;
        if config.stream_usage() {
            fields.put("stream_options", &json!({"include_usage": true}))?;
        }
    }
    sampling(&mut fields, rules, request.options())?;
    reasoning(&mut fields, request.options())?;
    tools(&mut fields, request.options())?;
    format(&mut fields, request.options())?;
    let (head, dropped) = fields.finish("messages")?;
    Ok(Encoded {
        body: assemble(head, &messages),
        dropped,
    })
}

fn messages(
    config: &OpenAiConfig,
    rules: ModelRules,
    request: &Request,
) -> Result<WireForm, Error> {
    let flavor = config.flavor();
    let dialect = WireDialect::new("openai-chat", rules.variant(flavor));
    reject_empty(request)?;
    request.conversation().wire(dialect, |message, out| {
        message::write(flavor, rules, message, out)
    })
}

/// Puts the messages behind the other fields: in one buffer, or as shared pieces.
pub(crate) fn assemble(mut head: Vec<u8>, messages: &WireForm) -> RequestBody {
    if messages.len() <= ONE_PIECE {
        for segment in messages.segments() {
            head.extend_from_slice(segment);
        }
        head.extend_from_slice(b"]}");
        return RequestBody::from(head);
    }
    let mut pieces = Vec::with_capacity(messages.segments().len() + 2);
    pieces.push(Bytes::from(head));
    pieces.extend(messages.segments().iter().cloned());
    pieces.push(Bytes::from_static(b"]}"));
    RequestBody::segments(pieces)
}

pub(crate) fn reject_empty(request: &Request) -> Result<(), Error> {
    if !request.conversation().is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRequest)
        .with_message("the conversation is empty: there is nothing to answer"))
}

/// JSON has no word for what is no number.
pub(crate) fn check_number(name: &str, number: f64) -> Result<(), Error> {
    if number.is_finite() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the option `{name}` is {number}, which is no number"
    )))
}

fn sampling(
    fields: &mut Fields<'_>,
    rules: ModelRules,
    options: &CompletionOptions,
) -> Result<(), Error> {
    fields.put_option(rules.max_tokens, options.max_tokens().as_ref())?;
    for (name, default, value) in [
        ("temperature", 1.0, options.temperature()),
        ("top_p", 1.0, options.top_p()),
        ("presence_penalty", 0.0, options.presence_penalty()),
        ("frequency_penalty", 0.0, options.frequency_penalty()),
    ] {
        let Some(number) = value else { continue };
        check_number(name, number)?;
        if rules.takes(number, default) {
            fields.put(name, &number)?;
        } else {
            fields.refuse(name, ONLY_DEFAULT)?;
        }
    }
    let seed = fields.flavor().traits().seed;
    fields.put_option(seed, options.seed().as_ref())?;
    if !options.stop().is_empty() {
        let stop: Vec<&str> = options.stop().iter().map(Text::as_str).collect();
        fields.put("stop", &stop)?;
    }
    fields.put_option("user", options.user().as_ref())
}

fn reasoning(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    let ask = fields.flavor().traits().reasoning;
    if let Some(budget) = options.set_reasoning_budget() {
        if ask == ReasoningAsk::Object {
            return fields.put("reasoning", &json!({"max_tokens": budget}));
        }
        fields.refuse(
            "reasoning_budget",
            "this server takes an effort and no number of tokens; set `reasoning`",
        )?;
    }
    let Some(effort) = options.reasoning() else {
        return Ok(());
    };
    match ask {
        ReasoningAsk::Effort => fields.put("reasoning_effort", effort.as_str()),
        ReasoningAsk::Object => fields.put("reasoning", &json!({"effort": effort.as_str()})),
        ReasoningAsk::Thinking if effort.budget() == 0 => {
            fields.put("thinking", &json!({"type": "disabled"}))
        }
        ReasoningAsk::Thinking => {
            fields.put("thinking", &json!({"type": "enabled"}))?;
            fields.put("reasoning_effort", effort.as_str())
        }
    }
}

fn tools(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    if options.tools().is_empty() {
        return no_tools(fields, options);
    }
    let tools = options.tools().iter().map(|tool| ToolBody {
        function: FunctionBody {
            name: tool.name(),
            description: tool.description(),
            parameters: Json(tool.parameters()),
            strict: tool.strict(),
        },
    });
    fields.put("tools", &tools.collect::<Vec<_>>())?;
    let required = fields.flavor().traits().required;
    match options.tool_choice() {
        None => {}
        Some(ToolChoice::Auto) => fields.put("tool_choice", "auto")?,
        Some(ToolChoice::None) => fields.put("tool_choice", "none")?,
        Some(ToolChoice::Required) => fields.put("tool_choice", required)?,
        Some(ToolChoice::Tool(name)) => {
            let function = NameBody { name };
            fields.put("tool_choice", &ToolChoiceBody { function })?;
        }
        Some(other) => fields.refuse("tool_choice", &format!("{other:?} is unknown here"))?,
    }
    fields.put_option(
        "parallel_tool_calls",
        options.parallel_tool_calls().as_ref(),
    )
}

/// Without tools a choice among them is mostly moot; one that must be made cannot be.
pub(crate) fn no_tools(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    match options.tool_choice() {
        Some(ToolChoice::Required | ToolChoice::Tool(_)) => {
            fields.refuse("tool_choice", "it asks for a tool, and there are none")
        }
        _ => Ok(()),
    }
}

fn format(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    let body = match options.response_format() {
        None => return Ok(()),
        Some(ResponseFormat::Text) => FormatBody::Text,
        Some(ResponseFormat::Json) => FormatBody::JsonObject,
        Some(ResponseFormat::JsonSchema(schema)) if fields.flavor().traits().json_schema => {
            FormatBody::JsonSchema {
                json_schema: SchemaBody {
                    name: schema.name(),
                    schema: Json(schema.schema()),
                    strict: schema.strict(),
                },
            }
        }
        Some(ResponseFormat::JsonSchema(_)) => {
            fields.refuse(
                "response_format",
                "this server takes no JSON schema; `ResponseFormat::Json` asks for some JSON object",
            )?;
            FormatBody::JsonObject
        }
        Some(other) => {
            return fields.refuse("response_format", &format!("{other:?} is unknown here"));
        }
    };
    fields.put("response_format", &body)
}

#[cfg(test)]
mod tests;
