//! Holds a result against the expected one.

use super::{ExpectedAnswer, ExpectedCall, ExpectedError};
use serde_json::{Value, json};
use std::fmt;
use towline_core::{Completion, Error, ToolCall, Usage};

/// A field in which a result differs from the expected one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What there is.
    pub found: String,
}

// === impl Difference ===

impl Difference {
    /// `field` should be `expected` and is `found`.
    #[must_use]
    pub fn new(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            field,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            expected,
            found,
        } = self;
        write!(f, "{field}: expected {expected:?}, found {found:?}")
    }
}

/// Compares an answer with what the provider's SDK made of the same bytes. `finish` gives the
/// canonical name for the provider's word, knowing whether there are tool calls.
///
/// A field that the SDK does not report, such as the request id of a stream, is not compared. A
/// value that was made unreadable in the recording (`<...>`, `REDACTED`) is equal to any.
#[must_use]
pub fn compare(
    found: &Completion,
    expected: &ExpectedAnswer,
    finish: impl Fn(&str, bool) -> String,
) -> Vec<Difference> {
    let mut seen = Seen::default();
    seen.text("id", &expected.id, found.id());
    seen.text("model", &expected.model, found.model());
    seen.equal("text", &expected.plain_text(), &found.text());
    seen.equal("reasoning", &expected.plain_reasoning(), &found.reasoning());
    seen.equal("refusal", &expected.refusal, &found.refusal());
    let calls: Vec<_> = found.tool_calls().map(call).collect();
    seen.calls(&expected.tool_calls, &calls);
    let reason = finish(&expected.finish, !expected.tool_calls.is_empty());
    seen.equal("finish", &reason, found.finish_reason().as_str());
    seen.usage(expected, found.usage());
    seen.text(
        "request id",
        &expected.request_id,
        found.request_id().unwrap_or_default(),
    );
    seen.differences
}

/// Compares an error with that of the provider's SDK: the status where it is one, the provider's
/// message, the request id. Its kind is for the caller to judge.
#[must_use]
pub fn compare_error(found: &Error, expected: &ExpectedError) -> Vec<Difference> {
    let mut seen = Seen::default();
    if let Some(status) = expected.status.as_u64() {
        let found = found
            .status()
            .map_or_else(String::new, |status| status.to_string());
        seen.equal("error status", &status.to_string(), &found);
    }
    seen.text(
        "request id",
        &expected.request_id,
        found.request_id().unwrap_or_default(),
    );
    // The SDK writes `Error code: 404 - message`.
    let message = expected.message.split_once(" - ");
    let message = message.map_or(expected.message.as_str(), |(_, message)| message);
    if !message.starts_with("Error code: ") && !contains(found, message) {
        let text = found.message().unwrap_or_default();
        seen.add("error message", message, text);
    }
    seen.differences
}

#[derive(Default)]
struct Seen {
    differences: Vec<Difference>,
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, field: &'static str, expected: &str, found: &str) {
        self.differences
            .push(Difference::new(field, expected, found));
    }

    fn equal(&mut self, field: &'static str, expected: &str, found: &str) {
        if expected != found {
            self.add(field, expected, found);
        }
    }

    /// A text that the SDK may leave out and the recording may have hidden.
    fn text(&mut self, field: &'static str, expected: &str, found: &str) {
        if expected.is_empty() || is_hidden(expected) {
            return;
        }
        self.equal(field, expected, found);
    }

    fn calls(&mut self, expected: &[ExpectedCall], found: &[ExpectedCall]) {
        let same = expected.len() == found.len()
            && expected.iter().zip(found).all(|(expected, found)| {
                // A call without an id gets one from Towline.
                let same_id = expected.id.is_empty() || expected.id == found.id;
                same_id
                    && !found.id.is_empty()
                    && expected.name == found.name
                    && expected.arguments == found.arguments
            });
        if !same {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            self.add("tool calls", &expected, &found);
        }
    }

    fn usage(&mut self, expected: &ExpectedAnswer, found: Option<&Usage>) {
        let Some(found) = found else {
            if !expected.usage.is_empty() {
                let numbers = Value::Object(expected.usage.clone());
                self.add("usage", &numbers.to_string(), "none");
            }
            return;
        };
        let fields = [
            ("input", found.input()),
            ("output", found.output()),
            ("cache_read", found.cache_read()),
            ("cache_write", found.cache_write()),
            ("reasoning", found.reasoning()),
        ];
        for (name, found) in fields {
            // What the SDK leaves out, the dialect may still know.
            let Some(expected) = expected.tokens(name) else {
                continue;
            };
            if found != Some(expected) {
                let found = found.map_or_else(|| "none".to_owned(), |n| n.to_string());
                self.add(name, &expected.to_string(), &found);
            }
        }
    }
}

fn call(call: &ToolCall) -> ExpectedCall {
    let raw = |_| json!({"__raw__": call.arguments()});
    ExpectedCall {
        id: call.id().to_owned(),
        name: call.name().to_owned(),
        arguments: call.parse_arguments().unwrap_or_else(raw),
    }
}

/// Whether the recording replaced the value.
fn is_hidden(text: &str) -> bool {
    text.starts_with('<') || text.contains("REDACTED")
}

/// Whether the error says `message`, perhaps cut, anywhere in its chain.
fn contains(error: &Error, message: &str) -> bool {
    let said = error.report().to_string();
    let start: String = message.chars().take(80).collect();
    said.contains(&start)
}
