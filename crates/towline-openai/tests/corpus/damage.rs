//! Level 3: damaged streams are errors that keep what arrived, and never successes.

use crate::{
    select::{Api, Ask, cases, for_each},
    watch::{Seen, see_whole},
};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeSet;
use towline_core::{ErrorKind, Event};
use towline_testkit::corpus::{Case, Difference, Suite, reframe::boundaries};

/// Who sends an error, as what, and its kind.
type Inside = (&'static str, &'static str, ErrorKind);

/// Errors as servers send them inside a stream of chat completions.
const ERRORS: &[Inside] = &[
    (
        "openai",
        "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
        ErrorKind::Server,
    ),
    (
        "openrouter, beside empty choices",
        "data: {\"id\":\"g\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"error\":{\"code\":502,\"message\":\"m\"}}\n\n",
        ErrorKind::Server,
    ),
    (
        "openrouter, beside a finish",
        "data: {\"id\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"m\"}}\n\n",
        ErrorKind::Server,
    ),
    (
        "groq",
        "event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"failed_generation\":\"\",\"status_code\":400}}\n\n",
        ErrorKind::ToolGeneration,
    ),
    ("a string", "data: {\"error\":\"m\"}\n\n", ErrorKind::Server),
];

/// Errors as servers send them inside a stream of the Responses API.
const RESPONSE_ERRORS: &[Inside] = &[
    (
        "openai, one event",
        "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\",\"param\":null,\"sequence_number\":2}\n\n",
        ErrorKind::Server,
    ),
    (
        "openai, two events",
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"service_unavailable_error\",\"code\":\"server_is_overloaded\",\"message\":\"m\"}}\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n",
        ErrorKind::Overloaded,
    ),
    (
        "azure",
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}\n\n",
        ErrorKind::RateLimit,
    ),
    (
        "a gateway, in the form of chat",
        "data: {\"error\":{\"message\":\"m\",\"code\":502}}\n\n",
        ErrorKind::Server,
    ),
];

/// The streams that end well, whole.
fn good_streams() -> Option<(towline_testkit::corpus::Corpus, Vec<(Case, Ask)>)> {
    let (corpus, mut cases) = cases()?;
    cases.retain(|(case, ask)| {
        let good = || see_whole(ask, &case.answer).failure().is_none();
        case.is_event_stream() && good()
    });
    // A response ends with its terminal event; what OpenRouter sends after it says nothing.
    for (case, _) in cases
        .iter_mut()
        .filter(|(_, ask)| ask.api == Api::Responses)
    {
        let done = b"data: [DONE]\n\n";
        let body = case.answer.body.strip_suffix(done.as_slice());
        if let Some(body) = body.map(Bytes::copy_from_slice) {
            case.answer.body = body;
        }
    }
    Some((corpus, cases))
}

#[test]
fn corpus_streams_that_are_cut_are_truncated_and_keep_what_arrived() {
    let Some((corpus, streams)) = good_streams() else {
        return;
    };
    let mut suite = Suite::new("openai dialect, cut", &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| {
        let places = places(&case.answer.body);
        let bad = places.iter().find_map(|at| cut(case, ask, *at));
        (places.len(), bad)
    });
    let cuts: usize = found.iter().map(|(cuts, _)| cuts).sum();
    for ((case, _), (_, difference)) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.note(format!("{cuts} cuts"));
    suite.finish();
}

/// At each event boundary before the end, around it, in the middle of each event, and inside each
/// character of several bytes.
fn places(body: &[u8]) -> BTreeSet<usize> {
    let mut places = BTreeSet::from([0]);
    let mut start = 0;
    for end in boundaries(body) {
        // Of CRLF the CR alone is a line end: the cut goes before it.
        let line_end = if body[..end].ends_with(b"\r\n") { 2 } else { 1 };
        places.extend([start, (start + end) / 2, end - line_end]);
        start = end;
    }
    let inside = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| (0x80..0xC0).contains(*byte));
    places.extend(inside.map(|(at, _)| at));
    places
}

