//! Levels 1 and 1b: every answer decodes as the server's own SDK decoded it, however it arrives.

use crate::{
    select::{Api, Ask, cases, for_each},
    watch::{Seen, collect, see, see_whole},
};
use serde_json::Value;
use towline_core::{Completion, Error, ErrorKind};
use towline_testkit::corpus::{
    Answer, Canned, Case, Corpus, Difference, Expected, ExpectedAnswer, Splits, Suite, compare,
    compare_error, reframe::Framing,
};

/// Where the client has to differ from the SDK: each with its reason and how many cases it covers,
/// so that it covers no more tomorrow.
#[derive(Default)]
struct Deviations {
    /// Azure's filter answers with an error object under status 200; the SDK makes an empty success
    /// of it. Here it is an error.
    error_under_200: usize,
    /// Mistral's thinking comes as a list of parts, which the SDK hands on as a list. Here it is
    /// text and reasoning.
    list_as_text: usize,
    /// A `function_call` of the first generation, which the SDK keeps apart. Here it is a tool call.
    function_call: usize,
    /// What looks like a key in a message is masked here, also where the server forgot to.
    masked_key: usize,
}

#[test]
fn corpus_decodes_as_the_sdk_of_the_server_does() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let mut suite = Suite::new("openai dialect", &corpus, cases.len());
    let mut deviations = Deviations::default();
    for (case, ask) in &cases {
        let differences = decode(case, ask, &mut deviations);
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    note_scope(&corpus, &mut suite);
    let Deviations {
        error_under_200,
        list_as_text,
        function_call,
        masked_key,
    } = deviations;
    let found = [error_under_200, list_as_text, function_call, masked_key];
    suite.note(format!("deviations from the SDK {found:?}"));
    suite.finish();
    assert_eq!(
        found,
        [3, 1, 2, 1],
        "cases in which the client has to differ from the SDK"
    );
}

/// What is left out is said, not hidden.
fn note_scope(corpus: &Corpus, suite: &mut Suite) {
    let all = corpus.cases().unwrap();
    let of = |api: &str| all.iter().filter(|case| case.api == api).count();
    suite.note(format!(
        "out of scope: {} of the completions API of before chat",
        of("completions")
    ));
}

fn decode(case: &Case, ask: &Ask, deviations: &mut Deviations) -> Vec<Difference> {
    match ask.api {
        Api::Chat | Api::Responses => completion(case, ask, deviations),
        Api::Embeddings => embeddings(case, ask),
        Api::Models => models(case, ask),
    }
}

fn completion(case: &Case, ask: &Ask, deviations: &mut Deviations) -> Vec<Difference> {
    let found = collect(ask, &case.answer);
    match (&case.expected, found) {
        (Some(Expected::Answer(expected)), found) if is_error_under_200(case, expected) => {
            deviations.error_under_200 += 1;
            expect_kind(found, ErrorKind::ContentFilter)
        }
        (Some(Expected::Answer(expected)), Ok(found)) if ask.api == Api::Responses => {
            compare_response(&found, expected, &case.answer)
        }
        (Some(Expected::Answer(expected)), Ok(found)) => {
            deviations.list_as_text += usize::from(expected.text.is_array());
            let mut expected = expected.clone();
            if let Some(call) = legacy_call(&case.answer) {
                deviations.function_call += 1;
                return compare_legacy(&found, &expected, &call);
            }
            // Choice 0 is read; what the SDK gave is that of choice 0, its usage is that of all.
            expected.choices = None;
            compare(&found, &expected, canonical)
        }
        (Some(Expected::Answer(_)), Err(error)) => {
            vec![Difference::new(
                "result",
                "an answer",
                error.report().to_string(),
            )]
        }
        (Some(Expected::Error(expected)), Err(error)) => {
            let mut differences = compare_error(&error, expected);
            differences.retain(|difference| {
                let masked = is_masked(difference);
                deviations.masked_key += usize::from(masked);
                !masked
            });
            differences
        }
        (Some(Expected::Error(expected)), Ok(found)) => {
            vec![Difference::new(
                "result",
                expected.message.as_str(),
                found.text(),
            )]
        }
        (None, _) => vec![Difference::new(
            "oracle",
            "one for every completion",
            "none",
        )],
        (Some(_), _) => vec![Difference::new(
            "oracle",
            "an answer or an error",
            "neither",
        )],
    }
}

