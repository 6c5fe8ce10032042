//! The options of a messages request.

use crate::{
    assistant::{Choice, Format, Prompt, Tool},
    dialect::field::{Reason, Wrong, count, flag, given, list, range, text},
};
use serde_json::Value;

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];
const LEAST_BUDGET: u64 = 1024;

/// Thinking, when it is on.
#[derive(Debug)]
pub(super) struct Thinking {
    pub(super) effort: String,
    /// Whether its text is shown, and not only signed.
    pub(super) shown: bool,
    /// Whether it has a budget: the older form, with rules of its own.
    pub(super) budgeted: bool,
}

pub(super) fn check_numbers(body: &Value) -> Result<(), Wrong> {
    range(body, "temperature", 0.0, 1.0)?;
    range(body, "top_p", 0.0, 1.0)?;
    count(body, "top_k", 0)?;
    Ok(())
}

pub(super) fn check_system(body: &Value) -> Result<(), Wrong> {
    match given(body, "system") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(blocks)) => {
            let is_text = |block: &Value| block.get("text").is_some_and(Value::is_string);
            match blocks.iter().position(|block| !is_text(block)) {
                None => Ok(()),
                Some(index) => {
                    let at = format!("system.{index}.text");
                    Err(Wrong::missing(at, "the system prompt takes text blocks"))
                }
            }
        }
        Some(other) => Err(Wrong::kind("system", "a string or an array", other)),
    }
}

pub(super) fn stop_sequences(body: &Value) -> Result<Vec<String>, Wrong> {
    let stops = list(body, "stop_sequences")?.unwrap_or_default();
    let read = stops.iter().enumerate().map(|(index, stop)| {
        let at = format!("stop_sequences.{index}");
        match stop {
            Value::String(stop) if stop.trim().is_empty() => {
                Err(Wrong::value(at, "must hold more than white space"))
            }
            Value::String(stop) => Ok(stop.clone()),
            other => Err(Wrong::kind(at, "a string", other)),
        }
    });
    read.collect()
}

pub(super) fn thinking(body: &Value, max_tokens: u64) -> Result<Option<Thinking>, Wrong> {
    let effort = effort(body)?;
    let Some(thinking) = given(body, "thinking") else {
        return Ok(None);
    };
    let budgeted = match text(thinking, "type").map_err(|wrong| wrong.inside("thinking"))? {
        Some("enabled") => true,
        Some("adaptive") => false,
        Some("disabled") => return Ok(None),
        Some(other) => {
            let known = ["enabled", "adaptive", "disabled"];
            return Err(Wrong::word("thinking.type", other, &known));
        }
        None => return Err(Wrong::missing("thinking.type", "enabled or adaptive")),
    };
    if budgeted {
        check_budget(thinking, max_tokens)?;
        check_company(body)?;
    }
    Ok(Some(Thinking {
        effort: effort.unwrap_or("medium").to_owned(),
        shown: thinking.get("display").and_then(Value::as_str) != Some("omitted"),
        budgeted,
    }))
}

fn effort(body: &Value) -> Result<Option<&str>, Wrong> {
    let Some(config) = given(body, "output_config") else {
        return Ok(None);
    };
    match text(config, "effort").map_err(|wrong| wrong.inside("output_config"))? {
        Some(effort) if !EFFORTS.contains(&effort) => {
            Err(Wrong::word("output_config.effort", effort, &EFFORTS))
        }
        effort => Ok(effort),
    }
}

fn check_budget(thinking: &Value, max_tokens: u64) -> Result<(), Wrong> {
    let at = "thinking.budget_tokens";
    let budget = count(thinking, "budget_tokens", LEAST_BUDGET);
    match budget.map_err(|wrong| wrong.inside("thinking"))? {
        None => Err(Wrong::missing(at, "how many tokens to think at most")),
        Some(budget) if budget >= max_tokens => {
            let what = format!("must be less than max_tokens, which is {max_tokens}");
            Err(Wrong::new(at, Reason::IntegerTooLarge, what))
        }
        Some(_) => Ok(()),
    }
}

