use super::encode;
use crate::{KeepAlive, OllamaConfig};
use http_body::Body as _;
use proptest::prelude::{Strategy as _, any, prop, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use towline_core::{
    CompletionOptions, Conversation, ErrorKind, File, Image, JsonSchema, Message, Part, Reasoning,
    ReasoningEffort, Request, ResponseFormat, Role, ToolCall, ToolChoice, ToolResult, ToolSpec,
};

fn config() -> OllamaConfig {
    OllamaConfig::builder("http://localhost:11434")
        .build()
        .unwrap()
}

fn bytes(config: &OllamaConfig, request: &Request) -> Vec<u8> {
    let mut body = encode(config, request).unwrap().body;
    let mut context = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
        all.extend_from_slice(&frame.into_data().unwrap());
    }
    all
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&bytes(&config(), request)).unwrap()
}

fn options(model: &'static str, options: CompletionOptions) -> Value {
    let mut body = body(&Request::new(model, "Hi").with_options(options));
    let fields = body.as_object_mut().unwrap();
    for always in ["messages", "model", "stream"] {
        assert!(fields.remove(always).is_some());
    }
    body
}

fn messages(conversation: Conversation) -> Value {
    body(&Request::new("m", conversation))["messages"].clone()
}

fn refused(options: CompletionOptions) -> &'static str {
    let request = Request::new("m", "Hi").with_options(options.clone());
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let lenient = Request::new("m", "Hi").with_options(options.with_lenient(true));
    let dropped = encode(&config(), &lenient).unwrap().dropped;
    assert_eq!(dropped.len(), 1);
    assert!(error.message().unwrap().contains(dropped[0]), "{error}");
    dropped[0]
}

fn tool() -> ToolSpec {
    ToolSpec::new("f", "does f", &json!({"type": "object"})).with_strict(true)
}

#[test]
fn a_plain_question_says_that_it_wants_no_stream() {
    let message = json!([{"role": "user", "content": "Hi"}]);
    let expected = json!({"model": "qwen3", "stream": false, "messages": message});
    assert_eq!(body(&Request::new("qwen3", "Hi")), expected);
    let streamed = Request::new("qwen3", "Hi").with_stream(true);
    assert_eq!(body(&streamed)["stream"], true);
}

#[test]
fn a_file_is_refused_before_anything_is_sent() {
    let message = Message::user("Read it.").with_part(File::url("https://example.com/a.pdf"));
    let request = Request::new("m", Conversation::from(message));
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().unwrap().contains("a file"), "{error}");
}

#[test]
fn every_option_has_its_place() {
    let schema = json!({"type": "object", "properties": {}});
    let all = CompletionOptions::new()
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_max_tokens(10)
        .with_presence_penalty(0.1)
        .with_frequency_penalty(-0.1)
        .with_seed(-7)
        .with_stop(["a", "b"])
        .with_tools([tool()])
        .with_tool_choice(ToolChoice::Auto)
        .with_parallel_tool_calls(true)
        .with_reasoning(ReasoningEffort::Low)
        .with_response_format(ResponseFormat::JsonSchema(JsonSchema::new("r", &schema)));
    let expected = json!({
        "options": {"temperature": 0.5, "top_p": 0.9, "num_predict": 10, "presence_penalty": 0.1,
            "frequency_penalty": -0.1, "seed": -7, "stop": ["a", "b"]},
        "think": true,
        "tools": [{"type": "function", "function":
            {"name": "f", "description": "does f", "parameters": {"type": "object"}}}],
        "format": schema,
    });
    assert_eq!(options("qwen3", all), expected);
    let json = CompletionOptions::new().with_response_format(ResponseFormat::Json);
    assert_eq!(options("qwen3", json), json!({"format": "json"}));
    let text = CompletionOptions::new().with_response_format(ResponseFormat::Text);
    assert_eq!(options("qwen3", text), json!({}));
}

#[test]
fn thinking_is_on_or_off_and_of_three_levels_for_one_model() {
    use ReasoningEffort::{High, Low, Medium, Minimal, None};
    let think = |model, effort| {
        options(model, CompletionOptions::new().with_reasoning(effort))["think"].clone()
    };
    for (effort, word) in [
        (Minimal, "low"),
        (Low, "low"),
        (Medium, "medium"),
        (High, "high"),
    ] {
        assert_eq!(think("gpt-oss:120b", effort), word);
        assert_eq!(think("hf.co/unsloth/gpt-oss-20b-GGUF", effort), word);
        assert_eq!(think("deepseek-r1", effort), true);
    }
    assert_eq!(think("gpt-oss:20b", None), false);
    assert_eq!(think("deepseek-r1", None), false);
}

