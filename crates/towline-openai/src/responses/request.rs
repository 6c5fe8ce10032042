//! A request as the bytes of its body.

use super::message;
use crate::{
    OpenAiConfig,
    convert::{
        request::{Encoded, ONLY_DEFAULT, check_number, fields, no_tools, reject_empty},
        rules::ModelRules,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use towline_core::{
    CompletionOptions, Error, JsonSchema, Request, ResponseFormat, ToolChoice, ToolSpec,
    WireDialect,
};
use towline_transport::compose::{self, Fields, Json};

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
struct ToolBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: Json<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct TextBody<'a> {
    format: SchemaBody<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "json_schema")]
struct SchemaBody<'a> {
    name: &'a str,
    schema: Json<'a>,
    strict: bool,
}

/// Writes the body. The items come last, from their cache.
pub(crate) fn encode(config: &OpenAiConfig, request: &Request) -> Result<Encoded, Error> {
    let flavor = config.flavor();
    let rules = config.rules(request.model());
    reject_empty(request)?;
    let dialect = WireDialect::new("openai-responses", rules.variant(flavor));
    let items = request.conversation().wire(dialect, |message, out| {
        message::write(flavor, rules, message, out)
    })?;
    let options = request.options();
    let mut fields = fields(config, request, items.len());
    fields.put("model", request.model())?;
    if request.stream() {
        fields.put("stream", &true)?;
    }
    fields.put("store", &false)?;
    if !rules.sampling && !fields.is_raw("store") {
        fields.put("include", &["reasoning.encrypted_content"])?;
    }
    sampling(&mut fields, rules, options)?;
    reasoning(&mut fields, options)?;
    tools(&mut fields, options)?;
    format(&mut fields, options)?;
    let (head, dropped) = fields.finish("input")?;
    Ok(Encoded {
        body: compose::assemble(head, &items, b"]}"),
        dropped,
    })
}

fn sampling(
    fields: &mut Fields<'_>,
    rules: ModelRules,
    options: &CompletionOptions,
) -> Result<(), Error> {
    fields.put_option("max_output_tokens", options.max_tokens().as_ref())?;
    for (name, value) in [
        ("temperature", options.temperature()),
        ("top_p", options.top_p()),
    ] {
        let Some(number) = value else { continue };
        check_number(name, number)?;
        if rules.takes(number, 1.0) {
            fields.put(name, &number)?;
        } else {
            fields.refuse(name, ONLY_DEFAULT)?;
        }
    }
    let unknown = [
        ("presence_penalty", options.presence_penalty().is_some()),
        ("frequency_penalty", options.frequency_penalty().is_some()),
        ("seed", options.seed().is_some()),
        ("stop", !options.stop().is_empty()),
    ];
    for (name, _) in unknown.into_iter().filter(|(_, set)| *set) {
        fields.refuse(
            name,
            "the Responses API does not have it; `api = \"chat\"` does",
        )?;
    }
    fields.put_option("user", options.user().as_ref())
}

fn reasoning(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    if options.set_reasoning_budget().is_some() {
        fields.refuse(
            "reasoning_budget",
            "this server takes an effort and no number of tokens; set `reasoning`",
        )?;
    }
    let Some(effort) = options.reasoning() else {
        return Ok(());
    };
    let summary = (effort.budget() > 0).then_some("auto");
    fields.put(
        "reasoning",
        &json!({"effort": effort.as_str(), "summary": summary}),
    )
}

fn tools(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    if options.tools().is_empty() {
        return no_tools(fields, options);
    }
    let tools: Vec<_> = options.tools().iter().map(tool).collect();
    fields.put("tools", &tools)?;
    let choice = match options.tool_choice() {
        None => None,
        Some(ToolChoice::Auto) => Some(Value::from("auto")),
        Some(ToolChoice::None) => Some(Value::from("none")),
        Some(ToolChoice::Required) => Some(Value::from("required")),
        Some(ToolChoice::Tool(name)) => Some(json!({"type": "function", "name": &**name})),
        Some(other) => {
            fields.refuse("tool_choice", &format!("{other:?} is unknown here"))?;
            None
        }
    };
    fields.put_option("tool_choice", choice.as_ref())?;
    fields.put_option(
        "parallel_tool_calls",
        options.parallel_tool_calls().as_ref(),
    )
}

fn tool(tool: &ToolSpec) -> ToolBody<'_> {
    ToolBody {
        name: tool.name(),
        description: tool.description(),
        parameters: Json(tool.parameters()),
        strict: tool.strict(),
    }
}

fn format(fields: &mut Fields<'_>, options: &CompletionOptions) -> Result<(), Error> {
    match options.response_format() {
        None => Ok(()),
        Some(ResponseFormat::Text) => fields.put("text", &json!({"format": {"type": "text"}})),
        Some(ResponseFormat::Json) => {
            fields.put("text", &json!({"format": {"type": "json_object"}}))
        }
        Some(ResponseFormat::JsonSchema(schema)) => fields.put("text", &schema_body(schema)),
        Some(other) => fields.refuse("response_format", &format!("{other:?} is unknown here")),
    }
}

fn schema_body(schema: &JsonSchema) -> TextBody<'_> {
    TextBody {
        format: SchemaBody {
            name: schema.name(),
            schema: Json(schema.schema()),
            strict: schema.strict(),
        },
    }
}

#[cfg(test)]
mod tests;
