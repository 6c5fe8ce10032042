mod messages;

use super::{encode, encode_count};
use crate::AnthropicConfig;
use http_body::Body as _;
use serde_json::{Value, json};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use towline_core::{
    CompletionOptions, Conversation, Error, ErrorKind, JsonSchema, Message, ReasoningEffort,
    Request, ResponseFormat, ToolChoice, ToolSpec,
};
use towline_transport::RequestBody;

const OLD: &str = "claude-haiku-4-5";
const NEW: &str = "claude-opus-4-8";

fn config() -> AnthropicConfig {
    AnthropicConfig::builder("http://localhost")
        .build()
        .unwrap()
}

fn read(mut body: RequestBody) -> Vec<u8> {
    let mut context = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        all.extend_from_slice(&frame.into_data().unwrap());
    }
    all
}

fn bytes(request: &Request) -> Vec<u8> {
    read(encode(&config(), request).unwrap().body)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&bytes(request)).unwrap()
}

/// The fields that the options make.
fn options(model: &'static str, options: CompletionOptions) -> Value {
    let mut body = body(&Request::new(model, "Hi").with_options(options));
    let fields = body.as_object_mut().unwrap();
    fields.remove("messages");
    fields.remove("model");
    body
}

fn error(model: &'static str, options: CompletionOptions) -> Error {
    encode(&config(), &Request::new(model, "Hi").with_options(options)).unwrap_err()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn a_plain_question_has_only_what_it_needs() {
    let expected = json!({
        "model": "m", "max_tokens": 2048,
        "messages": [{"role": "user", "content": [text("Hi")]}],
    });
    assert_eq!(body(&Request::new("m", "Hi")), expected);
    let streamed = body(&Request::new("m", "Hi").with_stream(true));
    assert_eq!(streamed["stream"], true);
}

#[test]
fn every_option_has_its_field() {
    let schema = json!({"type": "object", "properties": {}});
    let all = CompletionOptions::new()
        .with_temperature(0.5)
        .with_max_tokens(10)
        .with_stop(["a", "b"])
        .with_user("u")
        .with_tools([
            ToolSpec::new("f", "does f", &schema).with_strict(true),
            ToolSpec::new("g", "", &schema),
        ])
        .with_tool_choice(ToolChoice::Tool("f".into()))
        .with_parallel_tool_calls(false)
        .with_response_format(ResponseFormat::JsonSchema(JsonSchema::new("r", &schema)));
    let expected = json!({
        "max_tokens": 10, "temperature": 0.5, "stop_sequences": ["a", "b"],
        "metadata": {"user_id": "u"},
        "tools": [
            {"name": "f", "description": "does f", "input_schema": schema, "strict": true},
            {"name": "g", "input_schema": schema}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    });
    assert_eq!(options(OLD, all), expected);
}

#[test]
fn tool_choices_have_the_words_of_the_api() {
    let choice = |choice: Option<ToolChoice>, parallel: Option<bool>| {
        let tool = ToolSpec::new("f", "", &json!({"type": "object"}));
        let mut all = CompletionOptions::new().with_tools([tool]);
        if let Some(choice) = choice {
            all = all.with_tool_choice(choice);
        }
        if let Some(parallel) = parallel {
            all = all.with_parallel_tool_calls(parallel);
        }
        options(OLD, all).get("tool_choice").cloned()
    };
    assert_eq!(choice(None, None), None);
    assert_eq!(choice(None, Some(true)), None);
    let auto = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choice(None, Some(false)), Some(auto));
    let any = Some(json!({"type": "any"}));
    assert_eq!(choice(Some(ToolChoice::Required), None), any);
    let none = Some(json!({"type": "none"}));
    assert_eq!(choice(Some(ToolChoice::None), Some(false)), none);
}

#[test]
fn what_cannot_be_sent_is_an_error_or_reported() {
    let odd = CompletionOptions::new()
        .with_seed(1)
        .with_presence_penalty(0.1);
    let error = error(OLD, odd.clone());
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let json = ResponseFormat::Json;
    let lenient = odd.with_response_format(json).with_lenient(true);
    let request = Request::new(OLD, "Hi").with_options(lenient);
    let dropped = encode(&config(), &request).unwrap().dropped;
    assert_eq!(dropped, ["presence_penalty", "seed", "response_format"]);
    assert_eq!(body(&request).as_object().unwrap().len(), 3);
}

#[test]
fn shares_outside_their_range_never_leave() {
    let warm = CompletionOptions::new()
        .with_temperature(1.5)
        .with_lenient(true);
    let error = error(OLD, warm);
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.message().unwrap().contains("`temperature` is 1.5"),
        "{error}"
    );
    let none = CompletionOptions::new().with_top_p(f64::NAN);
    assert_eq!(self::error(OLD, none).kind(), ErrorKind::InvalidRequest);
}

