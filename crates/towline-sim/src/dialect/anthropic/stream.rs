//! The events of a streamed message.

use super::message::{Message, set, signature};
use crate::{
    dialect::piece::{fragments, words},
    reply::{SseEvent, ToolCall},
};
use bytes::Bytes;
use serde_json::{Value, json};

/// All events: `message_start`, the blocks one after the other, `message_delta`, `message_stop`. A
/// ping comes where the real ones mostly have it, before the first delta.
pub(super) fn events(message: &Message) -> Vec<Bytes> {
    let mut stream = Stream::default();
    stream.push(&json!({"type": "message_start", "message": message.begun()}));
    if let Some(thought) = &message.turn.reasoning {
        stream.thinking(message.shown(thought));
    }
    if message.speaks() {
        stream.block(
            &json!({"type": "text", "text": ""}),
            words(&message.turn.text).map(|word| json!({"type": "text_delta", "text": word})),
        );
    }
    for call in &message.turn.calls {
        stream.call(call);
    }
    stream.ping();
    let mut usage = message.usage.clone();
    if let Value::Object(fields) = &mut usage {
        for only_at_the_start in ["cache_creation", "service_tier", "inference_geo"] {
            fields.remove(only_at_the_start);
        }
    }
    let mut last = json!({"type": "message_delta", "delta": message.stop()});
    set(&mut last, "usage", usage);
    stream.push(&last);
    stream.push(&json!({"type": "message_stop"}));
    stream.events
}

#[derive(Debug, Default)]
struct Stream {
    events: Vec<Bytes>,
    blocks: usize,
    pinged: bool,
}

// === impl Stream ===

impl Stream {
    fn thinking(&mut self, thought: &str) {
        let mut deltas: Vec<Value> = words(thought)
            .map(|word| json!({"type": "thinking_delta", "thinking": word}))
            .collect();
        deltas.push(json!({"type": "signature_delta", "signature": signature(thought)}));
        let start = json!({"type": "thinking", "thinking": "", "signature": ""});
        self.block(&start, deltas);
    }

    fn call(&mut self, call: &ToolCall) {
        let start = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        // The first piece is empty; arguments without fields have no other.
        let mut pieces = vec![String::new()];
        if call.arguments != "{}" {
            pieces.extend(fragments(&call.arguments));
        }
        let deltas = pieces
            .into_iter()
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
        self.block(&start, deltas);
    }

    fn block(&mut self, start: &Value, deltas: impl IntoIterator<Item = Value>) {
        let index = self.blocks;
        self.blocks += 1;
        self.push(&json!({"type": "content_block_start", "index": index, "content_block": start}));
        self.ping();
        for delta in deltas {
            self.push(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        self.push(&json!({"type": "content_block_stop", "index": index}));
    }

    /// One ping is enough.
    fn ping(&mut self) {
        if !self.pinged {
            self.pinged = true;
            self.push(&json!({"type": "ping"}));
        }
    }

    /// Writes an event. The JSON is padded with spaces, as it is by the real API.
    fn push(&mut self, event: &Value) {
        let name = event.get("type").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        let padding = self.events.len() * 5 % 8;
        let data = format!("{event}{:padding$}", "");
        self.events.push(SseEvent::named(&name, data).into_bytes());
    }
}
