//! A request as the bytes of its body.

use super::{message, rules::ModelRules};
use crate::{
    Flavor, OpenAiConfig,
    flavor::ReasoningAsk,
    wire::request::{FormatBody, FunctionBody, NameBody, SchemaBody, ToolBody, ToolChoiceBody},
};
use serde_json::json;
use towline_core::{
    CompletionOptions, Error, ErrorKind, Request, ResponseFormat, Text, ToolChoice, WireDialect,
    WireForm,
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

/// Why a reasoning model is not sent a sampling option.
pub(crate) const ONLY_DEFAULT: &str = "reasoning models take only its default";

/// What the caller cannot set raw: it decides how the answer is read.
const OURS: &[&str] = &["input", "messages", "model", "stream", "stream_options"];

/// Writes the body. The messages come last, from their cache, so that the prefix of a conversation
/// has the same bytes in every turn.
pub(crate) fn encode(config: &OpenAiConfig, request: &Request) -> Result<Encoded, Error> {
    let rules = config.rules(request.model());
    let messages = messages(config, rules, request)?;
    let flavor = config.flavor();
    let mut fields = fields(config, request, messages.len());
    fields.put("model", request.model())?;
    if request.stream() {
        fields.put("stream", &true)?;
        if config.stream_usage() {
            fields.put("stream_options", &json!({"include_usage": true}))?;
        }
    }
    let options = request.options();
    sampling(&mut fields, flavor, rules, options)?;
    reasoning(&mut fields, flavor, options)?;
    tools(&mut fields, flavor, options)?;
    format(&mut fields, flavor, options)?;
    let (head, dropped) = fields.finish("messages")?;
    Ok(Encoded {
        body: compose::assemble(head, &messages, b"]}"),
        dropped,
    })
}

/// No field yet, with room for `length` bytes of messages where they are copied.
pub(crate) fn fields<'a>(config: &OpenAiConfig, request: &'a Request, length: usize) -> Fields<'a> {
    let names = [config.name(), config.flavor().name()];
    let mut fields = Fields::new(request.options(), names, OURS);
    fields.reserve(compose::room(length));
    fields
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
    flavor: Flavor,
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
    fields.put_option(flavor.traits().seed, options.seed().as_ref())?;
    if !options.stop().is_empty() {
        let stop: Vec<&str> = options.stop().iter().map(Text::as_str).collect();
        fields.put("stop", &stop)?;
    }
    fields.put_option("user", options.user().as_ref())
}

fn reasoning(
    fields: &mut Fields<'_>,
    flavor: Flavor,
    options: &CompletionOptions,
) -> Result<(), Error> {
    let ask = flavor.traits().reasoning;
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

fn tools(
    fields: &mut Fields<'_>,
    flavor: Flavor,
    options: &CompletionOptions,
) -> Result<(), Error> {
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
    let required = flavor.traits().required;
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

fn format(
    fields: &mut Fields<'_>,
    flavor: Flavor,
    options: &CompletionOptions,
) -> Result<(), Error> {
    let body = match options.response_format() {
        None => return Ok(()),
        Some(ResponseFormat::Text) => FormatBody::Text,
        Some(ResponseFormat::Json) => FormatBody::JsonObject,
        Some(ResponseFormat::JsonSchema(schema)) if flavor.traits().json_schema => {
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
