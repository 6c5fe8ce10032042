use super::Decoder;
use crate::{
    OllamaConfig,
    line::{Line, Lines},
};
use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use towline_core::{Error, ErrorKind, Event, FinishReason, ToolCallDelta};
use towline_transport::{AnswerOrigin, AnswerStream, Decode as _};

/// A whole answer with everything in it, written by hand after the vendor's description.
const ALL: &str = concat!(
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00.5Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:01Z\",\"message\":{\"role\":\"assistant\",\"content\":\"Grüße \\u2764 \"},\"done\":false}\r\n",
    "\n",
    "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:02Z\",\"message\":{\"role\":\"assistant\",\"content\":\"東京\"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"tool_calls\":[{\"id\":\"call_1\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{\"a\": [1, \"ü\"]}}}]},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"g\",\"arguments\":{}}},{\"function\":{\"name\":\"h\",\"arguments\":\"{\\\"b\\\":2}\"}}]},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"total_duration\":9,\"prompt_eval_count\":9,\"eval_count\":7}\n",
);

/// A body in prepared pieces.
struct Pieces {
    left: VecDeque<Bytes>,
    then: Then,
}

/// What comes after them.
#[derive(Clone, Copy, Debug)]
enum Then {
    Ends,
    Breaks,
    Waits,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(piece) = self.left.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.then {
            Then::Ends => Poll::Ready(None),
            Then::Breaks => Poll::Ready(Some(Err(Error::new(ErrorKind::Transport)))),
            Then::Waits => Poll::Pending,
        }
    }
}

#[test]
fn to3_half_a_line_is_one_sign_of_life() {
    let half = vec![Bytes::from_static(b"{\"model\"")];
    let mut stream = stream_of(half, Then::Waits);
    let mut cx = Context::from_waker(Waker::noop());
    let first = Pin::new(&mut stream).poll_next(&mut cx);
    assert!(matches!(first, Poll::Ready(Some(Ok(Event::Ping)))));
    assert!(Pin::new(&mut stream).poll_next(&mut cx).is_pending());
}

fn stream_of(pieces: Vec<Bytes>, then: Then) -> AnswerStream<Lines<Pieces>, Decoder> {
    let config = OllamaConfig::builder("http://localhost").build().unwrap();
    let origin = AnswerOrigin::new("ollama".into(), "m".into(), Some("r".into()));
    let body = Pieces {
        left: pieces.into(),
        then,
    };
    let decoder = Decoder::new(Arc::new(config), "m".into());
    AnswerStream::new(Lines::new(body), decoder, origin)
}

fn read_pieces(pieces: Vec<Bytes>, then: Then) -> (Vec<Event>, Option<Error>) {
    let mut stream = stream_of(pieces, then);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut events = Vec::new();
        while let Some(item) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            match item {
                Ok(event) => events.push(event),
                Err(error) => return (events, Some(error)),
            }
        }
        (events, None)
    })
}

fn read(text: &str) -> (Vec<Event>, Option<Error>) {
    read_pieces(vec![Bytes::copy_from_slice(text.as_bytes())], Then::Ends)
}

fn kind(text: &str) -> Option<ErrorKind> {
    read(text).1.map(|error| error.kind())
}

fn calls(events: &[Event]) -> Vec<&ToolCallDelta> {
    let calls = events.iter().filter_map(|event| match event {
        Event::ToolCall(delta) => Some(delta),
        _ => None,
    });
    calls.collect()
}

#[test]
fn an_answer_is_read_in_order_and_ends_once() {
    let (events, error) = read(ALL);
    assert!(error.is_none(), "{error:?}");
    let text: String = events.iter().filter_map(Event::as_text).collect();
    assert_eq!(text, "Grüße ❤ 東京");
    let Some(Event::Start(start)) = events.first() else {
        panic!("{events:?}");
    };
    assert_eq!(start.model().as_str(), "m");
    let Some(Event::Reasoning(thought)) = events.get(1) else {
        panic!("{events:?}");
    };
    assert_eq!(thought.text(), "hm");
    assert_eq!(thought.provider().unwrap().as_str(), "ollama");
    let [.., Event::Usage(usage), Event::Finish(reason)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!((usage.input(), usage.output()), (Some(9), Some(7)));
    let raw = String::from_utf8_lossy(usage.raw().unwrap()).into_owned();
    assert!(raw.contains("\"total_duration\":9"), "{raw}");
    assert_eq!(*reason, FinishReason::ToolCalls, "the server says stop");
}

#[test]
fn calls_are_numbered_and_those_without_an_id_get_one() {
    let (events, _) = read(ALL);
    let found: Vec<_> = calls(&events)
        .iter()
        .map(|call| (call.index(), call.id(), call.name(), call.arguments()))
        .collect();
    let expected = [
        (0, Some("call_1"), Some("f"), "{\"a\": [1, \"ü\"]}"),
        (1, Some("call_20260101T0000005Z_1"), Some("g"), "{}"),
        (2, Some("call_20260101T0000005Z_2"), Some("h"), "{\"b\":2}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_missing_or_of_another_type_breaks_nothing() {
    let text = "{\"model\":null,\"created_at\":7,\"message\":{\"content\":null,\"thinking\":[],\"tool_calls\":null,\"new\":{}},\"done\":null}\n{\"message\":null}\n{}\n{\"message\":{\"tool_calls\":7}}\n{\"done\":true}\n";
    let (events, error) = read(text);
    assert!(error.is_none(), "{error:?}");
    let expected = Event::Finish(FinishReason::Other("unknown".into()));
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events.last(), Some(&expected), "no number is no usage");
}

#[test]
fn a_reason_that_is_new_is_kept() {
    let (events, _) = read("{\"done\":true,\"done_reason\":\"load\"}\n");
    let expected = Event::Finish(FinishReason::Other("load".into()));
    assert_eq!(events.last(), Some(&expected));
    let (events, _) = read("{\"done\":true,\"done_reason\":\"length\"}\n");
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::Length)));
}

