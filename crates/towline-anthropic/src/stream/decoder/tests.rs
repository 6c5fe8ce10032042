use super::Decoder;
use crate::AnthropicConfig;
use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::sync::Arc;
use towline_core::{
    Body, Completion, Error, ErrorKind, Event, FinishReason, Part, ReasoningDelta, ToolCallDelta,
    Usage,
};
use towline_transport::Decode as _;

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1,"cache_read_input_tokens":5,"cache_creation_input_tokens":0}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn decoder() -> Decoder {
    let config = AnthropicConfig::builder("http://localhost");
    Decoder::new(Arc::new(config.build().unwrap()))
}

/// What the events mean, to the end of the stream where it came.
fn read(events: &[&str]) -> Result<Vec<Event>, Error> {
    let mut decoder = decoder();
    let mut all = Vec::new();
    for event in events {
        let data = Bytes::copy_from_slice(event.as_bytes());
        all.extend(decoder.event(None, data)?);
        all.extend(std::iter::from_fn(|| decoder.pop()));
    }
    if decoder.is_done() {
        decoder.finish();
        all.extend(std::iter::from_fn(|| decoder.pop()));
    }
    Ok(all)
}

/// The events between a start and an end.
fn answer(events: &[&str]) -> Vec<Event> {
    let all = [&[START], events, &[STOP]].concat();
    let mut all = read(&all).unwrap();
    all.drain(..2);
    all
}

fn kind(events: &[&str]) -> ErrorKind {
    read(events).unwrap_err().kind()
}

fn begin(index: u32, block: &str) -> String {
    format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
}

fn more(index: u32, delta: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
}

fn end(index: u32) -> String {
    format!(r#"{{"type":"content_block_stop","index":{index}}}"#)
}

fn reason(word: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{word}"}},"usage":{{"output_tokens":7}}}}"#
    )
}

const TEXT: &str = r#"{"type":"text","text":""}"#;

