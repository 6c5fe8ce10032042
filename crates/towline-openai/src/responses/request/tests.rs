use super::encode;
use crate::{Flavor, OpenAiConfig};
use http_body::Body as _;
use serde_json::{Value, json};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, Image, JsonSchema, Message, Part, Reasoning,
    ReasoningEffort, Request, ResponseFormat, Role, ToolCall, ToolChoice, ToolSpec,
};

fn config() -> OpenAiConfig {
    let config = OpenAiConfig::builder("http://localhost/v1").flavor(Flavor::OPENAI);
    config.build().unwrap()
}

fn body(request: &Request) -> Value {
    let mut body = encode(&config(), request).unwrap().body;
    let mut context = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        all.extend_from_slice(&frame.into_data().unwrap());
    }
    serde_json::from_slice(&all).unwrap()
}

#[test]
fn a_plain_question_stores_nothing() {
    let expected = json!({"model": "gpt-4o", "store": false,
        "input": [{"type": "message", "role": "user", "content": "Hi"}]});
    assert_eq!(body(&Request::new("gpt-4o", "Hi")), expected);
}

#[test]
fn reasoning_models_are_asked_for_what_can_be_sent_back() {
    let request = Request::new("o3", "Hi").with_stream(true);
    let options = CompletionOptions::new().with_reasoning(ReasoningEffort::High);
    let body = body(&request.with_options(options));
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(
        body["reasoning"],
        json!({"effort": "high", "summary": "auto"})
    );
    assert_eq!(body["stream"], true);
}

#[test]
fn storing_is_the_callers_choice() {
    let stored = CompletionOptions::new()
        .with_extra("openai", "store", json!(true))
        .with_extra("openai", "previous_response_id", json!("r0"));
    let body = body(&Request::new("o3", "Hi").with_options(stored));
    assert_eq!(
        (&body["store"], &body["previous_response_id"]),
        (&json!(true), &json!("r0"))
    );
    assert_eq!(body.get("include"), None);
}

#[test]
fn options_have_the_names_of_this_api() {
    let schema = json!({"type": "object", "properties": {}});
    let options = CompletionOptions::new()
        .with_max_tokens(10)
        .with_temperature(0.5)
        .with_tools([ToolSpec::new("f", "does f", &schema)])
        .with_tool_choice(ToolChoice::Tool("f".into()))
        .with_response_format(ResponseFormat::JsonSchema(JsonSchema::new("r", &schema)));
    let mut body = body(&Request::new("gpt-4o", "Hi").with_options(options));
    body.as_object_mut().unwrap().remove("input");
    let expected = json!({"model": "gpt-4o", "store": false, "max_output_tokens": 10, "temperature": 0.5,
        "tools": [{"type": "function", "name": "f", "description": "does f", "parameters": schema}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "r", "schema": schema, "strict": true}}});
    assert_eq!(body, expected);
}

#[test]
fn what_this_api_lacks_is_refused_by_name() {
    let options = CompletionOptions::new().with_seed(1).with_stop(["x"]);
    let request = Request::new("gpt-4o", "Hi").with_options(options.clone());
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().unwrap().contains("`seed`"), "{error}");
    let lenient = Request::new("gpt-4o", "Hi").with_options(options.with_lenient(true));
    assert_eq!(
        encode(&config(), &lenient).unwrap().dropped,
        ["seed", "stop"]
    );
}

#[test]
fn a_turn_goes_back_item_by_item_with_its_reasoning_before_it() {
    let own = Reasoning::new("so")
        .with_provider("openai")
        .with_id("rs1")
        .with_encrypted("x");
    let foreign = Reasoning::new("hm").with_provider("deepseek");
    let parts = vec![
        own.into(),
        foreign.into(),
        ToolCall::new("c1", "f", "").into(),
        Part::from("Wait."),
        Part::Refusal("No.".into()),
    ];
    let conversation = Conversation::from(Message::system("be brief"))
        .with(Message::user("look").with_part(Image::url("https://example.com/a.png")))
        .with(Message::new(Role::Assistant, parts))
        .with(Message::tool("c1", "42"));
    let expected = json!([
        {"type": "message", "role": "system", "content": "be brief"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": "https://example.com/a.png"}]},
        {"type": "reasoning", "id": "rs1", "encrypted_content": "x",
            "summary": [{"type": "summary_text", "text": "so"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "Wait."}, {"type": "refusal", "refusal": "No."}]},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
    ]);
    assert_eq!(
        body(&Request::new("gpt-4o", conversation))["input"],
        expected
    );
}

#[test]
fn a_turn_of_foreign_reasoning_alone_leaves_no_item() {
    let foreign = Reasoning::new("hm").with_provider("deepseek");
    let turn = Message::new(Role::Assistant, vec![foreign.into()]);
    let conversation = Conversation::from("Hi")
        .with(turn)
        .with(Message::user("And?"));
    assert_eq!(
        body(&Request::new("m", conversation))["input"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
