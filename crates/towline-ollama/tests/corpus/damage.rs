//! Level 3: damaged streams are errors that keep what arrived, and never successes.

use crate::select::{Ask, chats};
use bytes::Bytes;
use std::collections::BTreeSet;
use towline_core::{ErrorKind, Event, Usage};
use towline_testkit::corpus::{
    Case, Corpus, Difference, Suite,
    watch::{Seen, for_each},
};

/// Errors as they come inside a stream.
const ERRORS: &[(&str, ErrorKind)] = &[
    (
        "{\"error\":\"an error was encountered while running the model\"}\n",
        ErrorKind::Server,
    ),
    (
        "{\"error\":\"prompt too long; exceeded max context length\"}\n",
        ErrorKind::ContextLength,
    ),
    (
        "{\"error\":\"error parsing tool call: raw='f'\",\"done\":true}\n",
        ErrorKind::ToolGeneration,
    ),
    (
        "{\"model\":\"m\",\"error\":{\"message\":\"server busy\"}}\r\n\r\n",
        ErrorKind::Overloaded,
    ),
];

/// The streams, which all end well when they are whole.
fn good_streams() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let (corpus, mut cases) = chats()?;
    cases.retain(|(case, _)| case.is_event_stream());
    for (case, ask) in &cases {
        let failure = ask.see_whole(&case.answer).failure().cloned();
        assert!(failure.is_none(), "{}: {failure:?}", case.id);
    }
    Some((corpus, cases))
}

/// Where each line ends, behind its line feed.
fn ends(body: &[u8]) -> Vec<usize> {
    let feeds = body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    feeds.map(|(at, _)| at + 1).collect()
}

/// About `most` of the places, evenly spread, the last one among them: in a stream of a thousand
/// lines each damage means reading all of them again.
fn some<T>(places: Vec<T>, most: usize) -> Vec<T> {
    let step = places.len().div_ceil(most).max(1);
    let places = places.into_iter().rev().step_by(step);
    places.collect()
}

/// Runs a check on every stream, and says how many damages it tried.
fn run(name: &str, what: &str, check: impl Fn(&Case, &Ask) -> (usize, Option<Difference>) + Sync) {
    let Some((corpus, streams)) = good_streams() else {
        return;
    };
    let mut suite = Suite::new(name, &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| check(case, ask));
    let tried: usize = found.iter().map(|(tried, _)| tried).sum();
    for ((case, _), (_, difference)) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.note(format!("{tried} {what}"));
    suite.finish();
}

#[test]
fn corpus_streams_that_are_cut_are_truncated_and_keep_what_arrived() {
    run("ollama dialect, cut", "cuts", |case, ask| {
        let places = places(&case.answer.body);
        let places = some(places.into_iter().collect(), 600);
        let bad = places.iter().find_map(|at| cut(case, ask, *at));
        (places.len(), bad)
    });
}

/// Between lines, in the middle of each, before each line end, and inside each character of several
/// bytes. The last line is whole without its line end, so that is no cut.
fn places(body: &[u8]) -> BTreeSet<usize> {
    let mut places = BTreeSet::from([0]);
    let mut start = 0;
    for end in ends(body) {
        places.extend([start, start + 1, (start + end) / 2, end - 2, end - 1]);
        start = end;
    }
    let inside = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| (0x80..0xC0).contains(*byte));
    places.extend(inside.map(|(at, _)| at));
    places.remove(&(body.len() - 1));
    places
}

fn cut(case: &Case, ask: &Ask, at: usize) -> Option<Difference> {
    let answer = case.answer.with_body(case.answer.body.slice(..at));
    let seen = ask.see_whole(&answer);
    let place = format!("truncated at byte {at}");
    let Seen::Stream(events, Some(failure)) = &seen else {
        return Some(Difference::new("cut", place, format!("{seen:?}")));
    };
    let content = events.iter().any(Event::is_content);
    let good = failure.kind == ErrorKind::Truncated
        && failure.partial_text() == seen.text()
        && failure.retryable != content
        && !events.iter().any(|event| matches!(event, Event::Finish(_)));
    (!good).then(|| Difference::new("cut", place, format!("{seen:?}")))
}

#[test]
fn corpus_streams_with_an_error_inside_fail_at_every_line() {
    run("ollama dialect, errors inside", "errors", |case, ask| {
        let mut places = ends(&case.answer.body);
        // Behind the terminal line nothing counts any more.
        places.pop();
        places.insert(0, 0);
        let places = some(places, 100);
        let tries = places
            .iter()
            .flat_map(|at| ERRORS.iter().map(move |error| (*at, error)));
        let bad = tries
            .clone()
            .find_map(|(at, error)| inject(case, ask, at, error));
        (tries.count(), bad)
    });
}

fn inject(
    case: &Case,
    ask: &Ask,
    at: usize,
    (error, kind): &(&str, ErrorKind),
) -> Option<Difference> {
    let body = &case.answer.body;
    let damaged: Bytes = [&body[..at], error.as_bytes(), &body[at..]].concat().into();
    let seen = ask.see_whole(&case.answer.with_body(damaged));
    let place = format!("{kind} from {error:?} at byte {at}");
    let good = match &seen {
        Seen::Stream(_, Some(failure)) => {
            failure.kind == *kind && failure.partial_text() == seen.text()
        }
        _ => false,
    };
    (!good).then(|| Difference::new("error inside", place, format!("{seen:?}")))
}

/// A stream in which a line comes twice still ends, and its usage does not add up.
#[test]
fn corpus_streams_with_each_line_twice_do_not_count_double() {
    run("ollama dialect, lines twice", "lines", |case, ask| {
        let expected = usage(&ask.see_whole(&case.answer));
        let ends = ends(&case.answer.body);
        let starts = [0].into_iter().chain(ends.iter().copied());
        let lines = some(starts.zip(ends.iter().copied()).collect(), 100);
        let bad = lines.iter().find_map(|(start, end)| {
            let body = &case.answer.body;
            let body: Bytes = [&body[..*end], &body[*start..]].concat().into();
            let seen = ask.see_whole(&case.answer.with_body(body));
            let good = seen.failure().is_none() && usage(&seen) == expected;
            let place = || format!("{expected:?} with the line before byte {end} twice");
            (!good).then(|| Difference::new("usage", place(), format!("{seen:?}")))
        });
        (lines.len(), bad)
    });
}

fn usage(seen: &Seen) -> Option<Usage> {
    let Seen::Stream(events, _) = seen else {
        return None;
    };
    let usages = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some(usage.clone()),
        _ => None,
    });
    usages.last()
}
