//! What a provider's own SDK made of a recorded answer.

use super::{Unreadable, case::read};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

/// What the provider's own SDK made of an answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Expected {
    /// It returned normally.
    Answer(Box<ExpectedAnswer>),
    /// It raised an error.
    Error(ExpectedError),
}

/// A normal result. `null` and a missing field are empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExpectedAnswer {
    /// The id of the answer.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// How many alternatives there were, where it was counted. Zero means an answer without content.
    pub choices: Option<u64>,
    /// The text. A list of parts where the SDK passed it on as it was.
    pub text: Value,
    /// The reasoning that can be read.
    pub reasoning: String,
    /// The words of a refusal.
    pub refusal: String,
    /// The tool calls, in order.
    pub tool_calls: Vec<ExpectedCall>,
    /// The finish reason, in the provider's word.
    pub finish: String,
    /// The provider's numbers, as the SDK names them: `input`, `output`, `cache_read`,
    /// `cache_write`, `reasoning`, `total`.
    pub usage: Map<String, Value>,
    /// The provider's id of the call.
    pub request_id: String,
}

/// A tool call.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExpectedCall {
    /// The id; empty where the SDK has none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, parsed; `{"__raw__": text}` where they are no JSON.
    pub arguments: Value,
}

/// An error.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExpectedError {
    /// The class of the exception.
    pub class: String,
    /// The status; the code for an error inside a stream.
    pub status: Value,
    /// The message.
    pub message: String,
    /// The provider's id of the call.
    pub request_id: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    ok: Option<Map<String, Value>>,
    #[serde(default)]
    error: Option<Map<String, Value>>,
}

// === impl Expected ===

impl Expected {
    pub(super) fn load(path: &Path) -> Result<Self, Unreadable> {
        let file: File = read(path)?;
        match (file.ok, file.error) {
            (Some(ok), None) => Ok(Self::Answer(Box::new(ExpectedAnswer::read(&ok)))),
            (None, Some(error)) => Ok(Self::Error(ExpectedError::read(&error))),
            _ => Err(Unreadable::new(path, "neither `ok` nor `error`, or both")),
        }
    }

    /// The normal result, if it is one.
    #[must_use]
    pub fn answer(&self) -> Option<&ExpectedAnswer> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Error(_) => None,
        }
    }

    /// The error, if it is one.
    #[must_use]
    pub const fn error(&self) -> Option<&ExpectedError> {
        match self {
            Self::Answer(_) => None,
            Self::Error(error) => Some(error),
        }
    }
}

// === impl ExpectedAnswer ===

impl ExpectedAnswer {
    /// SDKs differ in the names of the same things.
    fn read(ok: &Map<String, Value>) -> Self {
        let calls = ok.get("tool_calls").and_then(Value::as_array);
        let calls = calls.map_or(&[][..], Vec::as_slice);
        Self {
            id: text(ok, &["id"]),
            model: text(ok, &["model"]),
            choices: ok.get("n_choices").and_then(Value::as_u64),
            text: ok.get("text").cloned().unwrap_or_default(),
            reasoning: text(ok, &["reasoning", "thinking", "thought"]),
            refusal: text(ok, &["refusal"]),
            tool_calls: calls.iter().map(ExpectedCall::read).collect(),
            finish: text(
                ok,
                &["finish", "stop_reason", "done_reason", "stop", "status"],
            ),
            usage: (ok.get("usage").and_then(Value::as_object))
                .cloned()
                .unwrap_or_default(),
            request_id: text(ok, &["request_id"]),
        }
    }

    /// The text with the parts of a list joined: a text is read as it is, a part of another type
    /// than `text` is none.
    #[must_use]
    pub fn plain_text(&self) -> String {
        parts(&self.text, "text")
    }

    /// The reasoning, with that in the parts of a list.
    #[must_use]
    pub fn plain_reasoning(&self) -> String {
        let inside = self.text.as_array().into_iter().flatten();
        let inside = inside.filter_map(|part| part.get("thinking"));
        let inside: String = inside.map(|thinking| parts(thinking, "text")).collect();
        format!("{}{inside}", self.reasoning)
    }

    /// One of the numbers.
    #[must_use]
    pub fn tokens(&self, name: &str) -> Option<u64> {
        self.usage.get(name).and_then(Value::as_u64)
    }
}

// === impl ExpectedCall ===

impl ExpectedCall {
    fn read(call: &Value) -> Self {
        let string = |name| call.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            id: string("id").to_owned(),
            name: string("name").to_owned(),
            arguments: call.get("arguments").cloned().unwrap_or_default(),
        }
    }
}

// === impl ExpectedError ===

impl ExpectedError {
    fn read(error: &Map<String, Value>) -> Self {
        Self {
            class: text(error, &["type"]),
            status: error.get("status").cloned().unwrap_or_default(),
            message: text(error, &["message"]),
            request_id: text(error, &["request_id"]),
        }
    }
}

/// The first of `names` that holds text.
fn text(object: &Map<String, Value>, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| object.get(*name)?.as_str());
    found.unwrap_or_default().to_owned()
}

/// The text of a string, or of the parts of a list that have it under `field`.
fn parts(value: &Value, field: &str) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get(field)?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}
