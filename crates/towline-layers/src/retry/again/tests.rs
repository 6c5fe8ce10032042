use super::{Class, TICK, hint, pause};
use crate::retry::policy::RetryPolicy;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use std::{fmt::Write as _, time::Duration};
use tokio::time::Instant;
use towline_core::{Clock, Completion, Error, ErrorKind, FinishReason, Part};

const GOLDEN: &str = include_str!("../../../tests/golden/retry_classes.txt");

fn flagged(kind: ErrorKind, flag: &str) -> Error {
    let error = Error::new(kind);
    let partial = |parts| Completion::new(parts, FinishReason::Stop);
    match flag {
        "retryable" => error.with_retryable(true),
        "not_retryable" => error.with_retryable(false),
        "refused" => error.with_refused_by("breaker"),
        "refused_retryable" => error.with_refused_by("limit").with_retryable(true),
        "began" => error.with_partial(partial(vec![Part::from("half")])),
        "began_retryable" => error
            .with_partial(partial(vec![Part::from("half")]))
            .with_retryable(true),
        "nothing_began" => error.with_partial(partial(vec![])),
        "attempt_clock" => error.with_clock(Clock::FirstToken),
        "total_clock" => error.with_clock(Clock::Total),
        "sibling" => error.with_sibling(true),
        "sibling_not_retryable" => error.with_sibling(true).with_retryable(false),
        "sibling_began" => error
            .with_sibling(true)
            .with_partial(partial(vec![Part::from("half")])),
        _ => error,
    }
}

const FLAGS: [&str; 13] = [
    "plain",
    "retryable",
    "not_retryable",
    "refused",
    "refused_retryable",
    "began",
    "began_retryable",
    "nothing_began",
    "attempt_clock",
    "total_clock",
    "sibling",
    "sibling_not_retryable",
    "sibling_began",
];

/// Every kind, with every flag, after no retry and after one.
fn table() -> String {
    let mut table = String::from("# kind flag: after the first attempt, after a retry\n");
    for kind in ErrorKind::ALL {
        for flag in FLAGS {
            let error = flagged(kind, flag);
            let (first, second) = (Class::of(&error, 0), Class::of(&error, 1));
            writeln!(table, "{kind} {flag}: {first:?}, {second:?}").unwrap();
        }
    }
    table
}

#[test]
fn rt4_the_classes_equal_the_golden_table() {
    let table = table();
    for (made, golden) in table.lines().zip(GOLDEN.lines()) {
        assert_eq!(made, golden);
    }
    assert_eq!(table, GOLDEN);
}

#[test]
fn rt2_a_hint_is_not_for_another_deployment() {
    let wait = Duration::from_secs(30);
    let limited = || Error::new(ErrorKind::RateLimit).with_retry_after(wait);
    assert_eq!(hint(&limited()), Some(wait));
    assert_eq!(hint(&limited().with_sibling(true)), None);
}

proptest! {
    #[test]
    fn rt2_a_pause_is_never_below_the_hint_nor_past_the_deadline(
        hint in proptest::option::of(0_u64..120_000),
        drawn in 0_u64..30_000_000,
        rest in proptest::option::of(-5_000_i64..120_000),
        min_attempt in 0_u64..5_000,
        cap in 0_u64..90_000,
    ) {
        let now = Instant::now() + Duration::from_secs(10);
        let deadline = rest.map(|rest| match u64::try_from(rest) {
            Ok(rest) => now + Duration::from_millis(rest),
            Err(_) => now - Duration::from_millis(rest.unsigned_abs()),
        });
        let min_attempt = Duration::from_millis(min_attempt);
        let policy = RetryPolicy::default()
            .with_hint_cap(Duration::from_millis(cap))
            .with_min_attempt(min_attempt);
        let hint = hint.map(Duration::from_millis);
        let drawn = Duration::from_micros(drawn);
        let made = pause(&policy, hint, drawn, now, deadline);
        let least = hint.unwrap_or_default();
        let fits = deadline.is_none_or(|deadline| now + least + min_attempt + TICK <= deadline);
        prop_assert_eq!(made.is_some(), fits && least <= policy.hint_cap());
        if let Some(made) = made {
            prop_assert!(made >= least);
            prop_assert!(made <= least + drawn);
            let in_time = deadline.is_none_or(|deadline| now + made + min_attempt + TICK <= deadline);
            prop_assert!(in_time);
        }
    }
}

/// The cap is the longest hint that is waited for, itself included.
#[test]
fn a_hint_as_long_as_the_cap_is_waited_for_and_a_longer_one_is_not() {
    let cap = Duration::from_secs(60);
    let policy = RetryPolicy::default().with_hint_cap(cap);
    let now = Instant::now();
    let wait = |hint| pause(&policy, Some(hint), Duration::ZERO, now, None);
    assert_eq!(wait(cap), Some(cap));
    assert_eq!(wait(cap + Duration::from_nanos(1)), None);
}
