//! Level 4: failures are of the kind, and carry the wait, that the provider means.

use crate::select::{Ask, message_cases, see_whole};
use std::time::Duration;
use towline_core::ErrorKind::{
    self, Auth, InvalidRequest, NotFound, Overloaded, RateLimit, TooLarge,
};
use towline_core::error::Repeat;
use towline_testkit::corpus::{Corpus, Difference, Documented, Suite, watch::Failure};

/// The documented failures by name.
fn documented(id: &str) -> (ErrorKind, Option<Duration>) {
    match id {
        // Without a date there is nothing to measure its reset against.
        "anthropic-429" => (RateLimit, None),
        "anthropic-413-cloudflare" => (TooLarge, None),
        "anthropic-529" | "anthropic-midstream-overloaded" => (Overloaded, None),
        _ => panic!("documented case {id} has no expectation here"),
    }
}

#[test]
fn corpus_documented_failures_are_of_the_kind_the_provider_means() {
    let Some(corpus) = Corpus::open() else { return };
    let mut cases = corpus.documented().unwrap();
    cases.retain(|case| case.provider == "anthropic");
    let mut suite = Suite::new(
        "anthropic dialect, documented failures",
        &corpus,
        cases.len(),
    );
    for case in &cases {
        suite.handled(&case.id, true, check_documented(case));
    }
    suite.finish();
    assert_eq!(cases.len(), 4, "documented cases");
}

fn check_documented(case: &Documented) -> Option<Difference> {
    let (kind, wait) = documented(&case.id);
    let seen = see_whole(&Ask::messages(case.is_event_stream()), &case.answer);
    let good = |failure: &Failure| {
        failure.kind == kind
            && failure.retry_after == wait
            && failure.retryable == (kind.repeat() != Repeat::Never)
    };
    let good = seen.failure().is_some_and(good);
    (!good).then(|| Difference::new("failure", format!("{kind}, {wait:?}"), format!("{seen:?}")))
}

/// The same failure with a date: the wait is until the limit of which nothing remains is full.
#[test]
fn corpus_a_documented_limit_is_measured_against_the_date() {
    let Some(corpus) = Corpus::open() else { return };
    let cases = corpus.documented().unwrap();
    let mut case = cases
        .into_iter()
        .find(|case| case.id == "anthropic-429")
        .unwrap();
    let date = "Tue, 26 Mar 2024 19:59:18 GMT";
    case.answer.headers.insert("date", date.parse().unwrap());
    let seen = see_whole(&Ask::messages(false), &case.answer);
    let wait = seen.failure().unwrap().retry_after;
    assert_eq!(wait, Some(Duration::from_secs(42)));
}

#[test]
fn corpus_recorded_failures_are_of_the_kind_the_provider_means() {
    let Some((corpus, mut cases)) = message_cases() else {
        return;
    };
    cases.retain(|(case, _)| case.answer.status >= 400);
    let mut suite = Suite::new("anthropic dialect, recorded failures", &corpus, cases.len());
    for (case, ask) in &cases {
        let kind = match case.answer.status {
            400 => InvalidRequest,
            401 => Auth,
            404 => NotFound,
            status => panic!("{}: status {status} has no expectation here", case.id),
        };
        let seen = see_whole(ask, &case.answer);
        let told = |failure: &Failure| {
            let id = case.answer.headers.contains_key("request-id");
            failure.kind == kind && !failure.retryable && (failure.request_id.is_some() || !id)
        };
        let good = seen.failure().is_some_and(told);
        let differ =
            (!good).then(|| Difference::new("failure", kind.as_str(), format!("{seen:?}")));
        suite.handled(&case.id, case.expected.is_some(), differ);
    }
    suite.finish();
}

/// `retry-after` comes with good answers too, and means nothing there.
#[test]
fn corpus_a_wait_on_a_good_answer_is_not_heard() {
    let Some((_, mut cases)) = message_cases() else {
        return;
    };
    cases.retain(|(case, _)| {
        case.answer.status == 200 && case.answer.headers.contains_key("retry-after")
    });
    assert_eq!(cases.len(), 4, "good answers with `retry-after`");
    for (case, ask) in &cases {
        assert!(
            see_whole(ask, &case.answer).failure().is_none(),
            "{}",
            case.id
        );
    }
}