#[test]
fn models_take_as_much_sampling_as_their_generation() {
    let both = CompletionOptions::new()
        .with_temperature(0.5)
        .with_top_p(0.9);
    let all = options("claude-3-haiku-20240307", both.clone());
    assert_eq!(
        all,
        json!({"max_tokens": 2048, "temperature": 0.5, "top_p": 0.9})
    );
    let dropped = |model: &'static str| {
        let request = Request::new(model, "Hi").with_options(both.clone().with_lenient(true));
        encode(&config(), &request).unwrap().dropped
    };
    assert_eq!(dropped(OLD), ["top_p"]);
    assert_eq!(dropped(NEW), ["temperature", "top_p"]);
    assert_eq!(error(NEW, both).kind(), ErrorKind::Unsupported);
    let default = CompletionOptions::new()
        .with_temperature(1.0)
        .with_top_p(1.0);
    assert_eq!(options(NEW, default), json!({"max_tokens": 2048}));
}

fn think(effort: ReasoningEffort) -> CompletionOptions {
    CompletionOptions::new().with_reasoning(effort)
}

#[test]
fn thinking_is_asked_for_as_the_model_understands_it() {
    let budget = json!({
        "max_tokens": 10240, "thinking": {"type": "enabled", "budget_tokens": 8192},
    });
    assert_eq!(options(OLD, think(ReasoningEffort::Medium)), budget);
    let effort = json!({
        "max_tokens": 10240, "thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"},
    });
    assert_eq!(options(NEW, think(ReasoningEffort::Medium)), effort);
    assert_eq!(
        options("claude-opus-4-6", think(ReasoningEffort::Medium)),
        effort
    );
    let numbered = think(ReasoningEffort::High).with_reasoning_budget(2000);
    let both = json!({
        "max_tokens": 4048, "thinking": {"type": "enabled", "budget_tokens": 2000},
    });
    assert_eq!(options("claude-opus-4-6", numbered.clone()), both);
    assert_eq!(
        options(NEW, numbered)["output_config"],
        json!({"effort": "high"})
    );
    let off = json!({"max_tokens": 2048, "thinking": {"type": "disabled"}});
    assert_eq!(options(OLD, think(ReasoningEffort::None)), off);
    let number = CompletionOptions::new().with_reasoning_budget(2000);
    assert_eq!(error(NEW, number.clone()).kind(), ErrorKind::Unsupported);
    let old = "claude-3-5-haiku-20241022";
    assert_eq!(error(old, number).kind(), ErrorKind::Unsupported);
    let nothing = options(old, think(ReasoningEffort::None));
    assert_eq!(nothing, json!({"max_tokens": 2048}));
}

#[test]
fn a_budget_that_cannot_be_is_an_error_that_says_what_to_raise() {
    let message = |options: CompletionOptions| {
        let error = error(OLD, options);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        error.message().unwrap().to_owned()
    };
    let tight = message(think(ReasoningEffort::Medium).with_max_tokens(8192));
    assert!(tight.contains("raise `max_tokens` above 8192"), "{tight}");
    let small = message(CompletionOptions::new().with_reasoning_budget(1023));
    assert!(small.contains("raise it to 1024"), "{small}");
    let least = think(ReasoningEffort::Minimal).with_max_tokens(1025);
    assert_eq!(options(OLD, least)["thinking"]["budget_tokens"], 1024);
}

#[test]
fn while_it_thinks_a_model_takes_less() {
    let tool = ToolSpec::new("f", "", &json!({"type": "object"}));
    let all = think(ReasoningEffort::Low)
        .with_tools([tool])
        .with_tool_choice(ToolChoice::Required)
        .with_temperature(0.5)
        .with_lenient(true);
    let request = Request::new(OLD, "Hi").with_options(all);
    let dropped = encode(&config(), &request).unwrap().dropped;
    assert_eq!(dropped, ["temperature", "tool_choice"]);
    let one = think(ReasoningEffort::Low).with_temperature(1.0);
    assert_eq!(options(OLD, one)["temperature"], 1.0);
}

#[test]
fn raw_fields_outrank_options_and_only_for_their_provider() {
    let raw = CompletionOptions::new()
        .with_temperature(0.5)
        .with_extra("anthropic", "temperature", json!(1))
        .with_extra("anthropic", "service_tier", json!("auto"))
        .with_extra("openai", "n", json!(2));
    let expected = json!({"max_tokens": 2048, "temperature": 1, "service_tier": "auto"});
    assert_eq!(options(OLD, raw), expected);
    for ours in ["stream", "model", "messages"] {
        let stolen = CompletionOptions::new().with_extra("anthropic", ours, json!(true));
        assert_eq!(error(OLD, stolen).kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn a_count_asks_without_what_makes_an_answer() {
    let options = think(ReasoningEffort::Low)
        .with_temperature(1.0)
        .with_stop(["x"])
        .with_user("u")
        .with_extra("anthropic", "service_tier", json!("auto"))
        .with_extra("anthropic", "context_management", json!({}));
    let request = Request::new(
        OLD,
        Conversation::from(Message::system("s")).with(Message::user("Hi")),
    );
    let request = request.with_options(options).with_stream(true);
    let body: Value =
        serde_json::from_slice(&read(encode_count(&config(), &request).unwrap())).unwrap();
    let expected = json!({
        "model": OLD, "thinking": {"type": "enabled", "budget_tokens": 2048},
        "system": [text("s")], "context_management": {},
        "messages": [{"role": "user", "content": [text("Hi")]}],
    });
    assert_eq!(body, expected);
}
