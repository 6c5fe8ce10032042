use super::ResponsesDecoder;
use crate::{Flavor, OpenAiConfig, responses::answer};
use bytes::Bytes;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};
use std::sync::Arc;
use towline_core::{Error, ErrorKind, Event, FinishReason, Part};
use towline_transport::{
    Decode,
    sse::{self, Frame},
};

fn config() -> OpenAiConfig {
    let config = OpenAiConfig::builder("http://localhost/v1").flavor(Flavor::OPENAI);
    config.build().unwrap()
}

fn events(stream: &[Value]) -> Result<Vec<Event>, Error> {
    let mut decoder = ResponsesDecoder::new(Arc::new(config()));
    let mut events = Vec::new();
    for event in stream {
        let mut frame = sse::Event::default();
        frame.data = Bytes::from(event.to_string());
        events.extend(decoder.push(Frame::Event(frame))?);
        events.extend(std::iter::from_fn(|| decoder.pop()));
    }
    assert!(decoder.is_done(), "the terminal event was read");
    decoder.finish();
    events.extend(std::iter::from_fn(|| decoder.pop()));
    Ok(events)
}

/// What a stream spells, in short.
fn spelled(stream: &[Value]) -> String {
    let words = events(stream)
        .unwrap()
        .into_iter()
        .map(|event| match event {
            Event::Start(start) => format!("start({})", start.id()),
            Event::Text(text) => format!("text({text})"),
            Event::Refusal(text) => format!("refusal({text})"),
            Event::Reasoning(delta) => match (delta.id(), delta.encrypted()) {
                (Some(id), Some(data)) => format!("sealed({id},{data},{})", delta.text()),
                _ => format!("thought({})", delta.text()),
            },
            Event::ToolCall(delta) => format!(
                "call({},{},{},{})",
                delta.index(),
                delta.id().unwrap_or("-"),
                delta.name().unwrap_or("-"),
                delta.arguments()
            ),
            Event::Usage(usage) => format!("usage({})", usage.total().unwrap()),
            Event::Finish(reason) => format!("finish({reason})"),
            other => format!("{other:?}"),
        });
    words.collect::<Vec<_>>().join(" ")
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "r1", "model": "m", "status": "in_progress"}})
}

fn completed() -> Value {
    json!({"type": "response.completed", "response": {"id": "r1", "status": "completed", "output": [],
        "usage": {"input_tokens": 9, "output_tokens": 7, "total_tokens": 16}}})
}

fn added(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

#[test]
fn text_is_told_once_though_the_stream_repeats_it() {
    let item =
        json!({"id": "m1", "type": "message", "content": [{"type": "output_text", "text": "Hi."}]});
    let stream = [
        created(),
        added(0, &json!({"id": "m1", "type": "message", "content": []})),
        json!({"type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "delta": "Hi"}),
        json!({"type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "delta": "."}),
        json!({"type": "response.output_text.done", "item_id": "m1", "text": "Hi."}),
        done(0, &item),
        completed(),
    ];
    assert_eq!(
        spelled(&stream),
        "start(r1) text(Hi) text(.) usage(16) finish(stop)"
    );
    let untold = [created(), done(0, &item), completed()];
    assert_eq!(
        spelled(&untold),
        "start(r1) text(Hi.) usage(16) finish(stop)"
    );
}

#[test]
fn calls_are_numbered_and_answered_by_their_call_id() {
    let call = |id: &str, call_id: &str, arguments: &str| json!({"id": id, "type": "function_call", "call_id": call_id, "name": "f", "arguments": arguments});
    let stream = [
        created(),
        added(1, &call("fc1", "c1", "")),
        added(2, &call("fc2", "c2", "")),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc2", "output_index": 2, "delta": "{}"}),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc1", "output_index": 1, "arguments": "{\"a\":1}"}),
        done(1, &call("fc1", "c1", "{\"a\":1}")),
        done(2, &call("fc2", "c2", "{}")),
        done(3, &call("fc3", "c3", "[]")),
        completed(),
    ];
    assert_eq!(
        spelled(&stream),
        "start(r1) call(0,c1,f,) call(1,c2,f,) call(1,-,-,{}) call(0,-,-,{\"a\":1}) \
         call(2,c3,f,[]) usage(16) finish(tool_calls)"
    );
}

#[test]
fn reasoning_keeps_what_is_needed_to_send_it_back() {
    let summary = |part: u64, text: &str| {
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs1", "output_index": 0,
            "summary_index": part, "delta": text})
    };
    let stream = [
        created(),
        added(0, &json!({"id": "rs1", "type": "reasoning", "summary": []})),
        summary(0, "One"),
        summary(1, "Two"),
        done(
            0,
            &json!({"id": "rs1", "type": "reasoning", "encrypted_content": "x",
            "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}]}),
        ),
        completed(),
    ];
    assert_eq!(
        spelled(&stream),
        "start(r1) thought(One) thought(\n\nTwo) sealed(rs1,x,) usage(16) finish(stop)"
    );
}

#[test]
fn what_is_not_complete_says_why() {
    let cut = json!({"type": "response.incomplete", "response": {"status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"}}});
    let events = events(&[created(), cut]).unwrap();
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::Length)));
}

