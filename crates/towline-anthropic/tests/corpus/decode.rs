//! Levels 1 and 1b: every answer decodes as Anthropic's own SDK decoded it, however it arrives.

use crate::select::{Api, Ask, cases, client, collect, message_cases, see, see_whole};
use serde_json::Value;
use towline_core::{Completion, Part};
use towline_testkit::corpus::{
    Answer, Canned, Case, Difference, Expected, ExpectedAnswer, ExpectedError, Splits, Suite,
    compare, compare_error,
    reframe::Framing,
    watch::{for_each, now},
};

#[test]
fn corpus_decodes_as_the_sdk_does() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let mut suite = Suite::new("anthropic dialect", &corpus, cases.len());
    for (case, ask) in &cases {
        let differences = match ask.api {
            Api::Messages => message(case, ask),
            Api::CountTokens => count(case, ask),
            Api::Models => models(case),
        };
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    suite.finish();
}

fn message(case: &Case, ask: &Ask) -> Vec<Difference> {
    match (&case.expected, collect(ask, &case.answer)) {
        (Some(Expected::Answer(expected)), Ok(found)) => {
            let mut differences = compare(&found, &with_cache(expected), canonical);
            differences.extend(thinking_differs(&found, &case.answer));
            differences
        }
        (Some(Expected::Error(expected)), Err(error)) => {
            compare_error(&error, &with_message(expected, &case.answer))
        }
        (Some(expected), found) => {
            let found = found.map_err(|error| error.report().to_string());
            vec![Difference::new(
                "result",
                format!("{expected:?}"),
                format!("{found:?}"),
            )]
        }
        (None, _) => vec![Difference::new("oracle", "one for every message", "none")],
    }
}

/// The SDK gives the numbers as they are on the wire, where the input leaves the cache out.
fn with_cache(expected: &ExpectedAnswer) -> ExpectedAnswer {
    let mut expected = expected.clone();
    let parts = ["input", "cache_read", "cache_write"];
    let parts = parts.map(|name| expected.tokens(name));
    if parts.iter().any(Option::is_some) {
        let input: u64 = parts.into_iter().flatten().sum();
        expected.usage.insert("input".to_owned(), input.into());
    }
    expected
}

/// The SDK prints the whole body where it should say what is wrong: the words are taken out of the
/// body, once it is sure that the SDK said them.
fn with_message(expected: &ExpectedError, answer: &Answer) -> ExpectedError {
    let body = answer.json().unwrap_or_default();
    let message = body.pointer("/error/message").and_then(Value::as_str);
    let message = message.unwrap_or_default();
    assert!(expected.message.contains(message), "{expected:?}");
    let mut expected = expected.clone();
    expected.message = message.to_owned();
    expected
}

/// The canonical name of a reason, written down a second time, independent of the client's table.
fn canonical(word: &str, _called: bool) -> String {
    match word {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" => "length",
        "tool_use" => "tool_calls",
        other => other,
    }
    .to_owned()
}

/// What the SDK leaves out of the expectation: signatures, hidden thinking, and how much was thought.
fn thinking_differs(found: &Completion, answer: &Answer) -> Vec<Difference> {
    let text = String::from_utf8_lossy(&answer.body);
    let mut differences = Vec::new();
    let mut check = |field, wire: usize, found: usize| {
        if wire != found {
            differences.push(Difference::new(field, wire.to_string(), found.to_string()));
        }
    };
    let thoughts = || {
        let parts = found.parts().iter();
        parts.filter_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning),
            _ => None,
        })
    };
    let (mut signatures, mut hidden, mut tokens) = (0, 0, None);
    for value in values(&text) {
        signatures += count_values(&value, "signature");
        hidden += count_values(&value, "data");
        tokens = find(&value, "thinking_tokens").or(tokens);
    }
    check(
        "signatures",
        signatures,
        thoughts().filter(|t| t.signature().is_some()).count(),
    );
    check(
        "hidden",
        hidden,
        thoughts().filter(|t| t.encrypted().is_some()).count(),
    );
    let reasoning = found.usage().and_then(towline_core::Usage::reasoning);
    if reasoning != tokens {
        differences.push(Difference::new(
            "thought",
            format!("{tokens:?}"),
            format!("{reasoning:?}"),
        ));
    }
    differences
}

