//! The shapes of an error body.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use towline_transport::failure::not_json;

/// What an error body says, whatever its shape.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    pub(super) message: String,
    /// The `type`.
    pub(super) kind: Option<String>,
    pub(super) request_id: Option<String>,
}

// === impl ErrorBody ===

impl ErrorBody {
    /// Reads the body of an answer.
    pub(super) fn parse(body: &Bytes, headers: &HeaderMap) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::from_root(&value),
            Err(_) => Self {
                message: not_json(body, headers),
                ..Self::default()
            },
        }
    }

    /// Reads an error object that stood in an answer.
    pub(super) fn parse_object(json: &str) -> Self {
        match serde_json::from_str::<Value>(json) {
            Ok(value) => Self::from_root(&value),
            Err(_) => Self {
                message: json.to_owned(),
                ..Self::default()
            },
        }
    }

    /// `{"type":"error","error":{"type","message"},"request_id"}`; of the outer fields the network in
    /// front of the API sends none, llama.cpp neither.
    fn from_root(root: &Value) -> Self {
        let error = root.get("error").unwrap_or(root);
        let message = match error {
            Value::String(text) => text.clone(),
            error => [
                error.get("message"),
                root.get("message"),
                root.get("detail"),
            ]
            .into_iter()
            .flatten()
            .find(|value| !value.is_null())
            .map(plain)
            .unwrap_or_default(),
        };
        Self {
            message,
            kind: text(error.get("type")),
            request_id: text(root.get("request_id")),
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
