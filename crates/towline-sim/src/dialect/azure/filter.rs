//! What the content filters leave in an answer.

use crate::{
    dialect::Scene,
    plan::{Payload, Plan},
    reply::SseEvent,
};
use bytes::Bytes;
use serde_json::{Value, json};

/// A prompt with these words is not let through.
const TRIGGER: &str = "trigger the content filter";

/// Whether the filter stops the prompt.
pub(super) fn objects(scene: &Scene<'_>) -> bool {
    let question = scene.call.user_text().unwrap_or_default();
    question.to_lowercase().contains(TRIGGER)
}

/// Adds the results of the filters to a chat answer. A stream gets one more chunk, the first, which
/// has no choices.
pub(super) fn annotate(mut plan: Plan) -> Plan {
    match &mut plan.payload {
        Payload::Whole(bytes) => {
            if let Ok(mut answer) = serde_json::from_slice(bytes) {
                mark_choices(&mut answer);
                set(&mut answer, "prompt_filter_results", prompt_results());
                *bytes = answer.to_string().into();
            }
        }
        Payload::Events { items, .. } => {
            for item in items.iter_mut() {
                if let Some(marked) = marked(item) {
                    *item = marked;
                }
            }
            let first = json!({
                "choices": [],
                "created": 0,
                "id": "",
                "model": "",
                "object": "",
                "prompt_filter_results": prompt_results(),
            });
            items.insert(0, SseEvent::data(first).into_bytes());
        }
    }
    plan
}

/// A chunk with the results; `None` for what is no chunk.
fn marked(item: &Bytes) -> Option<Bytes> {
    let data = item.strip_prefix(b"data: ")?;
    let mut chunk = serde_json::from_slice(data).ok()?;
    mark_choices(&mut chunk);
    Some(SseEvent::data(chunk).into_bytes())
}

fn mark_choices(answer: &mut Value) {
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let filtered = choice
            .get("finish_reason")
            .is_some_and(|reason| reason == "content_filter");
        set(choice, "content_filter_results", results(filtered));
    }
}

fn prompt_results() -> Value {
    json!([{"prompt_index": 0, "content_filter_results": results(false)}])
}

fn results(filtered: bool) -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    let violence = if filtered {
        json!({"filtered": true, "severity": "high"})
    } else {
        safe.clone()
    };
    json!({"hate": safe, "self_harm": safe, "sexual": safe, "violence": violence})
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
