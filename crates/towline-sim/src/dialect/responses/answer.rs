//! `POST /v1/responses`: a turn of the model as items, whole or as a stream.

use super::{
    request::{self, ResponseRequest},
    seal,
    store::Stored,
    stream,
};
use crate::{
    assistant,
    dialect::{Scene, field::Wrong, openai::Fail, piece::words},
    plan::{Framing, Plan},
    reply::Turn,
};
use http::StatusCode;
use serde_json::{Value, json};

/// A response, ready to be sent.
#[derive(Debug)]
pub(super) struct Answer {
    /// The response before anything is said.
    begun: Value,
    pub(super) items: Vec<Value>,
    ending: Ending,
    usage: Value,
}

/// How a response ends.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Ending {
    Completed,
    Failed,
    Incomplete(String),
}

pub(super) fn create(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let request = request::read(scene)?;
    if !scene.settings.serves(&request.model) {
        let wrong = Wrong::value(
            "model",
            format!("is '{}', which does not exist", request.model),
        );
        return Err(Fail::from(wrong).with_code("model_not_found"));
    }
    let turn = assistant::answer(&request.prompt);
    Ok(encode(scene, turn, &request))
}

/// A scripted turn goes out even if the request is not valid, on whatever path it came.
pub(super) fn say(scene: &Scene<'_>, turn: Turn) -> Plan {
    let mut request = request::read(scene).unwrap_or_else(|_| ResponseRequest::unread(scene));
    // The script says what the model says: nothing is cut from it, and it shows what it thinks.
    request.prompt.max_tokens = None;
    request.prompt.stop.clear();
    request.shows_summary = true;
    encode(scene, turn, &request)
}

fn encode(scene: &Scene<'_>, turn: Turn, request: &ResponseRequest) -> Plan {
    let pace = scene.settings.pace;
    let mut turn = assistant::settle(turn, &request.prompt);
    scene.name_calls(&mut turn.calls, "call");
    let answer = Answer::new(scene, &turn, request);
    let whole = answer.whole();
    if request.stores() {
        let mut items = request.items.clone();
        items.extend(answer.items.iter().cloned());
        let response = whole.clone();
        scene.memory.store(&request.id, Stored { response, items });
    }
    let framing = Framing::Failed(Box::new(answer.begun.clone()));
    if request.stream {
        return Plan::events(stream::events(&answer), pace).with_framing(framing);
    }
    let words = u32::try_from(words(&turn.text).count()).unwrap_or(u32::MAX);
    let mut plan = Plan::json(StatusCode::OK, &whole).with_framing(framing);
    plan.think = pace.saturating_mul(words);
    plan
}

// === impl Answer ===

impl Answer {
    fn new(scene: &Scene<'_>, turn: &Turn, request: &ResponseRequest) -> Self {
        let ending = match turn.finish.as_deref() {
            None | Some("stop" | "tool_calls" | "completed") => Ending::Completed,
            Some("length") => Ending::Incomplete("max_output_tokens".to_owned()),
            Some("failed") => Ending::Failed,
            Some(other) => Ending::Incomplete(other.to_owned()),
        };
        Self {
            begun: request.echo(),
            items: items(scene, turn, request, ending == Ending::Completed),
            ending,
            usage: usage(turn),
        }
    }

    /// The response while it is made.
    pub(super) const fn begun(&self) -> &Value {
        &self.begun
    }

    /// The response when it is over.
    pub(super) fn whole(&self) -> Value {
        let mut response = self.begun.clone();
        set(&mut response, "status", json!(self.status()));
        set(&mut response, "output", json!(self.items));
        set(&mut response, "usage", self.usage.clone());
        match &self.ending {
            Ending::Completed => {
                let created = response.get("created_at").cloned();
                set(&mut response, "completed_at", json!(created));
            }
            Ending::Failed => {
                let message = "The model could not finish this response.";
                let error = json!({"code": "server_error", "message": message});
                set(&mut response, "error", error);
            }
            Ending::Incomplete(reason) => {
                set(
                    &mut response,
                    "incomplete_details",
                    json!({"reason": reason}),
                );
            }
        }
        response
    }

    pub(super) const fn status(&self) -> &'static str {
        match self.ending {
            Ending::Completed => "completed",
            Ending::Failed => "failed",
            Ending::Incomplete(_) => "incomplete",
        }
    }
}

/// What was thought, said and called, as items.
fn items(scene: &Scene<'_>, turn: &Turn, request: &ResponseRequest, complete: bool) -> Vec<Value> {
    let mut items = Vec::new();
    if let Some(thought) = &turn.reasoning {
        let summary = if request.shows_summary {
            json!([{"type": "summary_text", "text": thought}])
        } else {
            json!([])
        };
        let mut item = json!({
            "id": scene.make_id("rs", "reasoning"),
            "type": "reasoning",
            "summary": summary,
        });
        if request.encrypts {
            let sealed = seal::write(scene.number("encrypted reasoning"));
            set(&mut item, "encrypted_content", json!(sealed));
        }
        items.push(item);
    }
    let mut parts = Vec::new();
    let silent = turn.refusal.is_some() || !turn.calls.is_empty();
    if !(turn.text.is_empty() && silent) {
        let part =
            json!({"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []});
        parts.push(part);
    }
    if let Some(refusal) = &turn.refusal {
        parts.push(json!({"type": "refusal", "refusal": refusal}));
    }
    if !parts.is_empty() {
        items.push(json!({
            "id": scene.make_id("msg", "message"),
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": parts,
        }));
    }
    items.extend(turn.calls.iter().enumerate().map(|(index, call)| {
        json!({
            "id": scene.make_id("fc", &format!("item {index}")),
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        })
    }));
    // An answer that was cut was cut in its last item.
    if let Some(last) = items.last_mut().filter(|_| !complete)
        && last.get("status").is_some()
    {
        set(last, "status", json!("incomplete"));
    }
    items
}

fn usage(turn: &Turn) -> Value {
    let usage = turn.usage.unwrap_or_default();
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.written,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}

pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}
