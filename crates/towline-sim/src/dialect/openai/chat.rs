//! `POST /v1/chat/completions`: a turn of the model, whole or as a stream.

use super::{
    Fail, model,
    request::{self, ChatRequest},
};
use crate::{
    assistant::{self, Prompt},
    dialect::{
        Scene,
        field::{Reason, Wrong},
        piece::{fragments, words},
    },
    plan::Plan,
    reply::{SseEvent, TokenUsage, Turn},
};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// More answers than this to one request are refused.
const MAX_CHOICES: usize = 128;

/// The facts that every object of one answer repeats.
struct Frame {
    id: String,
    created: u64,
    model: String,
    fingerprint: String,
}

pub(in crate::dialect) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let request = request::chat(scene)?;
    model::check(scene, &request.model)?;
    if request.choices > MAX_CHOICES {
        let what = format!("must be at most {MAX_CHOICES}");
        return Err(Wrong::new("n", Reason::IntegerTooLarge, what).into());
    }
    let turn = assistant::answer(&request.prompt);
    Ok(encode(scene, turn, &request, scene.settings.pace))
}

/// A scripted turn goes out even if the request is not valid, on whatever path it came.
pub(in crate::dialect) fn say(scene: &Scene<'_>, turn: Turn) -> Result<Plan, Fail> {
    let mut request = request::chat(scene).unwrap_or_else(|_| ChatRequest {
        model: scene
            .call
            .model()
            .unwrap_or(crate::DEFAULT_MODEL)
            .to_owned(),
        stream: scene.call.wants_stream(),
        include_usage: false,
        choices: 1,
        prompt: Prompt::default(),
    });
    // The script says what the model says: nothing is cut from it.
    request.prompt.max_tokens = None;
    request.prompt.stop.clear();
    request.choices = request.choices.min(MAX_CHOICES);
    Ok(encode(scene, turn, &request, scene.settings.pace))
}

fn encode(scene: &Scene<'_>, turn: Turn, request: &ChatRequest, pace: Duration) -> Plan {
    let mut turn = assistant::settle(turn, &request.prompt);
    scene.name_calls(&mut turn.calls, "call");
    let frame = Frame {
        id: format!("chatcmpl-sim-{:016x}", scene.number("completion")),
        created: model::CREATED + scene.call.id(),
        model: request.model.clone(),
        fingerprint: format!("fp_sim_{:08x}", scene.settings.seed),
    };
    if request.stream {
        return Plan::events(frame.stream(&turn, request), pace);
    }
    let words = u32::try_from(words(&turn.text).count()).unwrap_or(u32::MAX);
    let mut plan = Plan::json(StatusCode::OK, &frame.whole(&turn, request));
    plan.think = pace.saturating_mul(words);
    plan
}

// === impl Frame ===

impl Frame {
    fn whole(&self, turn: &Turn, request: &ChatRequest) -> Value {
        let choices = (0..request.choices).map(|index| {
            json!({
                "index": index,
                "message": message(turn),
                "logprobs": null,
                "finish_reason": finish(turn),
            })
        });
        let mut object = self.object("chat.completion", choices.collect());
        object.insert("usage".to_owned(), usage(turn, request.choices));
        Value::Object(object)
    }

    fn stream(&self, turn: &Turn, request: &ChatRequest) -> Vec<Bytes> {
        let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
        let said = |field: &'static str, text: &str| -> Vec<Value> {
            words(text).map(|word| single(field, word)).collect()
        };
        deltas.extend(said(
            "reasoning_content",
            turn.reasoning.as_deref().unwrap_or_default(),
        ));
        deltas.extend(said("content", &turn.text));
        deltas.extend(said("refusal", turn.refusal.as_deref().unwrap_or_default()));
        deltas.extend(call_deltas(turn));
        let mut events = Vec::with_capacity(deltas.len() + 3);
        for delta in &deltas {
            events
                .extend((0..request.choices).map(|index| self.chunk(index, delta, None, request)));
        }
        let finish = Some(finish(turn));
        let last = json!({});
        events.extend((0..request.choices).map(|index| self.chunk(index, &last, finish, request)));
        if request.include_usage {
            let mut object = self.object("chat.completion.chunk", Vec::new());
            object.insert("usage".to_owned(), usage(turn, request.choices));
            events.push(SseEvent::data(object));
        }
        events.push(SseEvent::done());
        events.into_iter().map(SseEvent::into_bytes).collect()
    }

    fn chunk(
        &self,
        index: usize,
        delta: &Value,
        finish: Option<&str>,
        request: &ChatRequest,
    ) -> SseEvent {
        let choice = json!({
            "index": index,
            "delta": delta,
            "logprobs": null,
            "finish_reason": finish,
        });
        let mut object = self.object("chat.completion.chunk", vec![choice]);
        if request.include_usage {
            object.insert("usage".to_owned(), Value::Null);
        }
        SseEvent::data(object)
    }

    fn object(&self, kind: &str, choices: Vec<Value>) -> Map<String, Value> {
        let fields = [
            ("id", json!(self.id)),
            ("object", json!(kind)),
            ("created", json!(self.created)),
            ("model", json!(self.model)),
            ("system_fingerprint", json!(self.fingerprint)),
            ("choices", Value::Array(choices)),
        ];
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

fn message(turn: &Turn) -> Value {
    let no_text = turn.text.is_empty() && (turn.refusal.is_some() || !turn.calls.is_empty());
    let mut message = json!({
        "role": "assistant",
        "content": if no_text { Value::Null } else { json!(turn.text) },
        "refusal": turn.refusal,
        "annotations": [],
    });
    if let Some(reasoning) = &turn.reasoning {
        set(&mut message, "reasoning_content", json!(reasoning));
    }
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            })
        });
        set(&mut message, "tool_calls", calls.collect());
    }
    message
}

/// Per call its id and name first, then its arguments in pieces.
fn call_deltas(turn: &Turn) -> Vec<Value> {
    let mut deltas = Vec::new();
    for (index, call) in turn.calls.iter().enumerate() {
        deltas.push(json!({"tool_calls": [{
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }]}));
        deltas.extend(fragments(&call.arguments).into_iter().map(
            |piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
        ));
    }
    deltas
}

fn finish(turn: &Turn) -> &str {
    match &turn.finish {
        Some(reason) => reason,
        None if turn.calls.is_empty() => "stop",
        None => "tool_calls",
    }
}

fn usage(turn: &Turn, choices: usize) -> Value {
    let usage: TokenUsage = turn.usage.unwrap_or_default();
    let choices = u64::try_from(choices).unwrap_or(1);
    let output = usage.output.saturating_mul(choices);
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": output,
        "total_tokens": usage.input.saturating_add(output),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.written,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning.saturating_mul(choices),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn single(field: &str, text: &str) -> Value {
    let mut delta = Map::new();
    delta.insert(field.to_owned(), json!(text));
    Value::Object(delta)
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
