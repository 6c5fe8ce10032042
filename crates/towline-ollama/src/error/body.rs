//! The shapes of an error body.

use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::Value;

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
                message: describe(body, headers),
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

/// What to say of a body that is not JSON: a proxy's page, plain text, or nothing.
fn describe(body: &Bytes, headers: &HeaderMap) -> String {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => "the answer has an empty body".to_owned(),
        page if page.starts_with('<') => format!(
            "the answer is a page ({}) and not JSON: {}",
            kind.unwrap_or("no content type"),
            title(page).unwrap_or_else(|| "no title".to_owned())
        ),
        text => text.to_owned(),
    }
}

fn title(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.split_whitespace().collect::<Vec<_>>().join(" "))
}
