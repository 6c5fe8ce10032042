//! The shapes of an error body.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use towline_transport::failure::not_json;

/// What an error body says.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    pub(super) message: String,
    /// Whether it has the server's own shape, `{"error": "text"}`, or one near it.
    is_ours: bool,
}

// === impl ErrorBody ===

impl ErrorBody {
    /// Reads the body of an answer.
    pub(super) fn parse(body: &Bytes, headers: &HeaderMap) -> Self {
        let value = serde_json::from_slice::<Value>(body).ok();
        match value.as_ref().map(find) {
            Some(Some(message)) => Self {
                message,
                is_ours: true,
            },
            Some(None) | None => Self {
                message: not_json(body, headers),
                is_ours: false,
            },
        }
    }

    /// Reads the value of `error` in an answer: text, or what a gateway puts in its place.
    pub(super) fn parse_value(json: &str) -> Self {
        let value = serde_json::from_str::<Value>(json).unwrap_or_default();
        let message = match &value {
            Value::String(text) => text.clone(),
            other => find(other).unwrap_or_else(|| json.to_owned()),
        };
        Self {
            message,
            is_ours: true,
        }
    }

    /// Whether the server speaks of a model: a path that is missing is none.
    pub(super) fn is_about_a_model(&self) -> bool {
        self.is_ours && self.message.contains("model")
    }
}

/// The message, in `error` or, as gateways have it, below that or beside it.
fn find(root: &Value) -> Option<String> {
    let error = root.get("error");
    let places = [
        error,
        error.and_then(|error| error.get("message")),
        root.get("message"),
        root.get("detail"),
    ];
    let texts = places.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).next()
}