/// What does not go together with a thinking budget.
fn check_company(body: &Value) -> Result<(), Wrong> {
    let temperature = given(body, "temperature").and_then(Value::as_f64);
    if temperature.is_some_and(|temperature| (temperature - 1.0).abs() > f64::EPSILON) {
        return Err(Wrong::value(
            "temperature",
            "must be 1 while thinking is enabled",
        ));
    }
    if given(body, "top_k").is_some() {
        return Err(Wrong::value(
            "top_k",
            "must not be set while thinking is enabled",
        ));
    }
    let choice = body.pointer("/tool_choice/type").and_then(Value::as_str);
    if matches!(choice, Some("any" | "tool")) {
        let what = "must not force a tool while thinking is enabled";
        return Err(Wrong::value("tool_choice", what));
    }
    Ok(())
}

pub(super) fn format(body: &Value) -> Result<Format, Wrong> {
    let newer = body.pointer("/output_config/format");
    let (at, format) = match newer.or_else(|| body.get("output_format")) {
        None | Some(Value::Null) => return Ok(Format::Text),
        Some(format) if newer.is_some() => ("output_config.format", format),
        Some(format) => ("output_format", format),
    };
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err(Wrong::value(format!("{at}.type"), "must be json_schema"));
    }
    match format.get("schema") {
        Some(schema) => Ok(Format::Schema(schema.clone())),
        None => Err(Wrong::missing(format!("{at}.schema"), "the schema")),
    }
}

pub(super) fn read_tools(prompt: &mut Prompt, body: &Value) -> Result<(), Wrong> {
    let listed = list(body, "tools")?.unwrap_or_default();
    for (index, tool) in listed.iter().enumerate() {
        if let Some(tool) = tool_of(&format!("tools.{index}"), tool)? {
            if prompt.tools.iter().any(|other| other.name == tool.name) {
                return Err(Wrong::value("tools", "must have names that are unique"));
            }
            prompt.tools.push(tool);
        }
    }
    let Some(choice) = given(body, "tool_choice") else {
        prompt.parallel = true;
        return Ok(());
    };
    let inside = |wrong: Wrong| wrong.inside("tool_choice");
    prompt.parallel = !flag(choice, "disable_parallel_tool_use")
        .map_err(inside)?
        .unwrap_or(false);
    prompt.choice = match text(choice, "type").map_err(inside)? {
        Some("auto") => Choice::Auto,
        Some("any") => Choice::Required,
        Some("none") => Choice::None,
        Some("tool") => match text(choice, "name").map_err(inside)? {
            Some(name) => Choice::Named(name.to_owned()),
            None => return Err(Wrong::missing("tool_choice.name", "the name of a tool")),
        },
        Some(other) => {
            let known = ["auto", "any", "tool", "none"];
            return Err(Wrong::word("tool_choice.type", other, &known));
        }
        None => return Err(Wrong::missing("tool_choice.type", "how to choose")),
    };
    check_choice(prompt, listed)
}

fn check_choice(prompt: &Prompt, listed: &[Value]) -> Result<(), Wrong> {
    match &prompt.choice {
        Choice::Named(name) => {
            let is_it = |tool: &Value| tool.get("name").is_some_and(|found| found == name);
            if listed.iter().any(is_it) {
                return Ok(());
            }
            let what = format!("is '{name}', which is not in tools");
            Err(Wrong::value("tool_choice.name", what))
        }
        _ if listed.is_empty() => {
            let what = "may only be set together with tools";
            Err(Wrong::new("tool_choice", Reason::Other, what))
        }
        _ => Ok(()),
    }
}

/// A tool of the client; `None` for one that the provider runs itself.
fn tool_of(at: &str, tool: &Value) -> Result<Option<Tool>, Wrong> {
    let Some(name) = text(tool, "name").map_err(|wrong| wrong.inside(at))? else {
        return Err(Wrong::missing(format!("{at}.name"), "the name of the tool"));
    };
    if tool
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind != "custom")
    {
        return Ok(None);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=128).contains(&name.len()) || !name.chars().all(allowed) {
        let what = "must be 1 to 128 letters, digits, '_' or '-'";
        return Err(Wrong::value(format!("{at}.name"), what));
    }
    let Some(schema) = given(tool, "input_schema") else {
        return Err(Wrong::missing(
            format!("{at}.input_schema"),
            "a JSON schema",
        ));
    };
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        let at = format!("{at}.input_schema.type");
        return Err(Wrong::value(at, "must be 'object'"));
    }
    Ok(Some(Tool {
        name: name.to_owned(),
        schema: schema.clone(),
    }))
}