#[test]
fn an_error_line_is_an_error_that_says_whose() {
    let text = "{\"message\":{\"content\":\"Yes\"},\"done\":false}\n{\"error\":\"an error was encountered while running the model\"}\n{\"done\":true}\n";
    let (events, error) = read(text);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(
        (error.provider(), error.model(), error.request_id()),
        (Some("ollama"), Some("m"), Some("r"))
    );
    assert!(!events.iter().any(|event| matches!(event, Event::Finish(_))));
    let busy = "{\"error\":{\"message\":\"server busy, please try again\"}}";
    assert_eq!(
        kind(busy),
        Some(ErrorKind::Overloaded),
        "as gateways write it"
    );
}

#[test]
fn what_comes_after_the_end_does_not_count() {
    let (events, error) = read("{\"done\":true}\n{\"error\":\"late\"}\nrubbish\n");
    assert!(error.is_none() && events.len() == 2, "{events:?} {error:?}");
}

#[test]
fn a_line_that_is_no_json_is_a_fault_of_the_protocol_and_a_cut_one_is_not() {
    assert_eq!(
        kind("{\"message\":\n{\"done\":true}\n"),
        Some(ErrorKind::Protocol)
    );
    assert_eq!(
        kind("rubbish\n{\"done\":true}\n"),
        Some(ErrorKind::Protocol)
    );
    assert_eq!(kind("{\"done\":tr"), Some(ErrorKind::Truncated));
    assert_eq!(kind(""), Some(ErrorKind::Truncated));
    assert_eq!(
        kind("{\"done\":true}"),
        None,
        "whole, though without its line feed"
    );
    let bad = vec![Bytes::from_static(b"{\"a\":\"\xFF\"}\n{}\n")];
    let (_, error) = read_pieces(bad, Then::Ends);
    assert_eq!(error.unwrap().kind(), ErrorKind::Protocol);
}

#[test]
fn every_cut_is_truncated_and_every_break_too() {
    let all = Bytes::from_static(ALL.as_bytes());
    for at in 0..all.len() - 1 {
        for then in [Then::Ends, Then::Breaks] {
            let (events, error) = read_pieces(vec![all.slice(..at)], then);
            let error = error.map(|error| error.kind());
            assert_eq!(
                error,
                Some(ErrorKind::Truncated),
                "{at} {then:?}: {events:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn an_answer_is_the_same_however_it_is_split(
        mut cuts in prop::collection::vec(0..ALL.len(), 0..12)
    ) {
        cuts.sort_unstable();
        let all = Bytes::from_static(ALL.as_bytes());
        let mut pieces = Vec::new();
        let mut start = 0;
        for at in cuts {
            pieces.push(all.slice(start..at));
            start = at;
        }
        pieces.push(all.slice(start..));
        let (events, error) = read_pieces(pieces, Then::Ends);
        prop_assert_eq!(error.map(|error| error.kind()), None);
        prop_assert_eq!(events, read(ALL).0);
    }

    /// Whatever comes, it ends, and not with success where there was no terminal line.
    #[test]
    fn anything_at_all_is_read_without_a_panic(bytes in prop::collection::vec(0_u8..=255, 0..200)) {
        let (_, error) = read_pieces(vec![bytes.into()], Then::Ends);
        prop_assert_eq!(error.is_some(), true);
    }
}

/// A line of a stream: mostly text, at a time of its own.
fn some_line() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[a-z \u{e4}]{0,6}", "\\PC{0,6}", "[\"\\\\\nu]{0,3}"];
    let rest = prop_oneof![
        8 => "\\}",
        1 => ",\"thinking\":\"hm\"\\}",
        1 => ",\"tool_calls\":\\[\\{\"function\":\\{\"name\":\"f\"\\}\\}\\]\\}",
        1 => "\\},\"error\":\"no\"",
    ];
    let done = prop_oneof![12 => "false", 1 => "true", 1 => "null"];
    (text, any::<bool>(), "[0-9]{1,4}", rest, done).prop_map(|(text, raw, time, rest, done)| {
        let quoted = serde_json::to_string(&text).unwrap();
        // Raw text may break the JSON: then both have to say so.
        let text = if raw { format!("\"{text}\"") } else { quoted };
        format!(
            r#"{{"model":"m","created_at":"2026-01-01T00:00:{time}Z","message":{{"role":"assistant","content":{text}{rest},"done":{done}}}"#
        )
    })
}

/// Reads `lines` until one is an error. `learns` or not.
fn read_with(learns: bool, lines: &[String]) -> (Vec<Event>, Option<String>) {
    let config = OllamaConfig::builder("http://localhost").build().unwrap();
    let mut decoder = Decoder::new(Arc::new(config), "m".into());
    let mut all = Vec::new();
    for line in lines {
        if !learns {
            decoder.template = None;
        }
        match decoder.push(Line::from(line.as_str())) {
            Ok(event) => all.extend(event),
            Err(error) => return (all, Some(error.to_string())),
        }
        all.extend(std::iter::from_fn(|| decoder.pop()));
    }
    decoder.finish();
    all.extend(std::iter::from_fn(|| decoder.pop()));
    (all, None)
}

proptest! {
    /// A decoder that has learned says of every stream what one says that never learns.
    #[test]
    fn what_is_read_by_the_template_is_what_the_parser_reads(
        lines in prop::collection::vec(some_line(), 0..24),
    ) {
        prop_assert_eq!(read_with(true, &lines), read_with(false, &lines));
    }
}