fn cut(case: &Case, ask: &Ask, at: usize) -> Option<Difference> {
    let answer = case.answer.with_body(case.answer.body.slice(..at));
    let seen = see_whole(ask, &answer);
    let place = format!("truncated at byte {at}");
    let Seen::Stream(events, Some(failure)) = &seen else {
        return Some(Difference::new("cut", place, format!("{seen:?}")));
    };
    let kept = failure
        .partial
        .as_ref()
        .map(|partial| partial.text().into_owned());
    let kept = kept.unwrap_or_default();
    let content = events.iter().any(Event::is_content);
    let good = failure.kind == ErrorKind::Truncated
        && kept == seen.text()
        && failure.retryable != content
        && !events.iter().any(|event| matches!(event, Event::Finish(_)));
    (!good).then(|| Difference::new("cut", place, format!("{seen:?}")))
}

#[test]
fn corpus_streams_with_an_error_inside_fail_at_every_boundary() {
    let Some((corpus, streams)) = good_streams() else {
        return;
    };
    let mut suite = Suite::new("openai dialect, errors inside", &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| {
        let mut ends = boundaries(&case.answer.body);
        // Behind the terminal event nothing counts any more.
        ends.pop();
        ends.insert(0, 0);
        let errors = match ask.api {
            Api::Responses => RESPONSE_ERRORS,
            _ => ERRORS,
        };
        let places = ends
            .iter()
            .flat_map(|at| errors.iter().map(move |error| (*at, error)));
        let bad = places
            .clone()
            .find_map(|(at, error)| inject(case, ask, at, error));
        (places.count(), bad)
    });
    let errors: usize = found.iter().map(|(errors, _)| errors).sum();
    for ((case, _), (_, difference)) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.note(format!("{errors} errors"));
    suite.finish();
}

fn inject(case: &Case, ask: &Ask, at: usize, (whose, error, kind): &Inside) -> Option<Difference> {
    let body = &case.answer.body;
    let mut damaged = BytesMut::with_capacity(body.len() + error.len());
    damaged.extend_from_slice(&body[..at]);
    damaged.extend_from_slice(error.as_bytes());
    damaged.extend_from_slice(&body[at..]);
    let seen = see_whole(ask, &case.answer.with_body(damaged));
    let place = format!("{kind} from the error of {whose} at byte {at}");
    let Seen::Stream(_, Some(failure)) = &seen else {
        return Some(Difference::new("error inside", place, format!("{seen:?}")));
    };
    let kept = failure
        .partial
        .as_ref()
        .map(|partial| partial.text().into_owned());
    let good = failure.kind == *kind && kept.unwrap_or_default() == seen.text();
    (!good).then(|| Difference::new("error inside", place, format!("{seen:?}")))
}

/// A stream in which each event comes twice in a row still ends, and its usage does not add up.
#[test]
fn corpus_streams_with_each_event_twice_do_not_count_double() {
    let Some((corpus, streams)) = good_streams() else {
        return;
    };
    let mut suite = Suite::new("openai dialect, events twice", &corpus, streams.len());
    let found = for_each(&streams, |(case, ask)| twice(case, ask));
    for ((case, _), difference) in streams.iter().zip(found) {
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.finish();
}

fn twice(case: &Case, ask: &Ask) -> Option<Difference> {
    let usage = |seen: &Seen| match seen {
        Seen::Stream(events, None) => events.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(usage.clone()),
            _ => None,
        }),
        _ => None,
    };
    let expected = usage(&see_whole(ask, &case.answer));
    let mut start = 0;
    for end in boundaries(&case.answer.body) {
        let body: Bytes = [&case.answer.body[..end], &case.answer.body[start..]]
            .concat()
            .into();
        let seen = see_whole(ask, &case.answer.with_body(body));
        start = end;
        if seen.failure().is_none() && usage(&seen) != expected {
            let place = format!("{expected:?} with the event before byte {end} twice");
            return Some(Difference::new(
                "usage",
                place,
                format!("{:?}", usage(&seen)),
            ));
        }
    }
    None
}
