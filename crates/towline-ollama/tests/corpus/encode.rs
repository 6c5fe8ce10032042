//! Level 2: a recorded request, read into Towline's own types, goes out again as it was.
//!
//! What may differ is written down in [`normal`], for both sides alike.

use crate::select::{chats, client};
use serde_json::{Map, Value};
use std::{collections::VecDeque, fs};
use tower::ServiceExt as _;
use towline_core::{
    CompletionOptions, Conversation, JsonSchema, Message, Part, Reasoning, ReasoningEffort,
    Request, ResponseFormat, Role, ToolCall, ToolSpec,
};
use towline_testkit::{
    corpus::{Canned, Case, Difference, Suite, watch::now},
    setting::setting,
};

#[test]
fn corpus_requests_go_out_as_they_were_recorded() {
    let Some((corpus, cases)) = chats() else {
        return;
    };
    let mut suite = Suite::new("ollama dialect, requests", &corpus, cases.len());
    for (case, _) in &cases {
        suite.handled(&case.id, case.expected.is_some(), resend(case));
    }
    suite.finish();
}

/// Sends the request again; the first field that differs.
fn resend(case: &Case) -> Option<Difference> {
    let recorded: Value = serde_json::from_str(&case.request.body).unwrap();
    let canned = Canned::new(&case.answer).recording();
    let sent = now(client(canned.clone()).oneshot(read(&recorded)));
    // Whatever came of it, the request is what counts.
    drop(sent);
    let sent = canned.sent();
    let Some(sent) = sent.first() else {
        return Some(Difference::new("request", "sent", "not sent"));
    };
    let path = sent.uri().path().to_owned();
    if path != case.request.path {
        return Some(Difference::new("path", case.request.path.as_str(), path));
    }
    keep(case, sent.body());
    let sent: Value = serde_json::from_slice(sent.body()).unwrap();
    let (recorded, sent) = (normal(&recorded), normal(&sent));
    let keys = recorded.as_object().into_iter().chain(sent.as_object());
    let differ = keys
        .flat_map(Map::keys)
        .find(|key| recorded.get(*key) != sent.get(*key))?;
    let show = |side: &Value| format!("{differ}: {}", side.get(differ).unwrap_or(&Value::Null));
    Some(Difference::new("request", show(&recorded), show(&sent)))
}

/// Writes the body down where somebody wants to check it against the description of the API.
fn keep(case: &Case, body: &[u8]) {
    if let Some(folder) = setting("TOWLINE_REQUESTS_OUT") {
        let name = case.id.replace('/', "-");
        fs::write(format!("{folder}/{name}.json"), body).unwrap();
    }
}

/// A recorded body in Towline's types.
fn read(body: &Value) -> Request {
    let mut calls = Calls::default();
    let messages = body["messages"].as_array().into_iter().flatten();
    let conversation: Conversation = messages.map(|message| calls.read(message)).collect();
    let request = Request::new(text(body, "model"), conversation);
    let request = request.with_stream(body["stream"] == true);
    request.with_options(options(body))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Gives ids to calls that were recorded without, and finds that of each result.
#[derive(Default)]
struct Calls {
    count: usize,
    /// Id and tool of the calls that wait for their results.
    open: VecDeque<(String, String)>,
}

// === impl Calls ===

impl Calls {
    fn read(&mut self, message: &Value) -> Message {
        let content = text(message, "content");
        match text(message, "role") {
            "system" => Message::system(content),
            "user" => Message::user(content),
            "assistant" => {
                let mut parts = Vec::new();
                let thought = text(message, "thinking");
                if !thought.is_empty() {
                    let thought = Reasoning::new(thought).with_provider("ollama");
                    parts.push(Part::from(thought));
                }
                if !content.is_empty() {
                    parts.push(Part::from(content));
                }
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                parts.extend(calls.map(|call| Part::from(self.call(call))));
                Message::new(Role::Assistant, parts)
            }
            "tool" => {
                let name = text(message, "tool_name");
                let place = self.open.iter().position(|(_, tool)| tool == name);
                let call = place.and_then(|place| self.open.remove(place));
                Message::tool(call.unwrap().0, content)
            }
            role => panic!("no such role here: {role}"),
        }
    }

    fn call(&mut self, call: &Value) -> ToolCall {
        self.count += 1;
        let id = format!("c{}", self.count);
        let name = text(&call["function"], "name");
        self.open.push_back((id.clone(), name.to_owned()));
        ToolCall::new(id, name, call["function"]["arguments"].to_string())
    }
}

fn options(body: &Value) -> CompletionOptions {
    let mut options = CompletionOptions::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        options = match (name.as_str(), value) {
            ("messages" | "model" | "stream", _) => options,
            ("options", Value::Object(own)) => own.iter().fold(options, sampler),
            ("tools", Value::Array(tools)) => options.with_tools(tools.iter().map(tool)),
            ("think", Value::Bool(true)) => options.with_reasoning(ReasoningEffort::High),
            ("think", Value::Bool(false)) => options.with_reasoning(ReasoningEffort::None),
            ("format", Value::Object(_)) => {
                let schema = JsonSchema::new("answer", value);
                options.with_response_format(ResponseFormat::JsonSchema(schema))
            }
            (_, Value::Null) => options,
            other => panic!("not said yet: {other:?}"),
        };
    }
    options
}

fn sampler(options: CompletionOptions, (name, value): (&String, &Value)) -> CompletionOptions {
    match (name.as_str(), value.as_f64(), value.as_i64()) {
        ("temperature", Some(number), _) => options.with_temperature(number),
        ("num_predict", _, _) => options.with_max_tokens(value.as_u64().unwrap()),
        ("seed", _, Some(number)) => options.with_seed(number),
        other => panic!("not said yet: {other:?}"),
    }
}

fn tool(tool: &Value) -> ToolSpec {
    let function = &tool["function"];
    ToolSpec::new(
        text(function, "name"),
        text(function, "description"),
        &function["parameters"],
    )
}

/// The declared liberties, taken on both sides.
fn normal(body: &Value) -> Value {
    let mut body = numbers_as_floats(body);
    let Some(fields) = body.as_object_mut() else {
        return body;
    };
    // What is empty says nothing.
    fields.retain(|_, value| !is_empty(value));
    let messages = fields.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let Some(fields) = message.as_object_mut() else {
            continue;
        };
        // Ids help newer servers, the clients that were recorded send none.
        fields.remove("tool_call_id");
        let calls = fields.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            if let Some(call) = call.as_object_mut() {
                // There is only one type.
                call.retain(|name, _| name == "function");
            }
        }
    }
    body
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `1` and `1.0` are the same number.
fn numbers_as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.iter().map(numbers_as_floats).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), numbers_as_floats(value)))
            .collect(),
        other => other.clone(),
    }
}
