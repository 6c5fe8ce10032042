//! The prompt cache: what the request marks, what was marked before.

use super::tokens_of;
use crate::{
    dialect::{Memory, Scene, field::given},
    seed,
};
use serde_json::Value;

/// What the cache has to do with a request, in tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cache {
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) long_lived: bool,
}

/// Reads and writes the cache. Only what stands before a mark (`cache_control`) is kept, and only if
/// it is long enough.
pub(super) fn read(scene: &Scene<'_>, body: &Value, model: &str) -> Cache {
    let prefixes = prefixes(body, model);
    let messages = messages(body);
    let marked = if given(body, "cache_control").is_some() {
        messages.len()
    } else {
        let last = messages.iter().rposition(is_marked);
        match last {
            Some(index) => index + 1,
            None if ["system", "tools"]
                .iter()
                .any(|f| body.get(f).is_some_and(is_marked)) =>
            {
                0
            }
            None => return Cache::default(),
        }
    };
    let marked = prefixes.get(..=marked).unwrap_or_default();
    let total = marked.last().map_or(0, |(_, tokens)| *tokens);
    let read = scene.memory.known_tokens(marked);
    let written = if total < Memory::LEAST {
        0
    } else {
        total.saturating_sub(read)
    };
    Cache {
        read,
        written,
        long_lived: has(body, &|value| {
            value.get("ttl").is_some_and(|ttl| ttl == "1h")
        }),
    }
}

/// The hash and the tokens of the tools and the system prompt, then of the conversation up to each
/// message. Marks make no difference.
pub(super) fn prefixes(body: &Value, model: &str) -> Vec<(u64, u64)> {
    let mut hash = seed::hash(4, model.as_bytes());
    let mut total = 3;
    let mut prefixes = Vec::new();
    for part in ["tools", "system"] {
        if let Some(part) = given(body, part).map(unmarked) {
            hash = seed::hash(hash, part.to_string().as_bytes());
            total += tokens_of(Some(&part));
        }
    }
    prefixes.push((hash, total));
    for message in messages(body).iter().map(unmarked) {
        hash = seed::hash(hash, message.to_string().as_bytes());
        total += 4 + tokens_of(message.get("content"));
        prefixes.push((hash, total));
    }
    prefixes
}

fn messages(body: &Value) -> &[Value] {
    let messages = body.get("messages").and_then(Value::as_array);
    messages.map(Vec::as_slice).unwrap_or_default()
}

fn is_marked(value: &Value) -> bool {
    has(value, &|value| given(value, "cache_control").is_some())
}

/// Whether a value, or one below it, passes `test`.
fn has(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    test(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| has(item, test)),
            Value::Object(fields) => fields.values().any(|field| has(field, test)),
            _ => false,
        }
}

/// A copy without the marks.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(unmarked).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "cache_control");
            kept.map(|(name, field)| (name.clone(), unmarked(field)))
                .collect()
        }
        other => other.clone(),
    }
}
