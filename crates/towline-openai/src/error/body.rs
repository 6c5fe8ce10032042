//! The many shapes of an error body.

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
    pub(super) code: Option<String>,
    /// The status that the body itself names, as gateways do.
    pub(super) status: Option<u16>,
    /// What else a person wants to see: the filter that spoke, the provider behind a gateway.
    pub(super) detail: Option<String>,
}

// === impl ErrorBody ===

impl ErrorBody {
    /// Reads the body of an answer.
    pub(super) fn parse(body: &Bytes, headers: &HeaderMap) -> Self {
        let value = serde_json::from_slice::<Value>(body);
        match value {
            Ok(Value::Array(list)) => Self::from_root(list.first().unwrap_or(&Value::Null)),
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
            Ok(value) if value.get("error").is_some() => Self::from_root(&value),
            Ok(Value::String(text)) => Self {
                message: text,
                ..Self::default()
            },
            Ok(value) => Self::from_error(&value, &value),
            Err(_) => Self {
                message: json.to_owned(),
                ..Self::default()
            },
        }
    }

    fn from_root(root: &Value) -> Self {
        match root.get("error") {
            Some(error @ Value::Object(_)) => Self::from_error(error, root),
            Some(Value::String(text)) => Self {
                message: text.clone(),
                ..Self::from_error(root, root)
            },
            _ => Self::from_error(root, root),
        }
    }

    fn from_error(error: &Value, root: &Value) -> Self {
        let message = [
            error.get("message"),
            error.get("detail"),
            root.get("detail"),
        ];
        let message = message.into_iter().flatten().find(|value| !value.is_null());
        let code = text(error.get("code"));
        let status = [
            error.get("status"),
            error.get("status_code"),
            root.get("status"),
            root.get("raw_status_code"),
            error.get("code"),
        ];
        Self {
            message: message.map(plain).unwrap_or_default(),
            kind: text(error.get("type")),
            status: status.into_iter().flatten().find_map(http_status),
            detail: detail(error),
            code: code.or_else(|| text(error.pointer("/innererror/code"))),
        }
    }
}

/// What a person wants to see beside the message.
fn detail(error: &Value) -> Option<String> {
    if let Some(filters) = error.pointer("/innererror/content_filter_result") {
        return Some(format!("filtered: {}", filtered(filters).join(", ")));
    }
    if let (Some(prompt), Some(window)) = (error.get("n_prompt_tokens"), error.get("n_ctx")) {
        return Some(format!("{prompt} tokens, the window holds {window}"));
    }
    if let Some(failed) = error.get("failed_generation").and_then(Value::as_str) {
        return Some(format!(
            "the model wrote {} bytes that are no tool call",
            failed.len()
        ));
    }
    let upstream = error.pointer("/metadata/provider_name")?.as_str()?;
    let raw = error
        .pointer("/metadata/raw")
        .map(plain)
        .unwrap_or_default();
    let detail = format!("{upstream}: {raw}");
    Some(detail.trim_end_matches([' ', ':']).to_owned())
}

/// The names of the content filters that spoke.
fn filtered(filters: &Value) -> Vec<&str> {
    let filters = filters.as_object().into_iter().flatten();
    let spoke = filters.filter(|(_, filter)| filter.get("filtered") == Some(&Value::Bool(true)));
    spoke.map(|(name, _)| name.as_str()).collect()
}

/// Text, or a number written out.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number between 400 and 599, also where it is written as text.
fn http_status(value: &Value) -> Option<u16> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    u16::try_from(number)
        .ok()
        .filter(|status| (400..600).contains(status))
}
