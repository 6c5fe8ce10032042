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

    /// The value of a query parameter, as it stands in the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.facts.query.as_deref()?.split('&');
        let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find_map(|(key, value)| (key == name).then_some(value))
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION.as_str())?
            .strip_prefix("Bearer ")
    }

    pub(crate) const fn json(&self) -> Result<&Value, &serde_json::Error> {
        self.json.as_ref()
    }

    /// The deployment in the path, as Azure has it, or the model in the body.
    pub(crate) fn model(&self) -> Option<&str> {
        self.deployment()
            .or_else(|| self.field("model").and_then(Value::as_str))
    }

    /// The same call with the deployment of its path as the model of its body.
    pub(crate) fn with_deployment(&self) -> Self {
        // Read again: the error of a body that is no JSON cannot be cloned.
        let mut json = serde_json::from_slice(&self.facts.body);
        if let (Some(name), Ok(Value::Object(fields))) = (self.deployment(), &mut json) {
            fields.insert("model".to_owned(), name.into());
        }
        Self {
            facts: Arc::clone(&self.facts),
            json,
        }
    }

    fn deployment(&self) -> Option<&str> {
        let rest = self.path().strip_prefix("/openai/deployments/")?;
        Some(rest.split_once('/').map_or(rest, |(name, _)| name))
    }

    pub(crate) fn wants_stream(&self) -> bool {
        // Ollama streams what can be streamed, unless it is told not to.
        let unsaid = ["/api/chat", "/api/generate", "/api/pull"].contains(&self.path());
        let said = self.field("stream").and_then(Value::as_bool);
        said.unwrap_or(unsaid)
    }

    /// The text of the last user message that is more than results of tools; without messages, the
    /// text of `input` or `prompt`.
    pub(crate) fn user_text(&self) -> Option<String> {
        let input = self.field("input").or_else(|| self.field("prompt"));
        let messages = self.field("messages").or(input)?;
        let list = messages.as_array().map(Vec::as_slice).unwrap_or_default();
        if !list.iter().any(|message| message.get("role").is_some()) {
            return Some(text_of(messages));
        }
        let asks = |message: &&Value| {
            message.get("role").and_then(Value::as_str) == Some("user") && !only_results(message)
        };
        let last = list.iter().rev().find(asks)?;
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

/// Whether a message holds nothing but results of tools.
pub(crate) fn only_results(message: &Value) -> bool {
    let blocks = message.get("content").and_then(Value::as_array);
    let is_result = |block: &Value| block.get("type").is_some_and(|kind| kind == "tool_result");
    blocks.is_some_and(|blocks| !blocks.is_empty() && blocks.iter().all(is_result))
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