/// The body, or the data of its events.
fn values(text: &str) -> Vec<Value> {
    match serde_json::from_str(text) {
        Ok(whole) => vec![whole],
        Err(_) => {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            data.filter_map(|data| serde_json::from_str(data).ok())
                .collect()
        }
    }
}

/// How many thinking blocks or deltas hold some text under `name`.
fn count_values(value: &Value, name: &str) -> usize {
    let here = value.get(name).and_then(Value::as_str);
    let kind = value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let counts = ["thinking", "redacted_thinking", "signature_delta"].contains(&kind)
        && here.is_some_and(|text| !text.is_empty());
    let inside: usize = match value {
        Value::Object(fields) => fields.values().map(|value| count_values(value, name)).sum(),
        Value::Array(items) => items.iter().map(|value| count_values(value, name)).sum(),
        _ => 0,
    };
    inside + usize::from(counts)
}

fn find(value: &Value, name: &str) -> Option<u64> {
    match value {
        Value::Object(fields) => fields
            .get(name)
            .and_then(Value::as_u64)
            .or_else(|| fields.values().find_map(|value| find(value, name))),
        _ => None,
    }
}

fn count(case: &Case, ask: &Ask) -> Vec<Difference> {
    let client = client(Canned::new(&case.answer));
    let found = now(client.count_tokens(&ask.request()));
    let body = case.answer.json().unwrap_or_default();
    let expected = body.get("input_tokens").and_then(Value::as_u64);
    let same = match &found {
        Ok(tokens) => expected == Some(*tokens),
        Err(error) => expected.is_none() && error.status() == Some(case.answer.status),
    };
    let differ =
        (!same).then(|| Difference::new("count", format!("{expected:?}"), format!("{found:?}")));
    differ.into_iter().collect()
}

fn models(case: &Case) -> Vec<Difference> {
    let found = now(client(Canned::new(&case.answer)).models());
    let body = case.answer.json().unwrap_or_default();
    let listed = body["data"].as_array().into_iter().flatten();
    let listed = listed.map(|model| {
        (
            model["id"].as_str().unwrap_or_default(),
            model["max_input_tokens"].as_u64(),
        )
    });
    let listed: Vec<_> = listed.collect();
    let found = found.unwrap_or_default();
    let found: Vec<_> = found
        .iter()
        .map(|model| (model.id(), model.context_window()))
        .collect();
    let same = listed == found && !listed.is_empty();
    let differ =
        (!same).then(|| Difference::new("models", format!("{listed:?}"), format!("{found:?}")));
    differ.into_iter().collect()
}

#[test]
fn corpus_decodes_the_same_however_it_is_split() {
    let Some((corpus, cases)) = message_cases() else {
        return;
    };
    let mut suite = Suite::new(
        "anthropic dialect, split at every byte",
        &corpus,
        cases.len(),
    );
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
    let whole = see_whole(ask, &case.answer);
    let mut count = 0;
    for frames in Splits::of(&case.answer.body) {
        count += 1;
        let first = frames.first().map_or(0, |frame| frame.len());
        let (pieces, seen) = (frames.len(), see(ask, &canned, frames));
        if seen != whole {
            let place = format!("{pieces} pieces, the first of {first} bytes: {seen:?}");
            return (
                count,
                Some(Difference::new("split", format!("{whole:?}"), place)),
            );
        }
    }
    (count, None)
}

#[test]
fn corpus_streams_decode_the_same_in_every_framing() {
    let Some((corpus, mut streams)) = message_cases() else {
        return;
    };
    streams.retain(|(case, _)| case.is_event_stream());
    let mut suite = Suite::new("anthropic dialect, framings", &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| reframe(case, ask));
    for ((case, _), differences) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    suite.note(format!("{} framings", Framing::ALL.len()));
    suite.finish();
}

fn reframe(case: &Case, ask: &Ask) -> Vec<Difference> {
    let original = see_whole(ask, &case.answer).without_pings();
    let mut differences = Vec::new();
    for framing in Framing::ALL {
        let answer = case.answer.with_body(framing.apply(&case.answer.body));
        let canned = Canned::new(&answer);
        let bytes = Splits::bytes(&answer.body);
        for (how, frames) in [
            ("whole", vec![answer.body.clone()]),
            ("byte by byte", bytes),
        ] {
            let seen = see(ask, &canned, frames).without_pings();
            if seen != original {
                let expected = format!("{framing:?}, {how}: {original:?}");
                differences.push(Difference::new("framing", expected, format!("{seen:?}")));
            }
        }
    }
    differences
}
