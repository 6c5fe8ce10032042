//! A request as rules and dialects see it.

use crate::journal::Facts;
use http::{Method, header};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// A request with its body read, and the few facts that are the same in every dialect.
pub(crate) struct Call {
    facts: Arc<Facts>,
    json: Result<Value, serde_json::Error>,
}

// === impl Call ===

impl Call {
    pub(crate) fn new(facts: Arc<Facts>) -> Self {
        let json = serde_json::from_slice(&facts.body);
        Self { facts, json }
    }

    pub(crate) fn id(&self) -> u64 {
        self.facts.id
    }

    pub(crate) fn method(&self) -> &Method {
        &self.facts.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.facts.path
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.facts.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION.as_str())?
            .strip_prefix("Bearer ")
    }

    pub(crate) const fn json(&self) -> Result<&Value, &serde_json::Error> {
        self.json.as_ref()
    }

    pub(crate) fn model(&self) -> Option<&str> {
        self.field("model")?.as_str()
    }

    pub(crate) fn wants_stream(&self) -> bool {
        self.field("stream").and_then(Value::as_bool) == Some(true)
    }

    /// The text of the last user message; without messages, the text of `input` or `prompt`.
    pub(crate) fn user_text(&self) -> Option<String> {
        let Some(messages) = self.field("messages").and_then(Value::as_array) else {
            let plain = self.field("input").or_else(|| self.field("prompt"))?;
            return Some(text_of(plain));
        };
        let of_user =
            |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
        let last = messages.iter().rev().find(of_user)?;
        Some(text_of(last.get("content")?))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.json.as_ref().ok()?.get(name)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.facts).finish()
    }
}

/// The text in a content field: a string, or a list of strings and parts with a `text`.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part => part.get("text").and_then(Value::as_str),
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
