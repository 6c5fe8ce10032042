//! The shape of a script file.

mod damage;

use self::damage::FaultFile;
use crate::{
    reply::{Reply, SseEvent, TokenUsage, ToolCall},
    rule::Rule,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderName;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptFile {
    #[serde(default)]
    pub(super) keys: Vec<String>,
    #[serde(default)]
    pub(super) models: Vec<String>,
    pub(super) pace_ms: Option<u64>,
    pub(super) seed: Option<u64>,
    #[serde(default)]
    pub(super) rules: Vec<RuleFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    #[serde(default, rename = "match")]
    matching: MatchFile,
    after: Option<u64>,
    times: Option<u64>,
    respond: Option<ReplyFile>,
    #[serde(default)]
    faults: Vec<FaultFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchFile {
    path: Option<String>,
    method: Option<String>,
    model: Option<String>,
    user_message_contains: Option<String>,
    stream: Option<bool>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyFile {
    text: Option<String>,
    refusal: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<ToolCallFile>>,
    finish: Option<String>,
    usage: Option<UsageFile>,
    json: Option<JsonFile>,
    raw: Option<RawFile>,
    sse: Option<Vec<EventFile>>,
    ndjson: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCallFile {
    id: Option<String>,
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageFile {
    input: u64,
    output: u64,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    written: u64,
    #[serde(default)]
    reasoning: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    #[serde(default = "ok")]
    status: u16,
    body: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    event: Option<String>,
    data: Option<Value>,
    raw: Option<String>,
    raw_base64: Option<String>,
}

/// What is wrong, and where below the rule.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: String,
    pub(super) what: String,
}

// === impl RuleFile ===

impl RuleFile {
    pub(super) fn into_rule(self) -> Result<Rule, Wrong> {
        let mut rule = self.matching.into_rule()?;
        if let Some(n) = self.after {
            rule = rule.after(n);
        }
        if let Some(n) = self.times {
            rule = rule.times(n);
        }
        if let Some(reply) = self.respond {
            rule = rule.respond(reply.into_reply()?);
        }
        for (index, fault) in self.faults.into_iter().enumerate() {
            rule = rule.fault(fault.into_fault(&format!("faults[{index}]"))?);
        }
        Ok(rule)
    }
}

// === impl MatchFile ===

impl MatchFile {
    fn into_rule(self) -> Result<Rule, Wrong> {
        let mut rule = self.path.map_or_else(Rule::any, Rule::path);
        if let Some(method) = self.method {
            rule = rule.method(method);
        }
        if let Some(model) = self.model {
            rule = rule.model(model);
        }
        if let Some(text) = self.user_message_contains {
            rule = rule.user_message_contains(text);
        }
        if let Some(streamed) = self.stream {
            rule = rule.stream(streamed);
        }
        for (name, value) in self.headers {
            check_header("match.headers", &name, &value)?;
            rule = rule.header(name, value);
        }
        Ok(rule)
    }
}

// === impl ReplyFile ===

impl ReplyFile {
    fn into_reply(self) -> Result<Reply, Wrong> {
        let said = self.text.is_some() || self.refusal.is_some() || self.tool_calls.is_some();
        let model_says = said || self.reasoning.is_some() || self.finish.is_some();
        let model_says = model_says || self.usage.is_some();
        match (model_says, self.json, self.raw, self.sse, self.ndjson) {
            (false, Some(json), None, None, None) => {
                check_status("respond.json.status", json.status)?;
                Ok(Reply::json(json.status, json.body))
            }
            (false, None, Some(raw), None, None) => raw.into_reply(),
            (false, None, None, None, Some(lines)) => Ok(Reply::ndjson(lines)),
            (false, None, None, Some(events), None) => {
                let events = events.into_iter().enumerate();
                let events = events.map(|(index, event)| event.into_event(index));
                Ok(Reply::sse(events.collect::<Result<Vec<_>, _>>()?))
            }
            (true, None, None, None, None) if said => {
                let calls = self.tool_calls.unwrap_or_default();
                let calls = calls.into_iter().map(ToolCallFile::into_call);
                let mut reply = match self.refusal {
                    Some(text) => Reply::refusal(text).with_tool_calls(calls),
                    None => Reply::tool_calls(calls),
                };
                reply = reply.with_text(self.text.unwrap_or_default());
                if let Some(reasoning) = self.reasoning {
                    reply = reply.with_reasoning(reasoning);
                }
                if let Some(finish) = self.finish {
                    reply = reply.with_finish(finish);
                }
                if let Some(usage) = self.usage {
                    reply = reply.with_usage(usage.into_usage());
                }
                Ok(reply)
            }
            _ => Err(wrong(
                "respond",
                "takes either what the model says (text, refusal, tool_calls; with them reasoning, \
                 finish, usage), or one of json, raw, sse and ndjson",
            )),
        }
    }
}

// === impl ToolCallFile ===

impl ToolCallFile {
    fn into_call(self) -> ToolCall {
        let arguments = match self.arguments {
            Value::Null => Value::Object(serde_json::Map::new()),
            arguments => arguments,
        };
        let call = ToolCall::new(self.name, arguments);
        match self.id {
            Some(id) => call.with_id(id),
            None => call,
        }
    }
}

// === impl UsageFile ===

impl UsageFile {
    const fn into_usage(self) -> TokenUsage {
        TokenUsage::new(self.input, self.output)
            .with_cached(self.cached)
            .with_cache_written(self.written)
            .with_reasoning(self.reasoning)
    }
}

// === impl RawFile ===

impl RawFile {
    fn into_reply(self) -> Result<Reply, Wrong> {
        check_status("respond.raw.status", self.status)?;
        for (name, value) in &self.headers {
            check_header("respond.raw.headers", name, value)?;
        }
        let body = match (self.body, self.body_base64) {
            (text, None) => text.unwrap_or_default().into_bytes(),
            (None, Some(coded)) => decoded("respond.raw.body_base64", &coded)?,
            (Some(_), Some(_)) => {
                return Err(wrong("respond.raw", "takes body or body_base64, not both"));
            }
        };
        Ok(Reply::raw(self.status, self.headers, body))
    }
}

// === impl EventFile ===

impl EventFile {
    fn into_event(self, index: usize) -> Result<SseEvent, Wrong> {
        let at = format!("respond.sse[{index}]");
        match (self.event, self.data, self.raw, self.raw_base64) {
            (None, Some(data), None, None) => Ok(SseEvent::data(data)),
            (Some(name), Some(data), None, None) => Ok(SseEvent::named(&name, data)),
            (None, None, Some(raw), None) => Ok(SseEvent::raw(raw)),
            (None, None, None, Some(coded)) => Ok(SseEvent::raw(decoded(&at, &coded)?)),
            _ => Err(wrong(
                &at,
                "takes data (with or without event), or raw, or raw_base64",
            )),
        }
    }
}

const fn ok() -> u16 {
    200
}

fn check_status(at: &str, status: u16) -> Result<(), Wrong> {
    crate::plan::status(status).map_or_else(|cause| Err(wrong(at, &cause.0)), |_| Ok(()))
}

/// A name that is none is not shown: the value may stand in it, after a colon.
fn check_header(at: &str, name: &str, value: &str) -> Result<(), Wrong> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(wrong(
            at,
            "a name is not allowed for an HTTP header, which holds neither blank nor colon",
        ));
    }
    crate::plan::header(name, value).map_or_else(|cause| Err(wrong(at, &cause.0)), |_| Ok(()))
}

fn decoded(at: &str, coded: &str) -> Result<Vec<u8>, Wrong> {
    STANDARD
        .decode(coded)
        .map_err(|cause| wrong(at, &format!("is not base64: {cause}")))
}

fn wrong(at: &str, what: &str) -> Wrong {
    Wrong {
        at: at.to_owned(),
        what: what.to_owned(),
    }
}
