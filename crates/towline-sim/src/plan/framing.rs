//! How a dialect tells an error inside an answer whose status is good.

use crate::reply::SseEvent;
use bytes::Bytes;
use serde_json::{Value, json};

/// The form of an error inside an answer.
#[derive(Clone, Debug, Default)]
pub(crate) enum Framing {
    /// A `data:` event without a name.
    #[default]
    Data,
    /// An event that is named `error`.
    Named,
    /// A line of JSON.
    Lines,
    /// An `error` event, then a `response.failed` with this response, which is to be marked.
    Failed(Box<Value>),
}

// === impl Framing ===

impl Framing {
    /// The events that tell the error `body` after so many others.
    pub(crate) fn events(&self, name: Option<&str>, body: &Value, after: usize) -> Vec<Bytes> {
        let event = |default: Option<&str>, body: Value| match name.or(default) {
            Some(name) => SseEvent::named(name, body).into_bytes(),
            None => SseEvent::data(body).into_bytes(),
        };
        match self {
            Self::Data => vec![event(None, body.clone())],
            Self::Named => vec![event(Some("error"), body.clone())],
            Self::Lines => vec![line(body)],
            Self::Failed(response) => {
                let mut told = json!({"type": "error"});
                set(&mut told, body);
                set(&mut told, &json!({"sequence_number": after}));
                let failed = json!({
                    "type": "response.failed",
                    "sequence_number": after + 1,
                    "response": failed(response, body),
                });
                vec![
                    event(Some("error"), told),
                    SseEvent::named("response.failed", failed).into_bytes(),
                ]
            }
        }
    }

    /// The answer that tells the error `body` in place of one that is no stream.
    pub(crate) fn whole(&self, body: &Value) -> Bytes {
        match self {
            Self::Failed(response) => failed(response, body).to_string().into(),
            Self::Data | Self::Named | Self::Lines => body.to_string().into(),
        }
    }
}

/// A line of an NDJSON stream.
pub(crate) fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}

/// The response as it is when it has failed: nothing but the code and the message of the error.
fn failed(response: &Value, body: &Value) -> Value {
    let error = body.get("error").unwrap_or(body);
    // An overload is a fault of the server in this place, as it is by the real API.
    let code = error.get("code").and_then(Value::as_str);
    let code = code.filter(|code| *code != "server_is_overloaded");
    let mut response = response.clone();
    set(
        &mut response,
        &json!({
            "status": "failed",
            "output": [],
            "usage": null,
            "error": {
                "code": code.unwrap_or("server_error"),
                "message": error.get("message"),
            },
        }),
    );
    response
}

fn set(object: &mut Value, fields: &Value) {
    if let (Value::Object(object), Value::Object(fields)) = (object, fields) {
        object.extend(fields.clone());
    }
}
