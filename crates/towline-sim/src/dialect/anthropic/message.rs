//! `POST /v1/messages`: a turn of the model, whole or as a stream.

use super::{
    Fail, check_model,
    request::{self, MessagesRequest},
    stream, usage,
};
use crate::{
    assistant,
    dialect::{Scene, piece::words},
    plan::Plan,
    reply::{ToolCall, Turn},
    seed,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

/// A message, ready to be sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) turn: Turn,
    pub(super) usage: Value,
    /// Whether thinking is shown, and not only signed.
    pub(super) show_thinking: bool,
}

pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let request = request::messages(scene)?;
    check_model(scene, &request.model)?;
    let turn = assistant::answer(&request.prompt);
    Ok(encode(scene, turn, &request))
}

/// A scripted turn goes out even if the request is not valid, on whatever path it came.
pub(super) fn say(scene: &Scene<'_>, turn: Turn) -> Plan {
    let mut request = request::messages(scene).unwrap_or_else(|_| MessagesRequest {
        model: scene
            .call
            .model()
            .unwrap_or(crate::DEFAULT_MODEL)
            .to_owned(),
        stream: scene.call.wants_stream(),
        show_thinking: true,
        ..MessagesRequest::default()
    });
    // The script says what the model says: nothing is cut from it.
    request.prompt.max_tokens = None;
    request.prompt.stop.clear();
    encode(scene, turn, &request)
}

fn encode(scene: &Scene<'_>, turn: Turn, request: &MessagesRequest) -> Plan {
    let pace = scene.settings.pace;
    let mut turn = assistant::settle(turn, &request.prompt);
    scene.name_calls(&mut turn.calls, "toolu");
    let message = Message {
        id: scene.make_id("msg", "message"),
        model: request.model.clone(),
        usage: usage(&turn, request.long_lived_cache),
        turn,
        show_thinking: request.show_thinking,
    };
    if request.stream {
        return Plan::events(stream::events(&message), pace);
    }
    let words = u32::try_from(words(&message.turn.text).count()).unwrap_or(u32::MAX);
    let mut plan = Plan::json(StatusCode::OK, &message.whole());
    plan.think = pace.saturating_mul(words);
    plan
}

// === impl Message ===

impl Message {
    fn whole(&self) -> Value {
        let mut blocks = Vec::new();
        if let Some(thought) = &self.turn.reasoning {
            blocks.push(json!({
                "type": "thinking",
                "thinking": if self.show_thinking { thought } else { "" },
                "signature": signature(self.shown(thought)),
            }));
        }
        if self.speaks() {
            blocks.push(json!({"type": "text", "text": self.turn.text}));
        }
        blocks.extend(self.turn.calls.iter().map(|call| {
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input(call)})
        }));
        let mut message = self.begun();
        set(&mut message, "content", Value::Array(blocks));
        set(&mut message, "usage", self.usage.clone());
        if let Value::Object(fields) = self.stop() {
            for (name, value) in fields {
                set(&mut message, &name, value);
            }
        }
        message
    }

    /// The message before anything is said.
    pub(super) fn begun(&self) -> Value {
        let mut usage = self.usage.clone();
        set(&mut usage, "output_tokens", json!(1));
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "stop_details": null,
            "usage": usage,
        })
    }

    /// Why it ended.
    pub(super) fn stop(&self) -> Value {
        let turn = &self.turn;
        let reason = match turn.finish.as_deref() {
            Some("stop") => "end_turn",
            Some("length") => "max_tokens",
            Some("tool_calls") => "tool_use",
            Some("content_filter") => "refusal",
            Some("pause") => "pause_turn",
            Some(other) => other,
            None if turn.refusal.is_some() => "refusal",
            None if !turn.calls.is_empty() => "tool_use",
            None if turn.stopped_at.is_some() => "stop_sequence",
            None => "end_turn",
        };
        let details = turn.refusal.as_ref().map(
            |words| json!({"type": "refusal", "category": "general_harms", "explanation": words}),
        );
        json!({
            "stop_reason": reason,
            "stop_sequence": turn.stopped_at,
            "stop_details": details,
        })
    }

    /// Whether there is a text block: an answer without any other block has one.
    pub(super) fn speaks(&self) -> bool {
        let silent = self.turn.refusal.is_some() || !self.turn.calls.is_empty();
        !(self.turn.text.is_empty() && silent)
    }

    /// What is shown of a thought.
    pub(super) fn shown<'a>(&self, thought: &'a str) -> &'a str {
        if self.show_thinking { thought } else { "" }
    }
}

/// The arguments as an object. Text that is no JSON goes out as a string, for a client to stumble
/// over.
fn input(call: &ToolCall) -> Value {
    serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments))
}

/// What proves that a thought is the simulator's own. It comes back with the thought, unchanged.
pub(super) fn signature(thought: &str) -> String {
    let hash = seed::hash(3, thought.as_bytes());
    STANDARD.encode(format!("towline-sim signature {hash:016x}"))
}

pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