#[test]
fn a_failure_is_one_error_of_the_kind_it_names_first() {
    let error = json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow"});
    let failed = json!({"type": "response.failed", "response": {"status": "failed",
        "error": {"code": "server_error", "message": "slow"}}});
    let kind = |stream: &[Value]| events(stream).unwrap_err().kind();
    assert_eq!(
        kind(&[created(), error, failed.clone()]),
        ErrorKind::RateLimit
    );
    assert_eq!(kind(&[created(), failed]), ErrorKind::Server);
}

#[test]
fn a_whole_answer_is_read_item_by_item() {
    let body = json!({"id": "r1", "model": "m", "status": "completed", "error": null, "output": [
        {"id": "rs1", "type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"id": "w1", "type": "web_search_call", "status": "completed"},
        {"id": "m1", "type": "message", "content": [{"type": "output_text", "text": "Hi."}]},
        {"id": "fc1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}],
        "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 7}});
    let completion = answer::decode(&config(), Bytes::from(body.to_string())).unwrap();
    assert_eq!(completion.text(), "Hi.");
    assert_eq!(completion.tool_calls().next().unwrap().id(), "c1");
    assert_eq!(*completion.finish_reason(), FinishReason::ToolCalls);
    assert_eq!(completion.usage().unwrap().uncached_input(), Some(5));
    assert!(matches!(&completion.parts()[0], Part::Reasoning(r) if r.encrypted() == Some("x")));
}

#[test]
fn a_body_that_is_something_else_is_a_protocol_error() {
    for body in ["{}", "[]", "nothing"] {
        let error = answer::decode(&config(), Bytes::from(body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
}

/// An event of a stream: mostly text, with its own number and padding.
fn some_event() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-z \u{e4}]{0,6}", "\\PC{0,6}", "[\"\\\\\nu]{0,3}"];
    let delta = (0_usize..5, 0..2, 0..2, text, any::<bool>(), "[a-z]{0,4}");
    let delta = delta.prop_map(|(kind, item, part, text, raw, pad)| {
        let quoted = serde_json::to_string(&text).unwrap();
        // Raw text may break the JSON: then both have to say so.
        let text = if raw { format!("\"{text}\"") } else { quoted };
        let kinds = ["output_text", "output_text", "output_text", "refusal", "reasoning_summary_text"];
        let kind = kinds[kind];
        format!(
            r#"{{"type":"response.{kind}.delta","sequence_number":1NUMBER,"item_id":"i{item}","output_index":{item},"summary_index":{part},"delta":{text},"logprobs":[],"obfuscation":"{pad}"}}"#
        )
    });
    let item = (0..2, any::<bool>(), "[a-z]{0,3}").prop_map(|(item, done, text)| {
        let kind = if done { "done" } else { "added" };
        json!({
            "type": format!("response.output_item.{kind}"), "output_index": item,
            "item": {"type": "message", "id": format!("i{item}"), "content": [{"text": text}]},
        })
        .to_string()
    });
    prop_oneof![
        10 => delta,
        2 => item,
        1 => Just(json!({"type": "response.failed"}).to_string()),
    ]
}

/// Reads `stream` until one event is an error. `learns` or not.
fn read_with(learns: bool, stream: &[String]) -> (Vec<Event>, Option<String>) {
    let mut decoder = ResponsesDecoder::new(Arc::new(config()));
    let mut all = Vec::new();
    for (number, event) in stream.iter().enumerate() {
        if !learns {
            decoder.template = None;
        }
        let mut frame = sse::Event::default();
        frame.data = Bytes::from(event.replace("NUMBER", &number.to_string()));
        match decoder.push(Frame::Event(frame)) {
            Ok(event) => all.extend(event),
            Err(error) => return (all, Some(error.to_string())),
        }
        all.extend(std::iter::from_fn(|| decoder.pop()));
    }
    (all, None)
}

proptest! {
    /// A decoder that has learned says of every stream what one says that never learns.
    #[test]
    fn what_is_read_by_the_template_is_what_the_parser_reads(
        stream in prop::collection::vec(some_event(), 0..24),
    ) {
        prop_assert_eq!(read_with(true, &stream), read_with(false, &stream));
    }
}
