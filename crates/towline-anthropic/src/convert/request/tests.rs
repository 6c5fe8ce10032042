use super::{encode, encode_count};
use crate::AnthropicConfig;
use http_body::Body as _;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use towline_core::{
    CacheHint, CompletionOptions, Conversation, Error, ErrorKind, Image, ImageDetail, JsonSchema,
    Message, Part, Reasoning, ReasoningEffort, Request, ResponseFormat, Role, ToolCall, ToolChoice,
    ToolResult, ToolSpec,
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

fn messages(conversation: impl Into<Conversation>) -> Value {
    body(&Request::new("m", conversation))["messages"].clone()
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

#[test]
fn an_image_goes_by_url_or_by_value() {
    let png = Image::from_bytes(b"\x89PNG\r\n").unwrap();
    let remote = Image::url("https://example.com/a.png").with_detail(ImageDetail::Low);
    let inline = Image::url("data:image/gif;base64,R0lG");
    let message = Message::user("look")
        .with_part(png)
        .with_part(remote)
        .with_part(inline);
    let value = |kind: &str, data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}});
    let expected = json!([{"role": "user", "content": [
        text("look"), value("image/png", "iVBORw0K"),
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        value("image/gif", "R0lG"),
    ]}]);
    assert_eq!(messages(message), expected);
}

#[test]
fn instructions_are_lifted_out_of_the_conversation() {
    let conversation = Conversation::from(Message::system("first"))
        .with(Message::user("Hi"))
        .with(Message::system("second"))
        .with(Message::user("Ho"));
    let body = body(&Request::new("m", conversation));
    assert_eq!(body["system"], json!([text("first"), text("second")]));
    let one_turn = json!([{"role": "user", "content": [text("Hi"), text("Ho")]}]);
    assert_eq!(body["messages"], one_turn);
}

#[test]
fn parallel_results_and_what_the_user_adds_are_one_turn() {
    let calls = vec![
        Part::from("Let me see."),
        ToolCall::new("c1", "f", "").into(),
        ToolCall::new("c2", "g", r#"{"a": [1]}"#).into(),
    ];
    let conversation = Conversation::from("Hi")
        .with(Message::new(Role::Assistant, calls))
        .with(Message::tool("c1", "42"))
        .with(Message::from(ToolResult::error("c2", "broken")))
        .with(Message::user("Well?"));
    let expected = json!([
        {"role": "user", "content": [text("Hi")]},
        {"role": "assistant", "content": [
            text("Let me see."),
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {"a": [1]}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "broken", "is_error": true},
            text("Well?")]},
    ]);
    assert_eq!(messages(conversation), expected);
}

#[test]
fn ids_of_other_providers_are_written_in_letters_the_api_takes() {
    let conversation = Conversation::from("Hi")
        .with(Message::new(
            Role::Assistant,
            vec![
                ToolCall::new("call|1", "f", "").into(),
                ToolCall::new("call:1", "f", "").into(),
                ToolCall::new("", "f", "").into(),
            ],
        ))
        .with(Message::tool("call|1", "a"))
        .with(Message::tool("call:1", "b"))
        .with(Message::tool("", "c"));
    let messages = messages(conversation);
    let ids: Vec<_> = (0..3)
        .map(|at| messages[1]["content"][at]["id"].clone())
        .collect();
    let answered: Vec<_> = (0..3)
        .map(|at| messages[2]["content"][at]["tool_use_id"].clone())
        .collect();
    assert_eq!(ids, answered);
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    for id in ids {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(id.as_str().unwrap().chars().all(fits), "{id}");
    }
}

#[test]
fn arguments_that_are_no_object_are_an_error_that_names_the_tool() {
    for arguments in ["{\"a\":", "[1]", "7"] {
        let turn = Message::new(
            Role::Assistant,
            vec![ToolCall::new("c", "dig", arguments).into()],
        );
        let conversation = Conversation::from("Hi").with(turn);
        let error = encode(&config(), &Request::new("m", conversation)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().unwrap().contains("`dig`"), "{error}");
    }
}

#[test]
fn only_own_and_signed_thinking_goes_back_and_unchanged() {
    let own = |text: &str| Reasoning::new(text).with_provider("anthropic");
    let turn = Message::new(
        Role::Assistant,
        vec![
            own("plan\n ").with_signature("c2ln").into(),
            own("").with_signature("c2ln").into(),
            own("").with_encrypted("aGlk").into(),
            own("unsigned").into(),
            Reasoning::new("foreign")
                .with_provider("deepseek")
                .with_signature("x")
                .into(),
            Part::from("So."),
        ],
    );
    let expected = json!([
        {"type": "thinking", "thinking": "plan\n ", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "aGlk"},
        text("So."),
    ]);
    assert_eq!(
        messages(Conversation::from("Hi").with(turn))[1]["content"],
        expected
    );
}