#[test]
fn what_cannot_be_sent_is_an_error_or_reported() {
    let new = CompletionOptions::new;
    let with_tool = || new().with_tools([tool()]);
    let must = with_tool().with_tool_choice(ToolChoice::Required);
    assert_eq!(refused(must), "tool_choice");
    let this = with_tool().with_tool_choice(ToolChoice::Tool("f".into()));
    assert_eq!(refused(this), "tool_choice");
    let one = with_tool().with_parallel_tool_calls(false);
    assert_eq!(refused(one), "parallel_tool_calls");
    assert_eq!(refused(new().with_reasoning_budget(99)), "reasoning_budget");
    assert_eq!(refused(new().with_user("u")), "user");
}

#[test]
fn a_model_that_shall_call_no_tool_is_told_of_none() {
    let none = CompletionOptions::new().with_tools([tool()]);
    let none = none.with_tool_choice(ToolChoice::None);
    assert_eq!(options("m", none), json!({}));
}

#[test]
fn numbers_that_are_none_never_leave() {
    let options = CompletionOptions::new().with_top_p(f64::NAN);
    let request = Request::new("m", "Hi").with_options(options);
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn raw_options_join_those_of_the_call_and_outrank_them() {
    let raw = CompletionOptions::new()
        .with_temperature(0.5)
        .with_seed(1)
        .with_extra("ollama", "options", json!({"num_ctx": 16384, "seed": 2}))
        .with_extra("ollama", "think", json!("max"))
        .with_extra("openai", "store", json!(true));
    let expected = json!({
        "options": {"temperature": 0.5, "num_ctx": 16384, "seed": 2}, "think": "max",
    });
    assert_eq!(
        options("m", raw.with_reasoning(ReasoningEffort::High)),
        expected
    );
    for (field, value) in [("stream", json!(true)), ("options", json!([]))] {
        let options = CompletionOptions::new().with_extra("ollama", field, value);
        let request = Request::new("m", "Hi").with_options(options);
        let error = encode(&config(), &request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{field}");
    }
}

#[test]
fn raw_fields_by_the_name_of_the_provider_go_before_those_of_the_dialect() {
    let named = OllamaConfig::builder("http://localhost").name("cellar");
    let named = named.build().unwrap();
    let raw = CompletionOptions::new()
        .with_extra("ollama", "think", json!("low"))
        .with_extra("ollama", "logprobs", json!(true))
        .with_extra("cellar", "think", json!("max"));
    let request = Request::new("m", "Hi").with_options(raw);
    let text = String::from_utf8(bytes(&named, &request)).unwrap();
    assert!(
        text.contains(r#""think":"max""#) && text.contains(r#""logprobs":true"#),
        "{text}"
    );
    assert_eq!(text.matches("think").count(), 1, "{text}");
}

#[test]
fn a_model_is_kept_as_long_as_was_set() {
    let kept = |time: KeepAlive| {
        let config = OllamaConfig::builder("http://localhost").keep_alive(time);
        let bytes = bytes(&config.build().unwrap(), &Request::new("m", "Hi"));
        serde_json::from_slice::<Value>(&bytes).unwrap()["keep_alive"].clone()
    };
    for (text, sent) in [
        ("5m", "300s"),
        ("0", "0s"),
        ("-1", "-1s"),
        ("1.5", "1500ms"),
        ("-5m", "-1s"),
    ] {
        assert_eq!(kept(text.parse().unwrap()), sent, "{text}");
    }
    assert!("soon".parse::<KeepAlive>().is_err());
}

#[test]
fn an_image_goes_by_value_and_never_by_url() {
    let png = Image::from_bytes(b"\x89PNG\r\n").unwrap();
    let message = Message::user("look").with_part(png).with_part("closely");
    let expected = json!([{"role": "user", "content": "lookclosely", "images": ["iVBORw0K"]}]);
    assert_eq!(messages(message.into()), expected);

    let remote = Message::user("look").with_part(Image::url("https://example.com/a.png"));
    let options = CompletionOptions::new().with_lenient(true);
    let request = Request::new("m", Conversation::from(remote)).with_options(options);
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.message().unwrap().contains("Image::from_bytes"),
        "{error}"
    );
}

fn turn(calls: Vec<ToolCall>) -> Message {
    Message::new(Role::Assistant, calls.into_iter().map(Part::from).collect())
}

#[test]
fn a_tool_turn_goes_back_with_the_name_of_each_tool() {
    let calls = vec![
        ToolCall::new("c1", "weather", r#"{"city": "Paris"}"#),
        ToolCall::new("c2", "clock", ""),
    ];
    let results = Message::new(
        Role::Tool,
        vec![
            ToolResult::new("c2", "noon").into(),
            ToolResult::error("c1", "no such city").into(),
        ],
    );
    let conversation = Conversation::from("Hi").with(turn(calls)).with(results);
    let expected = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "c1", "function": {"name": "weather", "arguments": {"city": "Paris"}}},
            {"id": "c2", "function": {"name": "clock", "arguments": {}}}]},
        {"role": "tool", "tool_name": "clock", "tool_call_id": "c2", "content": "noon"},
        {"role": "tool", "tool_name": "weather", "tool_call_id": "c1", "content": "no such city"},
    ]);
    assert_eq!(messages(conversation), expected);
}