fn is_error_under_200(case: &Case, expected: &ExpectedAnswer) -> bool {
    let error = case
        .answer
        .json()
        .and_then(|body| body.get("error").cloned());
    case.answer.status == 200 && expected.choices == Some(0) && error.is_some()
}

/// Whether two messages differ in nothing but a key, which one of them shows.
fn is_masked(difference: &Difference) -> bool {
    let (expected, found) = (&difference.expected, &difference.found);
    let Some((before, after)) = found.split_once("sk-***") else {
        return false;
    };
    expected.starts_with(&format!("{before}sk-")) && expected.ends_with(after)
}

fn expect_kind(found: Result<Completion, Error>, kind: ErrorKind) -> Vec<Difference> {
    match found {
        Err(error) if error.kind() == kind => Vec::new(),
        Err(error) => vec![Difference::new(
            "kind",
            kind.as_str(),
            error.kind().as_str(),
        )],
        Ok(found) => vec![Difference::new("result", kind.as_str(), found.text())],
    }
}

/// The name and the arguments of a `function_call`, which came before tool calls.
fn legacy_call(answer: &Answer) -> Option<(String, String)> {
    let body = answer.json()?;
    let call = body.pointer("/choices/0/message/function_call")?;
    let field = |name| call.get(name)?.as_str().map(str::to_owned);
    Some((field("name")?, field("arguments")?))
}

fn compare_legacy(
    found: &Completion,
    expected: &ExpectedAnswer,
    call: &(String, String),
) -> Vec<Difference> {
    let calls: Vec<_> = found.tool_calls().collect();
    let found_calls: Vec<_> = calls
        .iter()
        .map(|c| (c.name().to_owned(), c.arguments().to_owned()))
        .collect();
    let mut differences = compare(found, expected, canonical);
    // The SDK knows of no tool call here, and of the word `function_call`.
    differences.retain(|difference| difference.field != "tool calls");
    if found_calls != [call.clone()] {
        let (call, found) = (format!("{call:?}"), format!("{found_calls:?}"));
        differences.push(Difference::new("function call", call, found));
    }
    differences
}

/// The canonical name of a reason, written down a second time, independent of the client's table.
fn canonical(word: &str, called: bool) -> String {
    let reason = match word {
        "eos" => "stop",
        "function_call" => "tool_calls",
        word => word,
    };
    if reason == "stop" && called {
        "tool_calls"
    } else {
        reason
    }
    .to_owned()
}

/// The SDK gives the status of a response and no reasoning: both are read plainly from the wire.
fn compare_response(
    found: &Completion,
    expected: &ExpectedAnswer,
    answer: &Answer,
) -> Vec<Difference> {
    let response = response(answer);
    let mut expected = expected.clone();
    expected.reasoning = reasoning(&response);
    compare(found, &expected, |status, called| {
        let reason = response.pointer("/incomplete_details/reason");
        match (status, reason.and_then(Value::as_str)) {
            ("completed", _) if called => "tool_calls",
            ("completed", _) => "stop",
            ("incomplete", Some("max_output_tokens")) => "length",
            ("incomplete", Some(reason)) => reason,
            (status, _) => status,
        }
        .to_owned()
    })
}

