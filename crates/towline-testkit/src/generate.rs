//! Requests of every shape, for properties of what a provider sends.
//!
//! [`requests`] is a proptest strategy over everything that the contract can say: turns of every kind,
//! tools with calls and results, reasoning of several providers, images, files, cache marks, blank texts
//! and every option. Every result answers a call, and options keep to the limits that all providers
//! share. A provider may still be unable to say a request, and then has to refuse it before sending.
//!
//! [`send`] sends them and keeps the bodies, for a check against the published description of an API.
//!
//! # Examples
//!
//! ```
//! use proptest::{strategy::{Strategy as _, ValueTree as _}, test_runner::TestRunner};
//! use towline_testkit::generate::requests;
//!
//! let mut runner = TestRunner::deterministic();
//! let request = requests(&["gpt-4o"]).new_tree(&mut runner).unwrap().current();
//! assert_eq!(request.model(), "gpt-4o");
//! assert!(!request.conversation().is_empty());
//! ```

mod conversation;
mod options;
mod outgoing;

pub use self::outgoing::{Outgoing, send};

use proptest::{
    arbitrary::any,
    prop_oneof,
    sample::select,
    strategy::{Just, Strategy},
};
use towline_core::Request;

/// Requests to one of `models`.
pub fn requests(models: &'static [&'static str]) -> impl Strategy<Value = Request> {
    let parts = (
        select(models),
        conversation::conversation(),
        options::options(),
        any::<bool>(),
    );
    parts.prop_map(|(model, conversation, options, stream)| {
        let request = Request::new(model, conversation).with_options(options);
        request.with_stream(stream)
    })
}

/// Text as people and programs write it, sometimes empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => "[a-zA-Z ,.!?]{1,30}",
        2 => any::<String>(),
        1 => Just("a \"quoted\"\\ line\n\tünïcode 日本語 🦀 \u{0}\u{7f}\u{2028}".to_owned()),
        1 => Just(" \n".to_owned()),
        1 => Just(String::new()),
    ]
}

/// What a provider takes as the name of a tool or of a schema.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,19}"
}

/// A schema of an object.
fn schema() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    prop_oneof![
        Just(json!({"type": "object", "properties": {}})),
        Just(json!({
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris", "Oslo"]}},
            "required": ["city"],
            "additionalProperties": false,
        })),
        Just(json!({
            "type": "object",
            "description": "nested",
            "properties": {
                "a": {"type": "array", "items": {"$ref": "#/$defs/b"}},
                "model": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            },
            "$defs": {"b": {"type": "object", "properties": {"messages": {"type": "string"}}}},
        })),
    ]
}
