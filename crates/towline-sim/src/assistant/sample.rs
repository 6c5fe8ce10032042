//! JSON that is valid for a JSON schema.
//!
//! Covers what structured output uses: `type`, `properties`, `required`, `items`, `enum`, `const`,
//! `$ref` into the same document, `anyOf`, `oneOf`, `allOf`, the bounds of strings, numbers and
//! arrays, and the common formats. `pattern` and `not` are not looked at.

#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value, json};
use std::cell::Cell;

/// How deep a sample may nest; a schema that recurs ends here.
const DEPTH: usize = 16;

/// How many values a sample may hold; a schema that branches and recurs ends here.
const VALUES: usize = 2_000;

/// A value that is valid for `schema`.
pub(crate) fn of(schema: &Value) -> Value {
    let sampler = Sampler {
        root: schema,
        left: Cell::new(VALUES),
    };
    sampler.value(schema, "value", 0)
}

/// Arguments for a tool: always an object.
pub(crate) fn arguments(schema: &Value) -> Value {
    match of(schema) {
        Value::Object(fields) => Value::Object(fields),
        _ => json!({}),
    }
}

#[derive(Debug)]
struct Sampler<'a> {
    root: &'a Value,
    /// Values that may still be made.
    left: Cell<usize>,
}

// === impl Sampler ===

impl<'a> Sampler<'a> {
    fn value(&self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let left = self.left.get();
        if depth > DEPTH || left == 0 {
            return Value::Null;
        }
        self.left.set(left - 1);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let found = target
                .strip_prefix('#')
                .and_then(|at| self.root.pointer(at));
            return found.map_or(Value::Null, |found| self.value(found, name, depth + 1));
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some(first) = array(schema, "enum").and_then(|values| values.first()) {
            return first.clone();
        }
        if let Some(chosen) = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| choice(schema, key))
        {
            return self.value(chosen, name, depth + 1);
        }
        if let Some(parts) = array(schema, "allOf") {
            return self.merged(schema, parts, name, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "string" => Value::String(string(schema, name)),
            "integer" => number(schema, true),
            "number" => number(schema, false),
            "boolean" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    /// All properties that are described, and those that are only required.
    fn object(&self, schema: &'a Value, depth: usize) -> Value {
        let mut fields = Map::new();
        let required: Vec<&str> = array(schema, "required")
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let described = schema.get("properties").and_then(Value::as_object);
        for (name, property) in described.into_iter().flatten() {
            // Optional fields go first when a schema recurs.
            if depth < DEPTH / 4 || required.contains(&name.as_str()) {
                fields.insert(name.clone(), self.value(property, name, depth + 1));
            }
        }
        for name in required {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), json!("sample"));
            }
        }
        Value::Object(fields)
    }

    fn array(&self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let least = count(schema, "minItems").unwrap_or(0);
        let most = count(schema, "maxItems").unwrap_or(usize::MAX);
        let wanted = if depth < DEPTH / 4 {
            least.max(1)
        } else {
            least
        };
        let items = schema.get("items");
        let first = array(schema, "prefixItems").unwrap_or_default();
        let one = |index: usize| {
            let schema = first.get(index).or(items);
            schema.map_or_else(
                || json!("sample"),
                |schema| self.value(schema, name, depth + 1),
            )
        };
        let len = wanted.max(first.len()).min(most);
        (0..len).map(one).collect()
    }

    /// `allOf`: the fields of all parts that are objects, else the first part.
    fn merged(&self, schema: &'a Value, parts: &'a [Value], name: &str, depth: usize) -> Value {
        let mut fields = match self.object(schema, depth) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let mut first = None;
        for part in parts {
            match self.value(part, name, depth + 1) {
                Value::Object(more) => fields.extend(more),
                other => first = first.or(Some(other)),
            }
        }
        match first {
            Some(value) if fields.is_empty() => value,
            _ => Value::Object(fields),
        }
    }
}

/// The first alternative that is more than null.
fn choice<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let alternatives = array(schema, key)?;
    let not_null = |schema: &&Value| schema.get("type").and_then(Value::as_str) != Some("null");
    alternatives
        .iter()
        .find(not_null)
        .or_else(|| alternatives.first())
}

/// The type, or the one that the keywords suggest.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn string(schema: &Value, name: &str) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        Some("date") => "2026-01-01".to_owned(),
        Some("time") => "00:00:00Z".to_owned(),
        Some("duration") => "PT1S".to_owned(),
        Some("email") => "sample@example.com".to_owned(),
        Some("hostname") => "example.com".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        Some("ipv6") => "2001:db8::1".to_owned(),
        Some("uri" | "url") => "https://example.com/".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => format!("sample {name}"),
    };
    let least = count(schema, "minLength").unwrap_or(0);
    let most = count(schema, "maxLength").unwrap_or(usize::MAX);
    let padding = std::iter::repeat_n('x', least.saturating_sub(text.chars().count()));
    text.chars().chain(padding).take(most).collect()
}

/// The number nearest to 1 that the bounds allow.
fn number(schema: &Value, whole: bool) -> Value {
    let bound = |key| schema.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let gap = step.unwrap_or(if whole { 1.0 } else { 0.5 });
    let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low + gap));
    let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - gap));
    let grid = step.or_else(|| whole.then_some(1.0));
    let mut value = grid.unwrap_or(1.0);
    if let Some(low) = low.filter(|low| value < *low) {
        value = grid.map_or(low, |grid| (low / grid).ceil() * grid);
    }
    if let Some(high) = high.filter(|high| value > *high) {
        value = grid.map_or(high, |grid| (high / grid).floor() * grid);
    }
    if whole && let Ok(number) = format!("{value:.0}").parse::<i64>() {
        return json!(number);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn array<'a>(schema: &'a Value, key: &str) -> Option<&'a [Value]> {
    schema.get(key)?.as_array().map(Vec::as_slice)
}

fn count(schema: &Value, key: &str) -> Option<usize> {
    usize::try_from(schema.get(key)?.as_u64()?).ok()
}
