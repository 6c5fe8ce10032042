//! Level 1: every answer decodes as the server's own SDK decoded it, however it arrives.

use crate::select::{Ask, chats, client, native};
use serde_json::Value;
use tower::ServiceExt as _;
use towline_core::EmbeddingRequest;
use towline_testkit::corpus::{
    Canned, Case, Corpus, Difference, Expected, Splits, Suite, compare, compare_error,
    watch::{for_each, now},
};

#[test]
fn corpus_decodes_as_the_sdk_of_the_server_does() {
    let Some((corpus, cases)) = chats() else {
        return;
    };
    let mut suite = Suite::new("ollama dialect", &corpus, cases.len());
    for (case, ask) in &cases {
        suite.handled(&case.id, case.expected.is_some(), chat(case, ask));
    }
    // What is left out is said, not hidden.
    let before_chat = native(&corpus, "ollama_generate").len();
    suite.note(format!(
        "out of scope: {before_chat} of the API of before chat"
    ));
    suite.finish();
}

fn chat(case: &Case, ask: &Ask) -> Vec<Difference> {
    let found = ask.collect(&case.answer);
    match (&case.expected, found) {
        (Some(Expected::Answer(expected)), Ok(found)) => compare(&found, expected, canonical),
        (Some(Expected::Error(expected)), Err(error)) => {
            let mut expected = expected.clone();
            // The SDK writes the status behind the message.
            let status = format!(" (status code: {})", expected.status);
            let message = expected.message.strip_suffix(&status).map(str::to_owned);
            expected.message = message.unwrap_or(expected.message);
            compare_error(&error, &expected)
        }
        (expected, found) => {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            vec![Difference::new("result", expected, found)]
        }
    }
}

/// The canonical name of a reason, written down a second time, independent of the client's table.
fn canonical(word: &str, called: bool) -> String {
    let reason = if word == "stop" && called {
        "tool_calls"
    } else {
        word
    };
    reason.to_owned()
}

/// Recorded of the interface of before `/api/embed`, which answers with one vector.
#[test]
fn corpus_vectors_hold_the_numbers_of_the_wire() {
    let Some(corpus) = Corpus::open() else { return };
    let cases = native(&corpus, "embeddings");
    let mut suite = Suite::new("ollama dialect, embeddings", &corpus, cases.len());
    for case in &cases {
        suite.handled(&case.id, case.expected.is_some(), embedding(case));
    }
    suite.finish();
}

fn embedding(case: &Case) -> Option<Difference> {
    let body = case.answer.json().unwrap_or_default();
    let wire = body["embedding"].as_array().into_iter().flatten();
    let wire: Vec<f64> = wire.filter_map(Value::as_f64).collect();
    let near = |(x, y): (&f32, &f64)| (f64::from(*x) - y).abs() < 1e-5;
    let canned = Canned::new(&case.answer);
    for frames in [
        vec![case.answer.body.clone()],
        Splits::bytes(&case.answer.body),
    ] {
        let request = EmbeddingRequest::new(case.model(), ["text"]);
        let answer = now(client(canned.with_frames(frames)).oneshot(request));
        let vectors = answer.map(towline_core::EmbeddingResponse::into_vectors);
        let good = match vectors.as_deref() {
            Ok([vector]) => vector.len() == wire.len() && vector.iter().zip(&wire).all(near),
            _ => false,
        };
        if !good {
            let found: String = format!("{vectors:?}").chars().take(200).collect();
            let expected = format!("{} numbers", wire.len());
            return Some(Difference::new("vector", expected, found));
        }
    }
    None
}

#[test]
fn corpus_decodes_the_same_however_it_is_split() {
    let Some((corpus, cases)) = chats() else {
        return;
    };
    let mut suite = Suite::new("ollama dialect, split at every byte", &corpus, cases.len());
    let found = for_each(&cases, |(case, ask)| split(case, ask));
    let splits: usize = found.iter().map(|(splits, _)| splits).sum();
    for ((case, _), (_, difference)) in cases.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.note(format!("{splits} splits"));
    suite.finish();
}

fn split(case: &Case, ask: &Ask) -> (usize, Option<Difference>) {
    let canned = Canned::new(&case.answer);
    let whole = ask.see_whole(&case.answer);
    let mut count = 0;
    for frames in Splits::of(&case.answer.body) {
        count += 1;
        let first = frames.first().map_or(0, |frame| frame.len());
        let (pieces, seen) = (frames.len(), ask.see(&canned, frames));
        if seen != whole {
            let place = format!("{pieces} pieces, the first of {first} bytes: {seen:?}");
            let difference = Difference::new("split", format!("{whole:?}"), place);
            return (count, Some(difference));
        }
    }
    (count, None)
}

/// Other line ends, more blank lines, no line end at all: the same events.
#[test]
fn corpus_streams_decode_the_same_in_every_framing() {
    let Some((corpus, mut cases)) = chats() else {
        return;
    };
    cases.retain(|(case, _)| case.is_event_stream());
    let mut suite = Suite::new("ollama dialect, framings", &corpus, cases.len());
    for (case, ask) in &cases {
        suite.handled(&case.id, case.expected.is_some(), reframe(case, ask));
    }
    suite.finish();
}

fn reframe(case: &Case, ask: &Ask) -> Vec<Difference> {
    let text = String::from_utf8_lossy(&case.answer.body).into_owned();
    let framings = [
        ("CRLF", text.replace('\n', "\r\n")),
        ("blank lines", text.replace('\n', "\n \r\n\n")),
        ("spaces", text.replace("{\"model\"", " {  \"model\"")),
        ("no last line end", text.trim_end().to_owned()),
    ];
    let whole = ask.see_whole(&case.answer);
    let differences = framings.into_iter().filter_map(|(name, framed)| {
        let seen = ask.see_whole(&case.answer.with_body(framed));
        let expected = || format!("{name}: {whole:?}");
        (seen != whole).then(|| Difference::new("framing", expected(), format!("{seen:?}")))
    });
    differences.collect()
}
