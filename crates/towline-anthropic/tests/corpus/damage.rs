//! Level 3: damaged streams are errors that keep what arrived, and never successes.

use crate::select::{Ask, message_cases, see_whole};
use bytes::Bytes;
use towline_core::{ErrorKind, Event};
use towline_testkit::corpus::{
    Case, Corpus, Difference, Suite,
    reframe::boundaries,
    watch::{Failure, Seen, cuts, for_each},
};

/// Errors as servers of the dialect, and gateways before them, send them inside a stream.
const ERRORS: &[(&str, &str, ErrorKind)] = &[
    (
        "anthropic",
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
        ErrorKind::Overloaded,
    ),
    (
        "anthropic, without the name",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"},\"request_id\":\"r\"}\n\n",
        ErrorKind::Server,
    ),
    (
        "a gateway, in its other dialect",
        "data: {\"error\":{\"code\":429,\"type\":\"rate_limit_error\",\"message\":\"m\"}}\n\n",
        ErrorKind::RateLimit,
    ),
    (
        "a gateway, a string",
        "event: error\ndata: upstream died\n\n",
        ErrorKind::Server,
    ),
];

/// The streams that end well, whole.
fn good_streams() -> Option<(Corpus, Vec<(Case, Ask)>)> {
    let (corpus, mut cases) = message_cases()?;
    cases.retain(|(case, ask)| {
        let good = || see_whole(ask, &case.answer).failure().is_none();
        case.is_event_stream() && good()
    });
    Some((corpus, cases))
}

/// Runs `check` for every good stream. It tells how often it looked, and what it found.
fn check_streams(name: &str, check: impl Fn(&Case, &Ask) -> (usize, Option<Difference>) + Sync) {
    let Some((corpus, streams)) = good_streams() else {
        return;
    };
    let mut suite = Suite::new(format!("anthropic dialect, {name}"), &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| check(case, ask));
    let looks: usize = found.iter().map(|(looks, _)| looks).sum();
    for ((case, _), (_, difference)) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.note(format!("{looks} damaged streams"));
    suite.finish();
}

#[test]
fn corpus_streams_that_are_cut_are_truncated_and_keep_what_arrived() {
    check_streams("cut", |case, ask| {
        let places = cuts(&case.answer.body);
        let bad = places.iter().find_map(|at| cut(case, ask, *at));
        (places.len(), bad)
    });
}

fn cut(case: &Case, ask: &Ask, at: usize) -> Option<Difference> {
    let answer = case.answer.with_body(case.answer.body.slice(..at));
    let seen = see_whole(ask, &answer);
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

/// The places between events, the beginning among them. Behind the last event nothing counts.
fn between(body: &[u8]) -> Vec<usize> {
    let mut places = boundaries(body);
    places.pop();
    places.insert(0, 0);
    places
}

fn spliced(case: &Case, at: usize, more: &[u8]) -> Bytes {
    let body = &case.answer.body;
    [&body[..at], more, &body[at..]].concat().into()
}

#[test]
fn corpus_streams_with_an_error_inside_fail_at_every_boundary() {
    check_streams("errors inside", |case, ask| {
        let places = between(&case.answer.body);
        let all = places
            .iter()
            .flat_map(|at| ERRORS.iter().map(move |error| (*at, error)));
        let bad = all
            .clone()
            .find_map(|(at, error)| inject(case, ask, at, error));
        (all.count(), bad)
    });
}

fn inject(
    case: &Case,
    ask: &Ask,
    at: usize,
    (whose, error, kind): &(&str, &str, ErrorKind),
) -> Option<Difference> {
    let damaged = spliced(case, at, error.as_bytes());
    let seen = see_whole(ask, &case.answer.with_body(damaged));
    let place = format!("{kind} from the error of {whose} at byte {at}");
    let good = |failure: &Failure| failure.kind == *kind && failure.partial_text() == seen.text();
    let good = matches!(&seen, Seen::Stream(_, Some(failure)) if good(failure));
    (!good).then(|| Difference::new("error inside", place, format!("{seen:?}")))
}

/// The beginning of another answer, in the middle of one: they are never merged.
#[test]
fn corpus_streams_with_a_second_start_fail_at_every_boundary() {
    const START: &[u8] = b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"other\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1}}}\n\n";
    check_streams("a second start", |case, ask| {
        let places = between(&case.answer.body);
        let bad = places.iter().find_map(|at| {
            let seen = see_whole(ask, &case.answer.with_body(spliced(case, *at, START)));
            let kind = seen.failure().map(|failure| failure.kind);
            let place = format!("protocol with a second start at byte {at}");
            (kind != Some(ErrorKind::Protocol))
                .then(|| Difference::new("second start", place, format!("{seen:?}")))
        });
        (places.len(), bad)
    });
}

/// A stream in which one event comes twice fails, or gives the same but for a piece of text: nobody
/// can tell two equal pieces from one that came twice. Usage does not add up.
#[test]
fn corpus_streams_with_an_event_twice_do_not_count_double() {
    check_streams("an event twice", |case, ask| {
        let expected = usage(&see_whole(ask, &case.answer));
        let mut start = 0;
        let ends = boundaries(&case.answer.body);
        let bad = ends.iter().find_map(|end| {
            let event = case.answer.body.slice(start..*end);
            start = *end;
            let seen = see_whole(ask, &case.answer.with_body(spliced(case, *end, &event)));
            let place = format!("{expected:?} with the event before byte {end} twice");
            (seen.failure().is_none() && usage(&seen) != expected)
                .then(|| Difference::new("usage", place, format!("{seen:?}")))
        });
        (ends.len(), bad)
    });
}

/// The last word on usage.
fn usage(seen: &Seen) -> Option<towline_core::Usage> {
    let Seen::Stream(events, _) = seen else {
        return None;
    };
    let usages = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some(usage.clone()),
        _ => None,
    });
    usages.last()
}

/// Without any one of its events a stream fails, or gives no more than it did: never a success with
/// something that was not said.
#[test]
fn corpus_streams_that_lost_their_first_or_last_event_fail() {
    check_streams("an event lost", |case, ask| {
        let ends = boundaries(&case.answer.body);
        let body = &case.answer.body;
        let first = ends.first().copied().unwrap_or(0);
        let last = ends.iter().rev().nth(1).copied().unwrap_or(0);
        for (what, kind, body) in [
            ("first", ErrorKind::Protocol, body.slice(first..)),
            ("last", ErrorKind::Truncated, body.slice(..last)),
        ] {
            let seen = see_whole(ask, &case.answer.with_body(body));
            if seen.failure().map(|failure| failure.kind) != Some(kind) {
                let place = format!("{kind} without the {what} event");
                return (2, Some(Difference::new("lost", place, format!("{seen:?}"))));
            }
        }
        (2, None)
    });
}
