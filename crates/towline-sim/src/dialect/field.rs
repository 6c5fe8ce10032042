//! Reads the fields of a request, and says what is wrong with one, in no dialect.

use super::Scene;
use serde_json::Value;

/// What is wrong with which field. Each dialect has its own words around it.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    /// The path of the field; empty when the body as a whole is wrong.
    pub(crate) at: String,
    pub(crate) reason: Reason,
    /// A predicate for the field, such as `must be a string, not a number`.
    pub(crate) what: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    Missing,
    Type,
    Value,
    Empty,
    IntegerTooSmall,
    IntegerTooLarge,
    DecimalTooSmall,
    DecimalTooLarge,
    Unknown,
    /// It belongs to another API.
    Unsupported,
    /// Something that no one field shows.
    Other,
}

// === impl Wrong ===

impl Wrong {
    pub(crate) fn new(at: impl Into<String>, reason: Reason, what: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            reason,
            what: what.into(),
        }
    }

    pub(crate) fn missing(at: impl Into<String>, what: &str) -> Self {
        Self::new(at, Reason::Missing, format!("is required: {what}"))
    }

    pub(crate) fn value(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(at, Reason::Value, what)
    }

    pub(crate) fn kind(at: impl Into<String>, wanted: &str, found: &Value) -> Self {
        let what = format!("must be {wanted}, not {}", kind_of(found));
        Self::new(at, Reason::Type, what)
    }

    /// A word that is none of those that are known.
    pub(crate) fn word(at: impl Into<String>, found: &str, known: &[&str]) -> Self {
        let what = format!("must be one of {}, not '{found}'", known.join(", "));
        Self::new(at, Reason::Value, what)
    }

    /// The same, inside the object that is called `outer`.
    pub(crate) fn inside(self, outer: &str) -> Self {
        Self {
            at: format!("{outer}.{}", self.at),
            ..self
        }
    }

    /// One sentence that names the field.
    pub(crate) fn sentence(&self) -> String {
        match self.at.as_str() {
            "" => format!("{}.", self.what),
            at => format!("'{at}' {}.", self.what),
        }
    }
}

/// The body of a call as a JSON object.
pub(crate) fn body<'a>(scene: &Scene<'a>) -> Result<&'a Value, Wrong> {
    match scene.call.json() {
        Ok(body) if body.is_object() => Ok(body),
        Ok(other) => {
            let what = format!("The body must be a JSON object, not {}", kind_of(other));
            Err(Wrong::new("", Reason::Other, what))
        }
        Err(cause) => {
            let what = format!("The body is not valid JSON: {cause}");
            Err(Wrong::new("", Reason::Other, what))
        }
    }
}

/// A field that is there and not null.
pub(crate) fn given<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// An optional text.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Wrong> {
    match given(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Wrong::kind(name, "a string", other)),
    }
}

/// An optional truth value.
pub(crate) fn flag(body: &Value, name: &str) -> Result<Option<bool>, Wrong> {
    match given(body, name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(Wrong::kind(name, "a boolean", other)),
    }
}

/// An optional whole number of at least `least`.
pub(crate) fn count(body: &Value, name: &str, least: u64) -> Result<Option<u64>, Wrong> {
    let Some(value) = given(body, name) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(number) if number >= least => Ok(Some(number)),
        None if !value.is_i64() => Err(Wrong::kind(name, "an integer", value)),
        _ => {
            let what = format!("must be at least {least}, not {value}");
            Err(Wrong::new(name, Reason::IntegerTooSmall, what))
        }
    }
}

/// An optional list.
pub(crate) fn list<'a>(body: &'a Value, name: &str) -> Result<Option<&'a [Value]>, Wrong> {
    match given(body, name) {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(other) => Err(Wrong::kind(name, "an array", other)),
    }
}

/// Refuses a number outside its bounds.
pub(crate) fn range(body: &Value, name: &str, low: f64, high: f64) -> Result<(), Wrong> {
    let Some(value) = given(body, name) else {
        return Ok(());
    };
    let Some(number) = value.as_f64() else {
        return Err(Wrong::kind(name, "a number", value));
    };
    let reason = match number {
        number if number < low => Reason::DecimalTooSmall,
        number if number > high => Reason::DecimalTooLarge,
        _ => return Ok(()),
    };
    let what = format!("must be from {low} to {high}, not {number}");
    Err(Wrong::new(name, reason, what))
}

/// Texts that end the answer.
pub(crate) fn stops(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(Value::Array(stops)) => {
            let texts = stops.iter().filter_map(Value::as_str);
            texts.map(ToOwned::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// What a JSON value is, for messages.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
