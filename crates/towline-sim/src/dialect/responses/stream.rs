//! The events of a streamed response.

use super::answer::{Answer, set};
use crate::{
    dialect::piece::{fragments, words},
    reply::SseEvent,
};
use bytes::Bytes;
use serde_json::{Value, json};

/// All events. The terminal one has the name of the status; there is no `[DONE]`.
pub(super) fn events(answer: &Answer) -> Vec<Bytes> {
    let mut stream = Stream::default();
    for kind in ["response.created", "response.in_progress"] {
        stream.push(kind, json!({"response": answer.begun()}));
    }
    for (index, item) in answer.items.iter().enumerate() {
        stream.item(index, item);
    }
    let terminal = format!("response.{}", answer.status());
    stream.push(&terminal, json!({"response": answer.whole()}));
    stream.events
}

#[derive(Debug, Default)]
struct Stream {
    events: Vec<Bytes>,
}

/// The place that the events of one part have in common.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    item: &'a str,
    index: usize,
}

// === impl Stream ===

impl Stream {
    fn item(&mut self, index: usize, item: &Value) {
        let kind = text(item, "type");
        let place = Place {
            item: text(item, "id"),
            index,
        };
        let mut begun = item.clone();
        let (emptied, empty) = match kind {
            "message" => ("content", json!([])),
            "reasoning" => ("summary", json!([])),
            _ => ("arguments", json!("")),
        };
        set(&mut begun, emptied, empty);
        if item.get("status").is_some() {
            set(&mut begun, "status", json!("in_progress"));
        }
        self.push(
            "response.output_item.added",
            json!({"output_index": index, "item": begun}),
        );
        match kind {
            "message" => self.parts(place, item, "content"),
            "reasoning" => self.parts(place, item, "summary"),
            _ => self.arguments(place, item),
        }
        self.push(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
    }

    fn arguments(&mut self, place: Place<'_>, item: &Value) {
        let arguments = text(item, "arguments");
        let name = "response.function_call_arguments";
        for piece in fragments(arguments) {
            let delta = place.with(json!({"delta": piece}));
            self.push_padded(&format!("{name}.delta"), delta);
        }
        let done = place.with(json!({"arguments": arguments}));
        self.push(&format!("{name}.done"), done);
    }

    /// The parts of a message, or of the summary of a reasoning item.
    fn parts(&mut self, place: Place<'_>, item: &Value, list: &str) {
        let parts = item.get(list).and_then(Value::as_array);
        for (number, part) in parts.into_iter().flatten().enumerate() {
            let (events, counter, name, field) = match text(part, "type") {
                "refusal" => ("content_part", "content_index", "refusal", "refusal"),
                "summary_text" => (
                    "reasoning_summary_part",
                    "summary_index",
                    "reasoning_summary_text",
                    "text",
                ),
                _ => ("content_part", "content_index", "output_text", "text"),
            };
            let at = |fields: Value| {
                let mut event = place.with(fields);
                set(&mut event, counter, json!(number));
                event
            };
            let mut empty = part.clone();
            set(&mut empty, field, json!(""));
            self.push(
                &format!("response.{events}.added"),
                at(json!({"part": empty})),
            );
            for word in words(text(part, field)) {
                let mut delta = at(json!({"delta": word}));
                if name == "output_text" {
                    set(&mut delta, "logprobs", json!([]));
                }
                self.push_padded(&format!("response.{name}.delta"), delta);
            }
            let mut done = at(json!({}));
            set(&mut done, field, json!(text(part, field)));
            if name == "output_text" {
                set(&mut done, "logprobs", json!([]));
            }
            self.push(&format!("response.{name}.done"), done);
            self.push(
                &format!("response.{events}.done"),
                at(json!({"part": part})),
            );
        }
    }

    /// A delta with its padding, which hides the length of the words from who listens in.
    fn push_padded(&mut self, kind: &str, mut fields: Value) {
        let length = 1 + self.events.len() * 5 % 12;
        set(&mut fields, "obfuscation", json!("x".repeat(length)));
        self.push(kind, fields);
    }

    fn push(&mut self, kind: &str, mut fields: Value) {
        set(&mut fields, "type", json!(kind));
        set(&mut fields, "sequence_number", json!(self.events.len()));
        self.events.push(SseEvent::named(kind, fields).into_bytes());
    }
}

// === impl Place ===

impl Place<'_> {
    fn with(&self, mut fields: Value) -> Value {
        set(&mut fields, "item_id", json!(self.item));
        set(&mut fields, "output_index", json!(self.index));
        fields
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
