use std::{error::Error as _, fmt::Write as _, io, time::Duration};
use towline_core::error::Repeat;
use towline_core::{Clock, Completion, Error, ErrorKind, FinishReason, Journey, Part, Step, Text};

/// The table of what may be tried again. A change here changes what every layer does: it is made
/// by hand, with a line in the changelog.
#[test]
fn the_table_of_kinds_is_the_golden_one() {
    let mut table = String::new();
    for kind in ErrorKind::ALL {
        let (repeat, elsewhere) = (kind.repeat(), kind.elsewhere());
        writeln!(
            table,
            "{kind}: again {repeat:?}, elsewhere {elsewhere:?}, \"{}\"",
            kind.summary()
        )
        .unwrap();
    }
    assert_eq!(table, include_str!("../golden/error_kinds.txt"));
}

#[test]
fn an_error_that_says_nothing_else_is_retryable_where_its_kind_may_be_asked_again() {
    for kind in ErrorKind::ALL {
        let again = matches!(kind.repeat(), Repeat::Once | Repeat::Later);
        assert_eq!(Error::new(kind).is_retryable(), again, "{kind}");
    }
}

#[test]
fn an_error_hands_over_every_fact_that_was_put_into_it_and_has_no_other() {
    let bare = Error::new(ErrorKind::Timeout);
    assert_eq!(
        (bare.model(), bare.deployment(), bare.code()),
        (None, None, None)
    );
    assert_eq!((bare.refused_by(), bare.clock()), (None, None));
    assert!(!bare.has_sibling());
    assert!(bare.journey().is_none());

    let journey = Journey::new();
    let error = bare
        .with_model("a-model")
        .with_deployment("east")
        .with_code("deadline_exceeded")
        .with_refused_by("timeout")
        .with_sibling(true)
        .with_clock(Clock::Idle)
        .with_journey(journey.clone());
    assert_eq!(error.model(), Some("a-model"));
    assert_eq!(error.deployment().map(Text::as_str), Some("east"));
    assert_eq!(error.code(), Some("deadline_exceeded"));
    assert_eq!(error.refused_by(), Some("timeout"));
    assert!(error.has_sibling() && error.duplicate().has_sibling());
    assert_eq!(error.clock(), Some(Clock::Idle));
    let step = Step::waited("limit", "requests", Duration::from_secs(1));
    journey.push(step.clone());
    assert_eq!(error.journey().map(Journey::steps), Some(vec![step]));
}

#[test]
fn an_error_names_the_layer_that_refused_the_call() {
    let error = Error::new(ErrorKind::RateLimit).with_refused_by("limit");
    assert_eq!(error.to_string(), "rate limited in layer `limit`");
    let error = error
        .with_provider("openai")
        .with_message("its turn is in 2 s");
    assert_eq!(
        error.to_string(),
        "openai: rate limited in layer `limit`: its turn is in 2 s"
    );
}

/// The names stand in metrics and JSON: a change here breaks somebody's dashboard.
#[test]
fn the_names_of_the_clocks_are_stable() {
    let names = [
        (Clock::Connect, "connect"),
        (Clock::FirstToken, "first_token"),
        (Clock::Idle, "idle"),
        (Clock::Progress, "progress"),
        (Clock::Attempt, "attempt"),
        (Clock::Target, "target"),
        (Clock::Total, "total"),
    ];
    for (clock, name) in names {
        assert_eq!((clock.as_str(), clock.to_string().as_str()), (name, name));
    }
}

#[test]
fn debug_has_the_facts_that_the_message_leaves_out() {
    let error = Error::new(ErrorKind::Timeout)
        .with_model("a-model")
        .with_code("deadline_exceeded")
        .with_clock(Clock::Total)
        .with_refused_by("timeout");
    let text = format!("{error:?}");
    let facts = [
        "kind: Timeout",
        "model: Some(\"a-model\")",
        "code: Some(\"deadline_exceeded\")",
        "retryable: true",
        "refused_by: Some(\"timeout\")",
        "clock: Some(Total)",
    ];
    for fact in facts {
        assert!(text.contains(fact), "{fact} in {text}");
    }
}

#[test]
fn a_wait_is_told_in_milliseconds_below_ten_seconds_and_in_seconds_from_there() {
    let told = |milliseconds| {
        let wait = Duration::from_millis(milliseconds);
        Error::new(ErrorKind::RateLimit)
            .with_retry_after(wait)
            .to_string()
    };
    assert_eq!(told(644), "rate limited (retry after 644 ms)");
    assert_eq!(told(9_999), "rate limited (retry after 9999 ms)");
    assert_eq!(told(10_000), "rate limited (retry after 10 s)");
}

#[test]
fn a_message_prints_its_own_level_and_a_report_the_chain() {
    let cause = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
    let error = Error::new(ErrorKind::Transport)
        .with_provider("main")
        .with_message("could not connect to 127.0.0.1:9")
        .with_source(cause);
    let own = "main: connection failed: could not connect to 127.0.0.1:9";
    assert_eq!(error.to_string(), own);
    assert_eq!(
        error.report().to_string(),
        format!("{own}: connection refused")
    );
    assert!(error.source().is_some());
}

#[test]
fn facts_stand_behind_the_message() {
    let error = Error::new(ErrorKind::Overloaded)
        .with_status(529)
        .with_request_id("req_1")
        .with_retry_after(Duration::from_secs(90));
    assert_eq!(
        error.to_string(),
        "overloaded (status 529, retry after 90 s, request req_1)"
    );
}

#[test]
fn the_word_of_the_provider_outranks_the_table_but_not_what_was_delivered() {
    assert!(
        !Error::new(ErrorKind::RateLimit)
            .with_retryable(false)
            .is_retryable()
    );
    assert!(
        Error::new(ErrorKind::InvalidRequest)
            .with_retryable(true)
            .is_retryable()
    );
    let half = Completion::new(vec![Part::from("half")], FinishReason::Stop);
    let error = Error::new(ErrorKind::Overloaded)
        .with_retryable(true)
        .with_partial(half);
    assert!(!error.is_retryable());
}

#[test]
fn what_was_delivered_stays_out_of_messages_and_debug() {
    let half = Completion::new(vec![Part::from("private words")], FinishReason::Stop);
    let error = Error::new(ErrorKind::Truncated).with_partial(half);
    assert!(!format!("{error} {error:?} {}", error.report()).contains("private"));
}

#[test]
fn a_duplicate_says_the_same_but_for_what_differs_between_callers() {
    let partial = Completion::new(vec![Part::from("half")], FinishReason::Stop);
    let error = Error::new(ErrorKind::Server)
        .with_message("it failed")
        .with_provider("main")
        .with_status(500)
        .with_retry_after(Duration::from_secs(2))
        .with_retryable(true)
        .with_others(vec![Error::new(ErrorKind::Auth).with_message("no key")])
        .with_source(io::Error::other("a cause"))
        .with_partial(partial);
    let copy = error.duplicate();
    assert_eq!(copy.report().to_string(), error.report().to_string());
    assert_eq!(copy.others()[0].to_string(), error.others()[0].to_string());
    assert!(copy.partial().is_none() && copy.is_retryable());
    assert!(
        !error.is_retryable(),
        "what was delivered stays with its caller"
    );
}