fn words(text: &str) -> String {
    format!(r#"{{"type":"text_delta","text":"{text}"}}"#)
}

fn call(index: usize, arguments: &str) -> Event {
    Event::ToolCall(ToolCallDelta::new(index, arguments))
}

fn first_call(index: usize, id: &str, name: &str, arguments: &str) -> Event {
    let delta = ToolCallDelta::new(index, arguments);
    Event::ToolCall(delta.with_id(id).with_name(name))
}

#[test]
fn an_answer_begins_with_its_start_and_what_the_prompt_used() {
    let events = read(&[START]).unwrap();
    let [Event::Start(start), Event::Usage(usage)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        (start.id().as_str(), start.model().as_str()),
        ("msg_1", "m")
    );
    assert_eq!(*usage, Usage::exclusive(9, 5, 0, 1));
    assert!(usage.raw().is_some());
}

#[test]
fn text_comes_in_pieces_and_counts_run_on() {
    let events = answer(&[
        &begin(0, TEXT),
        r#"{"type": "ping"}"#,
        &more(0, &words("Hi")),
        &more(0, &words("")),
        &more(0, &words(" you")),
        &end(0),
        &reason("end_turn"),
    ]);
    let expected = [
        Event::Ping,
        Event::Text("Hi".into()),
        Event::Text(" you".into()),
        Event::Usage(Usage::exclusive(9, 5, 0, 7)),
        Event::Finish(FinishReason::Stop),
    ];
    assert_eq!(events, expected);
}

#[test]
fn thinking_keeps_its_signature_and_what_is_hidden() {
    let events = answer(&[
        &begin(0, r#"{"type":"thinking","thinking":"","signature":""}"#),
        &more(0, r#"{"type":"thinking_delta","thinking":"plan"}"#),
        &more(0, r#"{"type":"signature_delta","signature":"c2ln"}"#),
        &end(0),
        &begin(1, r#"{"type":"redacted_thinking","data":"aGlk"}"#),
        &end(1),
        &begin(2, r#"{"type":"thinking","thinking":"","signature":"only"}"#),
        &end(2),
    ]);
    let own = |text: &str| ReasoningDelta::new(text).with_provider("anthropic");
    let expected = [
        Event::Reasoning(own("plan")),
        Event::Reasoning(own("").with_signature("c2ln")),
        Event::Reasoning(own("").with_encrypted("aGlk")),
        Event::Reasoning(own("").with_signature("only")),
    ];
    assert_eq!(&events[..4], expected);
}

#[tokio::test]
async fn collected_thinking_is_made_of_the_stretches_that_were_signed() {
    let thinking = r#"{"type":"thinking","thinking":"","signature":""}"#;
    let events = answer(&[
        &begin(0, thinking),
        &more(0, r#"{"type":"thinking_delta","thinking":"a"}"#),
        &more(0, r#"{"type":"thinking_delta","thinking":"b"}"#),
        &more(0, r#"{"type":"signature_delta","signature":"s1"}"#),
        &end(0),
        &begin(1, thinking),
        &more(1, r#"{"type":"thinking_delta","thinking":"c"}"#),
        &more(1, r#"{"type":"signature_delta","signature":"s2"}"#),
        &end(1),
        &reason("end_turn"),
    ]);
    let completion = collect(events).await;
    let kept = completion.parts().iter().map(|part| match part {
        Part::Reasoning(thought) => (thought.text(), thought.signature()),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        kept.collect::<Vec<_>>(),
        [("ab", Some("s1")), ("c", Some("s2"))]
    );
}

async fn collect(events: Vec<Event>) -> Completion {
    struct Events(std::vec::IntoIter<Event>);
    impl futures_core::Stream for Events {
        type Item = Result<Event, Error>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.next().map(Ok))
        }
    }
    Body::stream(Events(events.into_iter()))
        .collect()
        .await
        .unwrap()
}

#[test]
fn calls_are_numbered_among_calls_and_their_input_is_joined() {
    let events = answer(&[
        &begin(0, TEXT),
        &end(0),
        &begin(
            1,
            r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{}}"#,
        ),
        &more(1, r#"{"type":"input_json_delta","partial_json":""}"#),
        &more(1, r#"{"type":"input_json_delta","partial_json":"{\"a\":"}"#),
        &more(1, r#"{"type":"input_json_delta","partial_json":"1}"}"#),
        &end(1),
        &begin(
            2,
            r#"{"type":"tool_use","id":"toolu_2","name":"g","input":{ }}"#,
        ),
        &more(2, r#"{"type":"input_json_delta","partial_json":""}"#),
        &end(2),
        &begin(
            3,
            r#"{"type":"tool_use","id":"","name":"h","input":{"b":2}}"#,
        ),
        &end(3),
    ]);
    let expected = [
        first_call(0, "toolu_1", "f", ""),
        call(0, "{\"a\":"),
        call(0, "1}"),
        first_call(1, "toolu_2", "g", ""),
        call(1, "{}"),
        first_call(2, "toolu_msg_1_2", "h", "{\"b\":2}"),
    ];
    assert_eq!(&events[..6], expected);
}

#[test]
fn several_blocks_may_be_open_and_close_at_the_end() {
    let events = answer(&[
        &begin(0, TEXT),
        &begin(1, r#"{"type":"tool_use","id":"a","name":"f","input":{}}"#),
        &begin(2, r#"{"type":"tool_use","id":"b","name":"f","input":{}}"#),
        &more(2, r#"{"type":"input_json_delta","partial_json":"{}"}"#),
        &more(0, &words("Hi")),
        &more(
            1,
            r#"{"type":"input_json_delta","partial_json":"{\"x\":1}"}"#,
        ),
        &end(0),
        &end(1),
        &end(2),
        &reason("tool_use"),
    ]);
    let expected = [
        first_call(0, "a", "f", ""),
        first_call(1, "b", "f", ""),
        call(1, "{}"),
        Event::Text("Hi".into()),
        call(0, "{\"x\":1}"),
        Event::Usage(Usage::exclusive(9, 5, 0, 7)),
        Event::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_call_that_never_closes_still_has_arguments() {
    let events = answer(&[&begin(0, r#"{"type":"tool_use","id":"a","name":"f"}"#)]);
    assert_eq!(events[1], call(0, "{}"));
}

#[test]
fn tools_on_the_servers_side_and_what_is_new_are_read_over() {
    let events = answer(&[
        &begin(
            0,
            r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#,
        ),
        &more(
            0,
            r#"{"type":"input_json_delta","partial_json":"{\"query\":1}"}"#,
        ),
        &end(0),
        &begin(
            1,
            r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"x"}]}"#,
        ),
        &end(1),
        &begin(2, r#"{"type":"text","text":"","citations":[]}"#),
        &more(
            2,
            r#"{"type":"citations_delta","citation":{"cited_text":"c"}}"#,
        ),
        &more(2, &words("Hi")),
        &end(2),
        &begin(3, r#"{"type":"brand_new","text":"not the answer's"}"#),
        &more(3, r#"{"type":"text_delta","text":"nor this"}"#),
        &end(3),
        r#"{"type":"brand_new_event","index":7}"#,
        "[DONE]",
        &reason("pause_turn"),
    ]);
    let expected = [
        Event::Text("Hi".into()),
        Event::Usage(Usage::exclusive(9, 5, 0, 7)),
        Event::Finish(FinishReason::Pause),
    ];
    assert_eq!(events, expected);
}

#[test]
fn reasons_to_stop_have_their_canonical_names() {
    for (word, expected) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("brand_new", "brand_new"),
        ("", "unknown"),
    ] {
        let events = answer(&[&reason(word)]);
        let Some(Event::Finish(found)) = events.last() else {
            panic!("{events:?}");
        };
        assert_eq!(found.as_str(), expected, "{word}");
    }
}

#[test]
fn a_refusal_says_why() {
    let refusal = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"Not this."}},"usage":{}}"#;
    let expected = [
        Event::Refusal("Not this.".into()),
        Event::Finish(FinishReason::Refusal),
    ];
    assert_eq!(answer(&[refusal]), expected);
}

#[test]
fn two_answers_in_one_stream_are_never_merged() {
    let text = begin(0, TEXT);
    let hi = more(0, &words("Hi"));
    for mixed in [
        &[START, START][..],
        &[START, &text, &hi, START],
        &[START, &text, &text],
        &[START, &text, &end(0), &text],
        &[START, &hi],
        &[START, &text, &end(0), &hi],
        &[&text, START],
        &[&reason("end_turn")],
        &[STOP],
    ] {
        assert_eq!(kind(mixed), ErrorKind::Protocol, "{mixed:?}");
    }
}

#[test]
fn an_error_in_the_stream_has_the_kind_of_its_type() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    assert_eq!(kind(&[START, error]), ErrorKind::Overloaded);
    assert_eq!(kind(&[error]), ErrorKind::Overloaded);
    let foreign = r#"{"error":{"code":500,"message":"m","type":"server_error"}}"#;
    assert_eq!(kind(&[START, foreign]), ErrorKind::Server);
    let mut decoder = decoder();
    let named = decoder.event(Some(b"error"), Bytes::from_static(b"{\"message\":\"m\"}"));
    assert_eq!(named.unwrap_err().kind(), ErrorKind::Server);
}

#[test]
fn what_cannot_be_read_is_a_protocol_error() {
    assert_eq!(kind(&[START, "{\"type\":"]), ErrorKind::Protocol);
    let mut decoder = decoder();
    let bytes = Bytes::from_static(b"{\"type\":\"\xFF\"}");
    assert_eq!(
        decoder.event(None, bytes).unwrap_err().kind(),
        ErrorKind::Protocol
    );
}

proptest! {
    /// Whatever the order of events, a stream ends with one finish or with an error, and calls are
    /// numbered in the order in which they begin.
    #[test]
    fn any_order_of_events_is_an_answer_or_an_error(
        kinds in prop::collection::vec((0_u8..9, 0_u32..3), 0..24),
    ) {
        let tool = r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#;
        let mut events = vec![START.to_owned()];
        events.extend(kinds.iter().map(|(kind, index)| match kind {
            0 => START.to_owned(),
            1 => begin(*index, TEXT),
            2 => begin(*index, tool),
            3 => more(*index, &words("w")),
            4 => more(*index, r#"{"type":"input_json_delta","partial_json":"{}"}"#),
            5 => end(*index),
            6 => reason("end_turn"),
            7 => r#"{"type":"ping"}"#.to_owned(),
            _ => r#"{"type":"new","index":null,"delta":null}"#.to_owned(),
        }));
        events.push(STOP.to_owned());
        let events: Vec<_> = events.iter().map(String::as_str).collect();
        if let Ok(read) = read(&events) {
            let finishes = read.iter().filter(|event| matches!(event, Event::Finish(_)));
            prop_assert_eq!(finishes.count(), 1);
            let begun = read.iter().filter_map(|event| match event {
                Event::ToolCall(delta) => delta.id().map(|_| delta.index()),
                _ => None,
            });
            let begun: Vec<_> = begun.collect();
            prop_assert_eq!(&begun, &(0..begun.len()).collect::<Vec<_>>());
        }
    }
}

/// Everything that a stream may bring, in any order.
fn some_event() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-z \u{e4}]{0,6}", "\\PC{0,6}", "[\"\\\\\nu]{0,3}"];
    let delta = (0_u32..3, 0_usize..4, text, any::<bool>()).prop_map(|(index, kind, text, raw)| {
        let quoted = serde_json::to_string(&text).unwrap();
        // Raw text may break the JSON: then both have to say so.
        let text = if raw { format!("\"{text}\"") } else { quoted };
        let kinds = [
            ("text_delta", "text"),
            ("thinking_delta", "thinking"),
            ("signature_delta", "signature"),
            ("input_json_delta", "partial_json"),
        ];
        let (kind, field) = kinds[kind];
        more(index, &format!(r#"{{"type":"{kind}","{field}":{text}}}"#))
    });
    let block = (0_u32..3, 0_usize..3).prop_map(|(index, kind)| {
        let blocks = [
            r#"{"type":"text","text":""}"#,
            r#"{"type":"thinking","thinking":""}"#,
            r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#,
        ];
        begin(index, blocks[kind])
    });
    let rare = Just(r#"{"type":"error","error":{"type":"overloaded_error"}}"#.to_owned());
    prop_oneof![
        12 => delta,
        3 => block,
        2 => (0_u32..3).prop_map(end),
        1 => Just(r#"{"type":"ping"}"#.to_owned()),
        1 => rare,
    ]
}

/// Reads `events` until one is an error. `learns` or not.
fn read_with(learns: bool, events: &[String]) -> (Vec<Event>, Option<String>) {
    let mut decoder = decoder();
    let mut all = Vec::new();
    for event in std::iter::once(START).chain(events.iter().map(String::as_str)) {
        if !learns {
            decoder.learned = None;
        }
        match decoder.event(None, Bytes::copy_from_slice(event.as_bytes())) {
            Ok(event) => all.extend(event),
            Err(error) => return (all, Some(error.to_string())),
        }
        all.extend(std::iter::from_fn(|| decoder.pop()));
    }
    (all, None)
}

#[test]
fn an_event_named_error_is_one_whatever_it_looks_like() {
    let delta = more(0, r#"{"type":"text_delta","text":"a"}"#);
    let mut decoder = decoder();
    for event in [START, &begin(0, r#"{"type":"text","text":""}"#), &delta] {
        decoder
            .event(None, Bytes::copy_from_slice(event.as_bytes()))
            .unwrap();
    }
    assert!(decoder.learned.is_some());
    decoder
        .event(Some(b"error"), Bytes::from(delta))
        .unwrap_err();
}

proptest! {
    /// A decoder that has learned says of every stream what one says that never learns.
    #[test]
    fn what_is_read_by_the_template_is_what_the_parser_reads(
        events in prop::collection::vec(some_event(), 0..24),
        block in 0_u32..2,
    ) {
        let first = [begin(0, r#"{"type":"text","text":""}"#), begin(0, r#"{"type":"thinking"}"#)];
        let mut stream = vec![first[block as usize].clone()];
        stream.extend(events);
        prop_assert_eq!(read_with(true, &stream), read_with(false, &stream));
    }
}
