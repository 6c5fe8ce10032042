//! The reasoning details of `OpenRouter`, gathered so that they can be sent back.

use crate::wire::answer::ReasoningDetail;
use serde::Serialize;
use serde_json::{Map, Value};

/// The details of an answer so far. Deltas of one detail are joined.
#[derive(Debug, Default)]
pub(crate) struct Details {
    list: Vec<Detail>,
}

#[derive(Debug, Serialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

// === impl Details ===

impl Details {
    pub(crate) fn push(&mut self, delta: &ReasoningDetail<'_>) {
        let last = self.list.last_mut();
        let same = last.filter(|last| last.kind == delta.kind.0 && last.index == delta.index.0);
        let detail = match same {
            Some(detail) => detail,
            None => {
                self.list.push(Detail {
                    kind: delta.kind.0.clone().into_owned(),
                    index: delta.index.0,
                    fields: Map::new(),
                });
                let Some(detail) = self.list.last_mut() else {
                    return;
                };
                detail
            }
        };
        for (name, text) in [
            ("text", &delta.text),
            ("summary", &delta.summary),
            ("data", &delta.data),
        ] {
            detail.append(name, &text.0);
        }
        for (name, text) in [
            ("id", &delta.id),
            ("format", &delta.format),
            ("signature", &delta.signature),
        ] {
            detail.set(name, &text.0);
        }
    }

    /// The details as a JSON list; nothing where there are none.
    pub(crate) fn to_json(&self) -> Option<String> {
        if self.list.is_empty() {
            return None;
        }
        serde_json::to_string(&self.list).ok()
    }
}

// === impl Detail ===

impl Detail {
    fn append(&mut self, name: &str, more: &str) {
        if more.is_empty() {
            return;
        }
        match self.fields.get_mut(name) {
            Some(Value::String(text)) => text.push_str(more),
            _ => self.set(name, more),
        }
    }

    fn set(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.fields.insert(name.to_owned(), Value::from(text));
        }
    }
}

/// The readable text of a detail.
pub(crate) fn text<'a>(detail: &'a ReasoningDetail<'_>) -> &'a str {
    if detail.text.is_empty() {
        &detail.summary.0
    } else {
        &detail.text.0
    }
}
