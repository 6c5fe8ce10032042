//! Level 1: every answer decodes as the server's own SDK decoded it, however it arrives.

use crate::{
    select::{Api, Ask, cases, for_each},
    watch::{Seen, collect, see, see_whole},
};
use serde_json::Value;
use towline_testkit::corpus::{
    Canned, Case, Corpus, Difference, Expected, Splits, Suite, compare, compare_error,
};

#[test]
fn corpus_decodes_as_the_sdk_of_the_server_does() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let mut suite = Suite::new("ollama dialect", &corpus, cases.len());
    for (case, ask) in &cases {
        let differences = match ask.api {
            Api::Chat => chat(case, ask),
            Api::Embeddings => embeddings(case, ask).into_iter().collect(),
        };
        suite.handled(&case.id, case.expected.is_some(), differences);
    }
    note_scope(&corpus, &mut suite);
    suite.finish();
}

/// What is left out is said, not hidden.
fn note_scope(corpus: &Corpus, suite: &mut Suite) {
    let all = corpus.cases().unwrap();
    let of = |api: &str| all.iter().filter(|case| case.api == api).count();
    suite.note(format!(
        "out of scope: {} of the API of before chat",
        of("ollama_generate")
    ));
}

fn chat(case: &Case, ask: &Ask) -> Vec<Difference> {
    let found = collect(ask, &case.answer);
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

/// One vector, with the numbers of the wire.
fn embeddings(case: &Case, ask: &Ask) -> Option<Difference> {
    let body = case.answer.json().unwrap_or_default();
    let wire = body["embedding"].as_array().into_iter().flatten();
    let wire: Vec<f64> = wire.filter_map(Value::as_f64).collect();
    let seen = see_whole(ask, &case.answer);
    let good = match &seen {
        Seen::Vectors(vectors, None) => match vectors.as_slice() {
            [vector] => {
                let near = |(x, y): (&f32, &f64)| (f64::from(*x) - y).abs() < 1e-5;
                vector.len() == wire.len() && vector.iter().zip(&wire).all(near)
            }
            _ => false,
        },
        _ => false,
    };
    let found = || format!("{seen:?}").chars().take(200).collect::<String>();
    (!good).then(|| Difference::new("vector", format!("{} numbers", wire.len()), found()))
}

#[test]
fn corpus_decodes_the_same_however_it_is_split() {
    let Some((corpus, cases)) = cases() else {
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
    let whole = see_whole(ask, &case.answer);
    let mut count = 0;
    for frames in Splits::of(&case.answer.body) {
        count += 1;
        let first = frames.first().map_or(0, |frame| frame.len());
        let (pieces, seen) = (frames.len(), see(ask, &canned, frames));
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
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let streams: Vec<_> = cases
        .into_iter()
        .filter(|(case, _)| case.is_event_stream())
        .collect();
    let mut suite = Suite::new("ollama dialect, framings", &corpus, streams.len());
    for (case, ask) in &streams {
        let text = String::from_utf8_lossy(&case.answer.body).into_owned();
        let framings = [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\n \r\n\n"),
            text.replace("{\"model\"", " {  \"model\""),
            text.trim_end().to_owned(),
        ];
        let whole = see_whole(ask, &case.answer);
        let differences = framings
            .into_iter()
            .enumerate()
            .filter_map(|(index, framed)| {
                let seen = see_whole(ask, &case.answer.with_body(framed));
                let expected = || format!("framing {index}: {whole:?}");
                (seen != whole).then(|| Difference::new("framing", expected(), format!("{seen:?}")))
            });
        suite.handled(
            &case.id,
            case.expected.is_some(),
            differences.collect::<Vec<_>>(),
        );
    }
    suite.finish();
}