/// The response object: the body, or what the last event of a stream carries.
fn response(answer: &Answer) -> Value {
    if let Some(body) = answer.json() {
        return body;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let last = events.rfind(|event| event.get("response").is_some());
    last.map(|event| event["response"].clone())
        .unwrap_or_default()
}

/// Of each item the text itself, else its summary, its parts as paragraphs.
fn reasoning(response: &Value) -> String {
    let items = response["output"].as_array().into_iter().flatten();
    let items = items.filter(|item| item["type"] == "reasoning");
    let texts = |parts: &Value| {
        let parts = parts.as_array().into_iter().flatten();
        let texts: Vec<_> = parts.filter_map(|part| part["text"].as_str()).collect();
        texts.join("\n\n")
    };
    items
        .map(|item| match texts(&item["content"]) {
            content if content.is_empty() => texts(&item["summary"]),
            content => content,
        })
        .collect()
}

fn embeddings(case: &Case, ask: &Ask) -> Vec<Difference> {
    let body = case.answer.json().unwrap_or_default();
    match see_whole(ask, &case.answer) {
        Seen::Vectors(vectors, usage) => {
            let expected = body["data"].as_array().map_or(0, Vec::len);
            let mut differences = Vec::new();
            if vectors.len() != expected {
                let found = vectors.len().to_string();
                differences.push(Difference::new("vectors", expected.to_string(), found));
            }
            for (vector, item) in vectors
                .iter()
                .zip(body["data"].as_array().into_iter().flatten())
            {
                differences.extend(vector_differs(vector, &item["embedding"], ask));
            }
            let input = body.pointer("/usage/prompt_tokens").and_then(Value::as_u64);
            let found = usage.and_then(|usage| usage.input());
            if found != input {
                differences.push(Difference::new(
                    "input",
                    format!("{input:?}"),
                    format!("{found:?}"),
                ));
            }
            differences
        }
        seen => failed_as(case, &seen),
    }
}

/// Lengths, and the first number where it can be read.
fn vector_differs(found: &[f32], wire: &Value, ask: &Ask) -> Option<Difference> {
    let (length, first) = match wire {
        Value::Array(numbers) => (numbers.len(), numbers.first().and_then(Value::as_f64)),
        Value::String(base64) => {
            let padding = base64
                .bytes()
                .rev()
                .take_while(|byte| *byte == b'=')
                .count();
            let bytes = base64.len() / 4 * 3 - padding;
            // Perplexity sends one signed byte for each number, the others four bytes.
            let width = if ask.flavor.name() == "perplexity" {
                1
            } else {
                4
            };
            (bytes / width, None)
        }
        _ => (0, None),
    };
    if found.len() != length {
        let found = found.len().to_string();
        return Some(Difference::new("dimensions", length.to_string(), found));
    }
    let same = |first: f64| {
        found
            .first()
            .is_some_and(|x| (f64::from(*x) - first).abs() < 1e-6)
    };
    let wrong = first.filter(|first| !same(*first))?;
    Some(Difference::new(
        "first number",
        wrong.to_string(),
        format!("{:?}", found.first()),
    ))
}

fn models(case: &Case, ask: &Ask) -> Vec<Difference> {
    let body = case.answer.json().unwrap_or_default();
    match see_whole(ask, &case.answer) {
        Seen::Models(models) => {
            // Mistral answers for one model with the list of it, or with the bare object.
            let listed = body["data"].as_array().cloned().unwrap_or_default();
            let ids: Vec<_> = listed
                .iter()
                .filter_map(|model| model["id"].as_str())
                .collect();
            let found: Vec<_> = models.iter().map(|model| model.id()).collect();
            if ids == found && !ids.is_empty() {
                return Vec::new();
            }
            vec![Difference::new("models", ids.join(" "), found.join(" "))]
        }
        seen => failed_as(case, &seen),
    }
}

/// An error status has to be an error with that status.
fn failed_as(case: &Case, seen: &Seen) -> Vec<Difference> {
    let status = case.answer.status;
    let found = seen.failure().map(|failure| (failure.status, failure));
    match found {
        Some((found, _)) if found == Some(status) && status >= 400 => Vec::new(),
        _ => vec![Difference::new(
            "status",
            status.to_string(),
            format!("{seen:?}"),
        )],
    }
}

#[test]
fn corpus_decodes_the_same_however_it_is_split() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let mut suite = Suite::new("openai dialect, split at every byte", &corpus, cases.len());
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
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let streams: Vec<_> = cases
        .into_iter()
        .filter(|(case, _)| case.is_event_stream())
        .collect();
    let mut suite = Suite::new("openai dialect, framings", &corpus, streams.len());
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
