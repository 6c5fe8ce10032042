use super::encode;
use crate::{Flavor, OpenAiConfig};
use http_body::Body as _;
use serde_json::{Value, json};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, Image, ImageDetail, JsonSchema, Message, Part,
    Reasoning, ReasoningEffort, Request, ResponseFormat, Role, ToolCall, ToolChoice, ToolSpec,
};

fn config(flavor: &str) -> OpenAiConfig {
    let flavor = Flavor::by_name(flavor).unwrap();
    let config = OpenAiConfig::builder("http://localhost/v1").flavor(flavor);
    config.build().unwrap()
}

fn bytes(config: &OpenAiConfig, request: &Request) -> Vec<u8> {
    let mut body = encode(config, request).unwrap().body;
    let mut context = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        all.extend_from_slice(&frame.into_data().unwrap());
    }
    all
}

fn body(flavor: &str, request: &Request) -> Value {
    serde_json::from_slice(&bytes(&config(flavor), request)).unwrap()
}

fn options(flavor: &str, model: &'static str, options: CompletionOptions) -> Value {
    let mut body = body(flavor, &Request::new(model, "Hi").with_options(options));
    let fields = body.as_object_mut().unwrap();
    fields.remove("messages");
    fields.remove("model");
    body
}

fn messages(flavor: &str, conversation: Conversation) -> Value {
    body(flavor, &Request::new("m", conversation))["messages"].clone()
}

#[test]
fn a_plain_question_has_only_what_it_needs() {
    let request = Request::new("gpt-4o", "Hi");
    let expected = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]});
    assert_eq!(body("openai", &request), expected);
}

#[test]
fn a_stream_asks_for_its_usage_where_the_server_knows_how() {
    let request = Request::new("m", "Hi").with_stream(true);
    let usage = json!({"include_usage": true});
    assert_eq!(body("openai", &request)["stream_options"], usage);
    assert_eq!(body("mistral", &request)["stream"], true);
    assert_eq!(body("mistral", &request).get("stream_options"), None);
}