#[test]
fn what_says_nothing_leaves_no_trace_and_the_turns_around_it_meet() {
    let foreign = Reasoning::new("hm").with_provider("deepseek");
    let conversation = Conversation::from("a")
        .with(Message::new(
            Role::Assistant,
            vec![foreign.into(), Part::from(" \n")],
        ))
        .with(Message::user("b"));
    let expected = json!([{"role": "user", "content": [text("a"), text("b")]}]);
    assert_eq!(messages(conversation), expected);
    for nothing in [Conversation::new(), " ".into(), Message::system("s").into()] {
        let error = encode(&config(), &Request::new("m", nothing)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn a_hint_marks_the_last_block_that_can_bear_it() {
    let short = json!({"type": "ephemeral"});
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    let thought = Reasoning::new("t")
        .with_provider("anthropic")
        .with_signature("s");
    let turn = Message::assistant("a")
        .with_part(thought)
        .with_cache_hint(CacheHint::Short);
    let conversation = Conversation::from(Message::system("s").with_cache_hint(CacheHint::Long))
        .with(
            Message::user("q")
                .with_part("r")
                .with_cache_hint(CacheHint::Short),
        )
        .with(turn);
    let body = body(&Request::new("m", conversation));
    let marked =
        |text: &str, mark: &Value| json!({"type": "text", "text": text, "cache_control": mark});
    assert_eq!(body["system"], json!([marked("s", &long)]));
    assert_eq!(
        body["messages"][0]["content"],
        json!([text("q"), marked("r", &short)])
    );
    assert_eq!(body["messages"][1]["content"][0], marked("a", &short));
    assert_eq!(body["messages"][1]["content"][1].get("cache_control"), None);
}

#[test]
fn of_more_hints_than_the_api_takes_the_newest_count() {
    let mut conversation =
        Conversation::from(Message::system("s").with_cache_hint(CacheHint::Long));
    for turn in 0..6 {
        let question = Message::user(turn.to_string());
        conversation.push(question.with_cache_hint(CacheHint::Short));
        conversation.push(Message::assistant("a"));
        let body = body(&Request::new("m", conversation.clone()));
        let list = body["messages"].as_array().unwrap();
        let marks = list
            .iter()
            .map(|turn| turn["content"][0].get("cache_control").is_some());
        let marked: Vec<_> = marks.step_by(2).collect();
        let first = (turn + 1_usize).saturating_sub(3);
        let expected: Vec<_> = (0..=turn).map(|turn| turn >= first).collect();
        assert_eq!(marked, expected);
        assert!(body["system"][0].get("cache_control").is_some());
    }
}

#[test]
fn a_refusal_goes_back_as_text() {
    let turn = Message::new(Role::Assistant, vec![Part::Refusal("No.".into())]);
    let messages = messages(Conversation::from("Hi").with(turn));
    assert_eq!(messages[1]["content"], json!([text("No.")]));
}

#[test]
fn a_part_in_the_wrong_place_is_an_error_that_names_it() {
    let image = Image::url("https://example.com/a.png");
    for (turn, what) in [
        (
            Message::user("Hi").with_part(ToolCall::new("c", "f", "{}")),
            "a tool call",
        ),
        (
            Message::assistant("Hi").with_part(image.clone()),
            "an image",
        ),
        (Message::tool("c", "x").with_part("text"), "text"),
        (Message::system("Hi").with_part(image), "an image"),
    ] {
        let conversation = Conversation::from("Hi").with(turn);
        let error = encode(&config(), &Request::new("m", conversation)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().unwrap().contains(what), "{error}");
    }
}

#[test]
fn a_long_conversation_is_sent_in_pieces_that_spell_the_same_body() {
    let mut conversation = Conversation::from(Message::system("s"));
    for turn in 0..60 {
        conversation.push(Message::user(format!("{turn} {}", "x".repeat(500))));
        conversation.push(Message::assistant("y".repeat(300)));
        let request = Request::new("m", conversation.clone());
        let fresh: Conversation = conversation.messages().iter().cloned().collect();
        assert_eq!(bytes(&request), bytes(&Request::new("m", fresh)));
    }
    let request = Request::new("m", conversation);
    let body = encode(&config(), &request).unwrap().body;
    assert_eq!(body.len(), bytes(&request).len());
}

/// A message of any role, perhaps one that says nothing.
fn message(kind: u8, index: usize) -> Message {
    match kind {
        0 => Message::user(format!("u{index}")),
        1 => Message::assistant(format!("a{index}")),
        2 => Message::tool(format!("t{index}"), "x"),
        3 => Message::system(format!("s{index}")),
        4 => Message::assistant(" "),
        _ => Message::user("").with_part(format!("v{index}")),
    }
}

proptest! {
    /// However a conversation grows, and whenever it is sent, its turns alternate, hold every block
    /// in order, and are spelled as if it had been written at once.
    #[test]
    fn turns_alternate_and_lose_nothing(
        kinds in prop::collection::vec((0_u8..6, any::<bool>()), 1..24),
    ) {
        let mut conversation = Conversation::new();
        for (index, (kind, send)) in kinds.iter().enumerate() {
            conversation.push(message(*kind, index));
            if *send {
                let _maybe_nothing = encode(&config(), &Request::new("m", conversation.clone()));
            }
        }
        let fresh: Conversation = conversation.messages().iter().cloned().collect();
        let grown = encode(&config(), &Request::new("m", conversation.clone()));
        let whole = encode(&config(), &Request::new("m", fresh));
        let all = kinds.iter().enumerate();
        let expected: Vec<_> = all.filter(|(_, (kind, _))| ![3, 4].contains(kind)).collect();
        let (Ok(grown), Ok(whole)) = (grown, whole) else {
            prop_assert!(expected.is_empty());
            return Ok(());
        };
        let grown = read(grown.body);
        prop_assert_eq!(&grown, &read(whole.body));
        let body: Value = serde_json::from_slice(&grown).unwrap();
        let turns = body["messages"].as_array().unwrap();
        let roles: Vec<_> = turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect();
        prop_assert!(roles.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", roles);
        let blocks = turns.iter().flat_map(|turn| turn["content"].as_array().unwrap());
        let said = blocks.map(|block| {
            let text = block["text"].as_str();
            text.or_else(|| block["tool_use_id"].as_str()).unwrap()
        });
        let wanted = expected.iter().map(|(index, (kind, _))| match kind {
            0 => format!("u{index}"),
            1 => format!("a{index}"),
            2 => format!("t{index}"),
            _ => format!("v{index}"),
        });
        prop_assert!(said.eq(wanted));
    }
}
