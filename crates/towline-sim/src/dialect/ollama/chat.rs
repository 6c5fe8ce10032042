//! `POST /api/chat`: a turn of the model, whole or as lines of JSON.

use super::{
    CREATED, Fail, check_model,
    request::{self, ChatRequest},
    whole,
};
use crate::{
    assistant,
    dialect::{Scene, piece::words},
    plan::Plan,
    reply::{ToolCall, Turn},
};
use http::StatusCode;
use serde_json::{Value, json};

pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let request = request::chat(scene)?;
    check_model(scene, &request.model)?;
    if request.loads_only {
        let mut line = line(&request, &json!({"role": "assistant", "content": ""}));
        let reason = if request.unloads { "unload" } else { "load" };
        set(&mut line, "done", json!(true));
        set(&mut line, "done_reason", json!(reason));
        return Ok(if request.stream {
            Plan::lines(&[line], scene.settings.pace)
        } else {
            whole(StatusCode::OK, &line)
        });
    }
    let turn = assistant::answer(&request.prompt);
    Ok(encode(scene, turn, &request))
}

/// A scripted turn goes out even if the request is not valid, on whatever path it came.
pub(super) fn say(scene: &Scene<'_>, turn: Turn) -> Plan {
    let mut request = request::chat(scene).unwrap_or_else(|_| ChatRequest {
        model: scene
            .call
            .model()
            .unwrap_or(crate::DEFAULT_MODEL)
            .to_owned(),
        stream: scene.call.wants_stream(),
        ..ChatRequest::default()
    });
    // The script says what the model says: nothing is cut from it.
    request.prompt.max_tokens = None;
    request.prompt.stop.clear();
    encode(scene, turn, &request)
}

fn encode(scene: &Scene<'_>, mut turn: Turn, request: &ChatRequest) -> Plan {
    // There is no field for a refusal: it is said.
    if let Some(refusal) = turn.refusal.take() {
        turn.text.push_str(&refusal);
    }
    let pace = scene.settings.pace;
    let mut turn = assistant::settle(turn, &request.prompt);
    scene.name_calls(&mut turn.calls, "call");
    if request.stream {
        return Plan::lines(&stream(&turn, request), pace);
    }
    let mut message = json!({"role": "assistant", "content": turn.text});
    if let Some(thought) = &turn.reasoning {
        set(&mut message, "thinking", json!(thought));
    }
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().enumerate();
        set(&mut message, "tool_calls", calls.map(called).collect());
    }
    let words = u32::try_from(words(&turn.text).count()).unwrap_or(u32::MAX);
    let mut plan = whole(StatusCode::OK, &ended(line(request, &message), &turn));
    plan.think = pace.saturating_mul(words);
    plan
}

/// A line for each word, a line for each call, and the line that ends it.
fn stream(turn: &Turn, request: &ChatRequest) -> Vec<Value> {
    let message = |content: &str| json!({"role": "assistant", "content": content});
    let mut lines: Vec<Value> = Vec::new();
    for word in words(turn.reasoning.as_deref().unwrap_or_default()) {
        let mut message = message("");
        set(&mut message, "thinking", json!(word));
        lines.push(line(request, &message));
    }
    lines.extend(words(&turn.text).map(|word| line(request, &message(word))));
    for call in turn.calls.iter().enumerate() {
        let mut message = message("");
        set(&mut message, "tool_calls", json!([called(call)]));
        lines.push(line(request, &message));
    }
    lines.push(ended(line(request, &message("")), turn));
    lines
}

fn line(request: &ChatRequest, message: &Value) -> Value {
    json!({
        "model": request.model,
        "created_at": CREATED,
        "message": message,
        "done": false,
    })
}

/// The line that says that it is over, and what it took. A turn that calls tools ends in `stop` too.
fn ended(mut line: Value, turn: &Turn) -> Value {
    let reason = match turn.finish.as_deref() {
        None | Some("tool_calls") => "stop",
        Some(reason) => reason,
    };
    let usage = turn.usage.unwrap_or_default();
    let (read, wrote) = (
        usage.input.saturating_mul(1_000_000),
        usage.output.saturating_mul(10_000_000),
    );
    let end = json!({
        "done": true,
        "done_reason": reason,
        "total_duration": read.saturating_add(wrote).saturating_add(5_000_000),
        "load_duration": 5_000_000,
        "prompt_eval_count": usage.input,
        "prompt_eval_duration": read,
        "eval_count": usage.output,
        "eval_duration": wrote,
    });
    if let Value::Object(fields) = end {
        for (name, value) in fields {
            set(&mut line, &name, value);
        }
    }
    line
}

/// A call with its arguments as an object. Text that is no JSON goes out as a string, for a client
/// to stumble over.
fn called((index, call): (usize, &ToolCall)) -> Value {
    let arguments: Value =
        serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
    json!({
        "id": call.id,
        "function": {"index": index, "name": call.name, "arguments": arguments},
    })
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