#[test]
fn a_result_without_its_call_is_an_error_that_names_it() {
    let later = turn(vec![ToolCall::new("c1", "f", "{}")]);
    let conversation = Conversation::from("Hi")
        .with(Message::tool("c1", "42"))
        .with(later);
    let error = encode(&config(), &Request::new("m", conversation)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().unwrap().contains("`c1`"), "{error}");
}

#[test]
fn arguments_that_are_no_object_are_an_error_that_names_the_call() {
    for arguments in ["{\"a\":", "[1]", "\"x\"", "7"] {
        let call = turn(vec![ToolCall::new("c1", "f", arguments)]);
        let conversation = Conversation::from("Hi").with(call);
        let error = encode(&config(), &Request::new("m", conversation)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{arguments}");
        assert!(
            error.message().unwrap().contains("`c1` to tool `f`"),
            "{error}"
        );
    }
}

#[test]
fn reasoning_goes_back_only_where_it_came_from() {
    let own = Reasoning::new("hm").with_provider("ollama");
    let foreign = Reasoning::new("secret").with_provider("anthropic");
    let parts = vec![own.into(), foreign.into(), Part::Refusal("No.".into())];
    let conversation = Conversation::from("Hi").with(Message::new(Role::Assistant, parts));
    let expected = json!({"role": "assistant", "content": "No.", "thinking": "hm"});
    assert_eq!(messages(conversation)[1], expected);
}

#[test]
fn a_turn_of_nothing_but_foreign_reasoning_is_left_out() {
    let foreign = Reasoning::new("secret").with_provider("anthropic");
    let turn = Message::new(Role::Assistant, vec![foreign.into()]);
    let conversation = Conversation::from("Hi")
        .with(turn.clone())
        .with(Message::user("And?"));
    let expected = json!([{"role": "user", "content": "Hi"}, {"role": "user", "content": "And?"}]);
    assert_eq!(messages(conversation), expected);
    let request = Request::new("m", Conversation::from(turn));
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "nothing is left");
}

#[test]
fn a_part_in_the_wrong_place_is_an_error_that_names_it() {
    let wrong = Message::user("Hi").with_part(ToolCall::new("c", "f", "{}"));
    let request = Request::new("m", Conversation::from(wrong));
    let error = encode(&config(), &request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.message().unwrap().contains("a tool call"), "{error}");
    let empty = encode(&config(), &Request::new("m", Conversation::new())).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidRequest);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Say(u16),
    Call(u8, u8),
    Result(u8),
}

fn grow(mut conversation: Conversation, step: Step) -> Conversation {
    let message = match step {
        Step::Say(length) => Message::user("x".repeat(usize::from(length) + 1)),
        Step::Call(id, tool) => turn(vec![ToolCall::new(
            format!("c{id}"),
            format!("t{tool}"),
            "{}",
        )]),
        Step::Result(id) => {
            let id = format!("c{id}");
            let messages = conversation.messages().iter();
            let known = messages
                .flat_map(Message::tool_calls)
                .any(|call| call.id() == id);
            if !known {
                return conversation;
            }
            Message::tool(id, "done")
        }
    };
    conversation.push(message);
    conversation
}

proptest! {
    /// Ids come again and again, branches share what was written: the body is always that of the
    /// messages, as if nothing had been written before.
    #[test]
    fn what_was_written_before_changes_no_body(
        steps in prop::collection::vec(
            (
                any::<u8>(),
                prop_oneof![
                    (0_u16..2000).prop_map(Step::Say),
                    (0_u8..3, 0_u8..4).prop_map(|(id, tool)| Step::Call(id, tool)),
                    (0_u8..3).prop_map(Step::Result),
                ],
                any::<bool>(),
            ),
            1..40,
        )
    ) {
        let mut all = vec![Conversation::from("0")];
        for (pick, step, send) in steps {
            let from = all[usize::from(pick) % all.len()].clone();
            let next = grow(from, step);
            if send {
                let fresh: Conversation = next.messages().iter().cloned().collect();
                let (kept, fresh) = (Request::new("m", next.clone()), Request::new("m", fresh));
                prop_assert_eq!(bytes(&config(), &kept), bytes(&config(), &fresh));
            }
            all.push(next);
        }
    }
}
