//! A request as the bytes of its body.

mod thinking;

use self::thinking::Thinking;
use super::{
    rules::{ModelRules, Sampling},
    turn,
};
use crate::{
    AnthropicConfig, DIALECT,
    wire::request::{FormatBody, OutputBody, ToolBody, ToolChoiceBody},
};
use serde_json::json;
use towline_core::{
    CompletionOptions, Error, ErrorKind, Request, ResponseFormat, Text, ToolChoice,
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

/// What says how an answer is made, and has no place in the question how long a prompt is.
const OF_ANSWERS: &[&str] = &[
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
];

/// Writes the body. The messages come last, from their cache, so that the prefix of a conversation
/// has the same bytes in every turn.
pub(crate) fn encode(config: &AnthropicConfig, request: &Request) -> Result<Encoded, Error> {
    write(config, request, fields(config, request))
}

/// Writes the body of the question how many tokens the request has: the same without the fields that
/// say how the answer is made.
pub(crate) fn encode_count(
    config: &AnthropicConfig,
    request: &Request,
) -> Result<RequestBody, Error> {
    let fields = fields(config, request).without(OF_ANSWERS);
    Ok(write(config, request, fields)?.body)
}

fn fields<'a>(config: &AnthropicConfig, request: &'a Request) -> Fields<'a> {
    Fields::new(request.options(), [config.name(), DIALECT], OURS)
}

fn write(
    config: &AnthropicConfig,
    request: &Request,
    mut fields: Fields<'_>,
) -> Result<Encoded, Error> {
    let options = request.options();
    let messages = turn::messages(request.conversation())?;
    let system = turn::system(request.conversation())?;
    fields.reserve(compose::room(messages.len()) + system.len());
    let rules = ModelRules::of(request.model());
    let thinking = Thinking::plan(&mut fields, rules, config.default_max_tokens(), options)?;
    fields.put("model", request.model())?;
    fields.put("max_tokens", &thinking.max_tokens)?;
    if request.stream() {
        fields.put("stream", &true)?;
    }
    sampling(&mut fields, rules, &thinking, options)?;
    output(&mut fields, &thinking, options)?;
    tools(&mut fields, &thinking, options)?;
    if !system.is_empty() {
        fields.put_list("system", &system)?;
    }
    let (head, dropped) = fields.finish("messages")?;
    Ok(Encoded {
        body: compose::assemble(head, &messages, turn::END),
        dropped,
    })
}

fn sampling(
    fields: &mut Fields<'_>,
    rules: ModelRules,
    thinking: &Thinking,
    options: &CompletionOptions,
) -> Result<(), Error> {
    if let Some(temperature) = share("temperature", options.temperature())? {
        if rules.sampling == Sampling::Neither {
            refuse_unless_default(fields, "temperature", temperature)?;
        } else if thinking.is_on() && temperature < 1.0 {
            fields.refuse("temperature", "while it thinks, the model takes only 1")?;
        } else {
            fields.put("temperature", &temperature)?;
        }
    }
    if let Some(top_p) = share("top_p", options.top_p())? {
        if rules.sampling == Sampling::Neither {
            refuse_unless_default(fields, "top_p", top_p)?;
        } else if rules.sampling == Sampling::OneOfThem && options.temperature().is_some() {
            fields.refuse("top_p", "this model takes it only without `temperature`")?;
        } else if thinking.is_on() && top_p < 0.95 {
            fields.refuse("top_p", "while it thinks, the model takes 0.95 to 1")?;
        } else {
            fields.put("top_p", &top_p)?;
        }
    }
    for (name, set) in [
        ("presence_penalty", options.presence_penalty().is_some()),
        ("frequency_penalty", options.frequency_penalty().is_some()),
        ("seed", options.seed().is_some()),
    ] {
        if set {
            fields.refuse(name, "the Messages API has nothing like it")?;
        }
    }
    if !options.stop().is_empty() {
        let stop: Vec<&str> = options.stop().iter().map(Text::as_str).collect();
        fields.put("stop_sequences", &stop)?;
    }
    match options.user() {
        Some(user) => fields.put("metadata", &json!({"user_id": user})),
        None => Ok(()),
    }
}

/// For a model that takes no sampling: the default, 1, is what it does anyway, and is not sent.
fn refuse_unless_default(
    fields: &mut Fields<'_>,
    name: &'static str,
    share: f64,
) -> Result<(), Error> {
    if share < 1.0 {
        return fields.refuse(name, "this model takes only its default");
    }
    Ok(())
}

/// A number from 0 to 1, which is all that the API takes.
fn share(name: &str, value: Option<f64>) -> Result<Option<f64>, Error> {
    match value {
        Some(number) if !(0.0..=1.0).contains(&number) => {
            Err(Error::new(ErrorKind::InvalidRequest).with_message(format!(
                "the option `{name}` is {number}; Anthropic takes 0 to 1"
            )))
        }
        _ => Ok(value),
    }
}

/// Thinking, and what goes into `output_config`.
fn output(
    fields: &mut Fields<'_>,
    thinking: &Thinking,
    options: &CompletionOptions,
) -> Result<(), Error> {
    fields.put_option("thinking", thinking.body.as_ref())?;
    let format = match options.response_format() {
        None | Some(ResponseFormat::Text) => None,
        Some(ResponseFormat::JsonSchema(schema)) => Some(FormatBody::JsonSchema {
            schema: Json(schema.schema()),
        }),
        Some(ResponseFormat::Json) => {
            fields.refuse(
                "response_format",
                "Anthropic takes no JSON without a schema; `ResponseFormat::JsonSchema` gives one",
            )?;
            None
        }
        Some(other) => {
            fields.refuse("response_format", &format!("{other:?} is unknown here"))?;
            None
        }
    };
    let effort = thinking.effort;
    if format.is_none() && effort.is_none() {
        return Ok(());
    }
    fields.put("output_config", &OutputBody { effort, format })
}

fn tools(
    fields: &mut Fields<'_>,
    thinking: &Thinking,
    options: &CompletionOptions,
) -> Result<(), Error> {
    if options.tools().is_empty() {
        return Ok(());
    }
    let tools = options.tools().iter().map(|tool| ToolBody {
        name: tool.name(),
        description: tool.description(),
        input_schema: Json(tool.parameters()),
        strict: tool.strict(),
    });
    fields.put("tools", &tools.collect::<Vec<_>>())?;
    let one_at_a_time = options.parallel_tool_calls() == Some(false);
    let body = |kind, name| ToolChoiceBody {
        kind,
        name,
        disable_parallel_tool_use: one_at_a_time,
    };
    let choice = match options.tool_choice() {
        None if one_at_a_time => body("auto", None),
        None => return Ok(()),
        Some(ToolChoice::Auto) => body("auto", None),
        Some(ToolChoice::None) => ToolChoiceBody {
            kind: "none",
            name: None,
            disable_parallel_tool_use: false,
        },
        Some(ToolChoice::Required | ToolChoice::Tool(_)) if thinking.has_budget() => {
            let why = "while it thinks, the model cannot be made to call a tool";
            return fields.refuse("tool_choice", why);
        }
        Some(ToolChoice::Required) => body("any", None),
        Some(ToolChoice::Tool(name)) => body("tool", Some(name.as_str())),
        Some(other) => {
            return fields.refuse("tool_choice", &format!("{other:?} is unknown here"));
        }
    };
    fields.put("tool_choice", &choice)
}

#[cfg(test)]
mod tests;
