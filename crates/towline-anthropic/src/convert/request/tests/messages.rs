//! The conversation: its turns, and what they are made of.

use super::{OLD, body, bytes, config, encode, read, text};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use towline_core::{
    CacheHint, Conversation, ErrorKind, File, Image, ImageDetail, Message, Part, Reasoning,
    Request, Role, ToolCall, ToolResult,
};

fn messages(conversation: impl Into<Conversation>) -> Value {
    body(&Request::new("m", conversation))["messages"].clone()
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
fn a_file_is_a_document_from_where_it_is() {
    let files = [
        File::pdf(b"%PDF-").unwrap().with_name("bill.pdf"),
        File::from_bytes("text/plain", b"so it is"),
        File::url("https://example.com/a.pdf"),
        File::url("data:application/pdf;base64,JVBERi0="),
        File::id("file_1"),
    ];
    let message = Message::new(Role::User, files.map(Part::from).into());
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "so it is"});
    let expected = json!([{"role": "user", "content": [
        {"type": "document", "source": pdf, "title": "bill.pdf"},
        {"type": "document", "source": plain},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": pdf},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]}]);
    assert_eq!(messages(message), expected);
}

#[test]
fn a_file_that_the_api_does_not_take_is_an_error_before_anything_is_sent() {
    let error = |role, file: File| {
        let message = Message::new(role, vec![file.into()]);
        encode(&config(), &Request::new(OLD, Conversation::from(message))).unwrap_err()
    };
    let word = error(Role::User, File::from_bytes("application/msword", b"x"));
    assert_eq!(word.kind(), ErrorKind::Unsupported);
    assert!(
        word.message().unwrap().contains("application/msword"),
        "{word}"
    );
    let binary = error(Role::User, File::from_bytes("text/plain", b"\xFF"));
    assert_eq!(binary.kind(), ErrorKind::InvalidRequest);
    let said = error(Role::Assistant, File::id("file_1"));
    assert!(said.message().unwrap().contains("a file"), "{said}");
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
