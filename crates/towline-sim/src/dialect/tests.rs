use super::{Memory, Scene, Settings, of};
use crate::{
    call::Call,
    journal::Facts,
    reply::{ToolCall, Turn},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const PATHS: [&str; 10] = [
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/api/chat",
    "/api/embed",
    "/api/show",
    "/openai/deployments/d/chat/completions",
    "/openai/v1/responses",
];

/// Names and words that the dialects know, so that made-up requests get far.
const WORDS: [&str; 46] = [
    "model",
    "messages",
    "input",
    "role",
    "user",
    "assistant",
    "system",
    "content",
    "type",
    "text",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "thinking",
    "signature",
    "id",
    "name",
    "tools",
    "tool_choice",
    "function",
    "arguments",
    "function_call",
    "function_call_output",
    "call_id",
    "output",
    "reasoning",
    "summary",
    "encrypted_content",
    "stream",
    "max_tokens",
    "budget_tokens",
    "enabled",
    "options",
    "format",
    "json_schema",
    "schema",
    "images",
    "file",
    "file_data",
    "document",
    "source",
    "input_file",
    "cache_control",
    "stop",
    "previous_response_id",
    "include",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(WORDS.to_vec()).prop_map(ToOwned::to_owned),
        1 => "\\PC{0,6}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A request that is valid but for what is made up.
fn request() -> impl Strategy<Value = Value> {
    prop::collection::vec((word(), value()), 0..5).prop_map(|fields| {
        let mut body = json!({
            "model": "m",
            "max_tokens": 2000,
            "messages": [{"role": "user", "content": "x"}],
            "input": "x",
        });
        if let Value::Object(object) = &mut body {
            object.extend(fields);
        }
        body
    })
}

fn call(path: &str, body: &Value) -> Call {
    let mut headers = HeaderMap::new();
    let version = HeaderValue::from_static("2023-06-01");
    headers.insert("anthropic-version", version);
    Call::new(Arc::new(Facts {
        id: 1,
        connection: 1,
        method: Method::POST,
        path: path.to_owned(),
        query: Some("api-version=2024-10-21".to_owned()),
        headers,
        body: Bytes::from(body.to_string()),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_request_is_answered_or_refused_in_every_dialect(
        body in prop_oneof![3 => request(), 1 => value()],
    ) {
        let (settings, memory) = (Settings::default(), Memory::default());
        for path in PATHS {
            let call = call(path, &body);
            let scene = Scene { settings: &settings, memory: &memory, call: &call };
            let dialect = of(&call);
            let status = dialect.answer(&scene).status.as_u16();
            prop_assert!([200, 400, 404].contains(&status), "{path}: {status}");
            let turn = Turn {
                text: "said".to_owned(),
                calls: vec![ToolCall::new("f", "{\"broken")],
                ..Turn::default()
            };
            prop_assert_eq!(dialect.say(&scene, turn).status.as_u16(), 200);
        }
    }
}