#[test]
fn every_option_has_its_field() {
    let schema = json!({"type": "object", "properties": {}});
    let all = CompletionOptions::new()
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_max_tokens(10)
        .with_presence_penalty(0.1)
        .with_frequency_penalty(-0.1)
        .with_seed(-7)
        .with_stop(["a", "b"])
        .with_user("u")
        .with_tools([ToolSpec::new("f", "does f", &schema).with_strict(true)])
        .with_tool_choice(ToolChoice::Tool("f".into()))
        .with_parallel_tool_calls(false)
        .with_reasoning(ReasoningEffort::Low)
        .with_response_format(ResponseFormat::JsonSchema(JsonSchema::new("r", &schema)));
    let expected = json!({
        "max_tokens": 10, "temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1,
        "frequency_penalty": -0.1, "seed": -7, "stop": ["a", "b"], "user": "u",
        "reasoning_effort": "low",
        "tools": [{"type": "function", "function":
            {"name": "f", "description": "does f", "parameters": schema, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "r", "schema": schema, "strict": true}},
    });
    assert_eq!(options("openai", "gpt-4o", all), expected);
}

#[test]
fn reasoning_models_get_the_fields_they_take() {
    let limit = CompletionOptions::new().with_max_tokens(10);
    assert_eq!(
        options("openai", "o3", limit.clone()),
        json!({"max_completion_tokens": 10})
    );
    assert_eq!(options("groq", "o3", limit), json!({"max_tokens": 10}));
    let conversation = Conversation::from(Message::system("be brief")).with(Message::user("Hi"));
    let request = Request::new("gpt-5", conversation);
    assert_eq!(body("openai", &request)["messages"][0]["role"], "developer");
}

#[test]
fn what_cannot_be_sent_is_an_error_or_reported() {
    let warm = CompletionOptions::new().with_temperature(1.5);
    let request = Request::new("o3", "Hi").with_options(warm.clone());
    let error = encode(&config("openai"), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.message().unwrap().contains("`temperature`"),
        "{error}"
    );

    let default = CompletionOptions::new()
        .with_temperature(1.0)
        .with_presence_penalty(0.0);
    let expected = json!({"temperature": 1.0, "presence_penalty": 0.0});
    assert_eq!(options("openai", "o3", default), expected);

    let lenient = Request::new("o3", "Hi").with_options(warm.with_lenient(true));
    assert_eq!(
        encode(&config("openai"), &lenient).unwrap().dropped,
        ["temperature"]
    );
    assert_eq!(body("openai", &lenient).get("temperature"), None);

    let format = ResponseFormat::JsonSchema(JsonSchema::new("r", &json!({})));
    let schema = CompletionOptions::new().with_response_format(format);
    let request = Request::new("m", "Hi").with_options(schema.clone());
    let error = encode(&config("deepseek"), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let lenient = options("deepseek", "m", schema.with_lenient(true));
    assert_eq!(lenient, json!({"response_format": {"type": "json_object"}}));
}

#[test]
fn numbers_that_are_none_never_leave() {
    let request =
        Request::new("m", "Hi").with_options(CompletionOptions::new().with_top_p(f64::NAN));
    let error = encode(&config("openai"), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn servers_ask_for_the_same_thing_in_their_own_words() {
    let tool = ToolSpec::new("f", "", &json!({"type": "object"}));
    let must = CompletionOptions::new()
        .with_tools([tool])
        .with_tool_choice(ToolChoice::Required);
    assert_eq!(
        options("openai", "m", must.clone())["tool_choice"],
        "required"
    );
    assert_eq!(options("mistral", "m", must)["tool_choice"], "any");
    let seed = CompletionOptions::new().with_seed(1);
    assert_eq!(options("mistral", "m", seed), json!({"random_seed": 1}));
    let think = |effort| CompletionOptions::new().with_reasoning(effort);
    let effort = json!({"reasoning": {"effort": "high"}});
    assert_eq!(
        options("openrouter", "m", think(ReasoningEffort::High)),
        effort
    );
    let off = json!({"thinking": {"type": "disabled"}});
    assert_eq!(options("deepseek", "m", think(ReasoningEffort::None)), off);
    let budget = CompletionOptions::new().with_reasoning_budget(99);
    assert_eq!(
        options("openrouter", "m", budget),
        json!({"reasoning": {"max_tokens": 99}})
    );
}

#[test]
fn raw_fields_outrank_options_and_only_for_their_provider() {
    let raw = CompletionOptions::new()
        .with_temperature(0.5)
        .with_extra("groq", "temperature", json!(1))
        .with_extra("groq", "service_tier", json!("flex"));
    let expected = json!({"temperature": 1, "service_tier": "flex"});
    assert_eq!(options("groq", "m", raw.clone()), expected);
    assert_eq!(options("openai", "m", raw), json!({"temperature": 0.5}));

    let stolen = CompletionOptions::new().with_extra("openai", "stream", json!(true));
    let request = Request::new("m", "Hi").with_options(stolen);
    let error = encode(&config("openai"), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn an_image_goes_by_url_or_by_value() {
    let png = Image::from_bytes(b"\x89PNG\r\n").unwrap();
    let remote = Image::url("https://example.com/a.png").with_detail(ImageDetail::Low);
    let message = Message::user("look").with_part(png).with_part(remote);
    let expected = json!([{"role": "user", "content": [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    ]}]);
    assert_eq!(messages("openai", message.into()), expected);
}

fn tool_turn() -> Conversation {
    let reasoning = Reasoning::new("think").with_provider("deepseek");
    let parts = vec![reasoning.into(), ToolCall::new("c1", "f", "").into()];
    Conversation::from("Hi")
        .with(Message::new(Role::Assistant, parts))
        .with(Message::tool("c1", "42"))
}

#[test]
fn a_tool_turn_goes_back_without_nulls() {
    let expected = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]);
    assert_eq!(messages("openai", tool_turn()), expected);
}

#[test]
fn reasoning_goes_back_only_to_the_server_that_made_and_wants_it() {
    assert_eq!(
        messages("deepseek", tool_turn())[1]["reasoning_content"],
        "think"
    );
    assert_eq!(
        messages("llamacpp", tool_turn())[1].get("reasoning_content"),
        None
    );
    let details = Reasoning::new("").with_provider("openrouter");
    let details = details.with_encrypted("[{\"type\":\"reasoning.text\",\"text\":\"t\"}]");
    let turn = Message::assistant("so").with_part(details);
    let conversation = Conversation::from("Hi").with(turn);
    let expected = json!([{"type": "reasoning.text", "text": "t"}]);
    assert_eq!(
        messages("openrouter", conversation.clone())[1]["reasoning_details"],
        expected
    );
    assert_eq!(
        messages("openai", conversation)[1],
        json!({"role": "assistant", "content": "so"})
    );
}

#[test]
fn a_refusal_goes_back_in_the_form_the_server_knows() {
    let turn = Message::new(Role::Assistant, vec![Part::Refusal("No.".into())]);
    let conversation = Conversation::from("Hi").with(turn);
    let with_field = json!({"role": "assistant", "refusal": "No."});
    assert_eq!(messages("openai", conversation.clone())[1], with_field);
    let as_text = json!({"role": "assistant", "content": "No."});
    assert_eq!(messages("groq", conversation)[1], as_text);
}

#[test]
fn a_part_in_the_wrong_place_is_an_error_that_names_it() {
    let turn = Message::user("Hi").with_part(ToolCall::new("c", "f", "{}"));
    let error = encode(
        &config("openai"),
        &Request::new("m", Conversation::from(turn)),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().unwrap().contains("a tool call"), "{error}");
    let empty = Request::new("m", Conversation::new());
    assert_eq!(
        encode(&config("openai"), &empty).unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
}

#[test]
fn a_long_conversation_is_sent_in_pieces_that_spell_the_same_body() {
    let mut conversation = Conversation::from(Message::system("s"));
    for turn in 0..60 {
        conversation.push(Message::user(format!("{turn} {}", "x".repeat(500))));
        conversation.push(Message::assistant("y".repeat(300)));
        let request = Request::new("m", conversation.clone());
        let fresh: Conversation = conversation.messages().iter().cloned().collect();
        let fresh = Request::new("m", fresh);
        assert_eq!(
            bytes(&config("openai"), &request),
            bytes(&config("openai"), &fresh)
        );
    }
    let request = Request::new("m", conversation);
    let body = encode(&config("openai"), &request).unwrap().body;
    let length = u64::try_from(bytes(&config("openai"), &request).len()).unwrap();
    assert_eq!(body.size_hint().exact(), Some(length));
}
