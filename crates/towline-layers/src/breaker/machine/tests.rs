//! The states against a model that keeps everything and counts anew each time.

mod model;

use self::model::{Admitted, Model};
use super::{BreakerCause, BreakerState, Change, Machine, Ticket};
use crate::{breaker::BreakerConfig, seed::Rng, verdict::Verdict};
use proptest::prelude::*;
use std::{num::NonZeroU32, time::Duration};
use tokio::time::Instant;
use towline_core::ErrorKind;

/// What happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pass {
        millis: u64,
    },
    Admit,
    Settle {
        which: usize,
        verdict: Verdict,
        hint: Option<u64>,
    },
}

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn configs() -> impl Strategy<Value = BreakerConfig> {
    let opens = (
        prop::option::of((1..5_u32).prop_map(n)),
        (0..4_u32, 1..5_u32),
        1..8_u32,
        prop::option::of((1..4_u32).prop_map(n)),
    );
    let recovers = (1..4_u32, 1..4_u32, 1..40_u64, 1..10_u64);
    (opens, recovers).prop_map(|(opens, recovers)| {
        let (failures, (failed, of), least, rate_limits) = opens;
        let (probes, successes, cooldown, times) = recovers;
        let cooldown = Duration::from_secs(cooldown);
        BreakerConfig::new()
            .with_failures(failures)
            .with_ratio(failed, n(of))
            .with_min_requests(n(least))
            .with_rate_limits(rate_limits)
            .with_window(Duration::from_secs(10))
            .with_cooldown(cooldown, cooldown * u32::try_from(times).unwrap())
            .with_max_hint(Duration::from_secs(60))
            .with_probes(n(probes))
            .with_successes(n(successes))
    })
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        4 => Just(Verdict::Success),
        5 => Just(Verdict::Failure(ErrorKind::Server)),
        1 => Just(Verdict::Failure(ErrorKind::Timeout)),
        3 => Just(Verdict::RateLimited),
        2 => Just(Verdict::Nothing),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let millis = prop_oneof![3 => 0..300_u64, 3 => 300..3_000_u64, 2 => 3_000..90_000_u64];
    let hint = prop::option::weighted(0.4, prop_oneof![1 => Just(0), 3 => 1..120_u64]);
    let step = prop_oneof![
        2 => millis.prop_map(|millis| Step::Pass { millis }),
        4 => Just(Step::Admit),
        4 => (0..12_usize, verdicts(), hint)
            .prop_map(|(which, verdict, hint)| Step::Settle { which, verdict, hint }),
    ];
    prop::collection::vec(step, 0..200)
}

/// The ways from one state to another; by hand there are more.
fn is_in_the_graph(change: Change, single: bool) -> bool {
    use BreakerState::{Closed, HalfOpen, Open};
    match (change.from, change.to) {
        (Closed, Open) => matches!(
            change.cause,
            BreakerCause::Failures { .. }
                | BreakerCause::Ratio { .. }
                | BreakerCause::RateLimits { .. }
        ),
        (Open, HalfOpen) => {
            change.cause == BreakerCause::CooledDown
                || (single && change.cause == BreakerCause::Recovering)
        }
        (HalfOpen, Open) => matches!(change.cause, BreakerCause::ProbeFailed(_)),
        (HalfOpen, Closed) => matches!(change.cause, BreakerCause::Recovered { .. }),
        _ => false,
    }
}

fn now() -> Instant {
    Instant::now()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cb1_it_is_as_a_model_that_counts_anew_each_time(config in configs(), steps in steps()) {
        let mut at = now();
        let mut machine = Machine::new(config, at);
        let mut model = Model::new(config, at);
        let mut rng = Rng::new(1);
        let mut calls: Vec<(Ticket, Admitted)> = Vec::new();
        for step in steps {
            let mut change = None;
            match step {
                Step::Pass { millis } => at += Duration::from_millis(millis),
                Step::Admit => {
                    let (admitted, changed) = machine.admit(at, &mut rng);
                    change = changed;
                    match (admitted, model.admit(at)) {
                        (Ok(ticket), Ok(expected)) => {
                            prop_assert_eq!(ticket.is_probe(), expected.is_probe());
                            calls.push((ticket, expected));
                        }
                        (Err(refusal), Err(rest)) => prop_assert_eq!(refusal.rest, rest),
                        (got, expected) => {
                            prop_assert!(false, "{:?} instead of {:?}", got, expected);
                        }
                    }
                }
                Step::Settle { which, verdict, hint } if which < calls.len() => {
                    let (ticket, admitted) = calls.remove(which);
                    let hint = hint.map(Duration::from_secs);
                    // The short way of the usual success, as the handle takes it.
                    if verdict != Verdict::Success || !machine.count_success(at, ticket) {
                        change = machine.settle(at, ticket, verdict, hint);
                    }
                    model.settle(at, admitted, verdict, hint);
                }
                Step::Settle { .. } => {}
            }
            if let Some(change) = change {
                prop_assert!(is_in_the_graph(change, false), "{:?}", change);
            }
            let numbers = machine.numbers(at);
            prop_assert_eq!(numbers.state, model.state());
            prop_assert_eq!(numbers.rest, model.rest(at));
            prop_assert_eq!(numbers.probes, model.probes());
            prop_assert!(numbers.probes <= config.probes().get());
            prop_assert_eq!((numbers.counts.good, numbers.counts.bad), model.counts(at));
        }
    }

    #[test]
    fn cb1_with_nobody_else_to_ask_it_keeps_to_the_graph_too(
        config in configs(),
        steps in steps(),
        seed in any::<u64>(),
    ) {
        let config = config.with_single(true);
        let mut at = now();
        let mut machine = Machine::new(config, at);
        let mut rng = Rng::new(seed);
        let mut calls = Vec::new();
        for step in steps {
            let mut change = None;
            match step {
                Step::Pass { millis } => at += Duration::from_millis(millis),
                Step::Admit => {
                    let (admitted, changed) = machine.admit(at, &mut rng);
                    change = changed;
                    calls.extend(admitted);
                }
                Step::Settle { which, verdict, hint } if which < calls.len() => {
                    let ticket = calls.remove(which);
                    change = machine.settle(at, ticket, verdict, hint.map(Duration::from_secs));
                }
                Step::Settle { .. } => {}
            }
            if let Some(change) = change {
                prop_assert!(is_in_the_graph(change, true), "{:?}", change);
            }
            prop_assert!(machine.numbers(at).probes <= config.probes().get());
        }
        for ticket in calls {
            machine.settle(at, ticket, Verdict::Nothing, None);
        }
        prop_assert_eq!(machine.numbers(at).probes, 0);
    }

    /// The same outcomes, all at once and spread over nine tenths of the window.
    #[test]
    fn cb5_a_burst_decides_as_the_same_load_spread_out(
        config in configs(),
        outcomes in prop::collection::vec((verdicts(), 0..9_000_u64), 1..40),
    ) {
        let decide = |spread: bool| {
            let began = now();
            let mut machine = Machine::new(config, began);
            let mut times: Vec<_> = outcomes.iter().map(|(_, millis)| *millis).collect();
            times.sort_unstable();
            for (index, ((verdict, _), millis)) in outcomes.iter().zip(times).enumerate() {
                let at = began + Duration::from_millis(if spread { millis } else { 0 });
                let ticket = Machine::plain(0);
                if let Some(change) = machine.settle(at, ticket, *verdict, None) {
                    return Some((index, change.cause));
                }
            }
            None
        };
        prop_assert_eq!(decide(false), decide(true));
    }

    #[test]
    fn cb4_whatever_hints_come_late_the_end_of_the_cooldown_only_moves_away(
        hints in prop::collection::vec((0..5_000_u64, prop::option::of(0..200_u64)), 1..40),
    ) {
        let began = now();
        let config = BreakerConfig::new().with_failures(Some(n(1)));
        let mut machine = Machine::new(config, began);
        let late = Machine::plain(0);
        machine.settle(began, late, Verdict::Failure(ErrorKind::Server), None);
        let mut at = began;
        let mut end = began;
        for (millis, hint) in hints {
            at += Duration::from_millis(millis);
            let before = machine.numbers(at);
            let hint = hint.map(Duration::from_secs);
            machine.settle(at, late, Verdict::Failure(ErrorKind::Server), hint);
            let after = machine.numbers(at);
            prop_assert_eq!(before.opened, after.opened);
            prop_assert!(after.rest >= before.rest);
            prop_assert!(after.rest >= hint.unwrap_or_default());
            let ends = at + after.rest;
            prop_assert!(ends >= end);
            end = ends;
        }
    }
}

#[test]
fn cb7_a_late_success_of_a_probe_does_not_close_a_breaker_that_opened_again() {
    let began = now();
    let cooldown = Duration::from_secs(10);
    let config = BreakerConfig::new()
        .with_failures(Some(n(1)))
        .with_probes(n(2))
        .with_successes(n(1))
        .with_cooldown(cooldown, cooldown);
    let mut machine = Machine::new(config, began);
    let mut rng = Rng::new(1);
    let failed = Verdict::Failure(ErrorKind::Server);
    machine.settle(began, Machine::plain(0), failed, None);
    let first = began + cooldown;
    let (early, _) = machine.admit(first, &mut rng);
    let (other, _) = machine.admit(first, &mut rng);
    machine.settle(first, other.unwrap(), failed, None);
    let second = first + cooldown;
    let (probe, _) = machine.admit(second, &mut rng);
    let late = machine.settle(second, early.unwrap(), Verdict::Success, None);
    assert_eq!(late, None);
    let numbers = machine.numbers(second);
    assert_eq!(numbers.state, BreakerState::HalfOpen);
    assert_eq!(numbers.probes, 1, "it does not free the slot of another");
    assert!(
        machine
            .settle(second, probe.unwrap(), Verdict::Success, None)
            .is_some()
    );
}

#[test]
fn cooldowns_never_overflow() {
    let most = Duration::MAX;
    let config = BreakerConfig::new()
        .with_cooldown(most, most)
        .with_max_hint(most)
        .with_window(most)
        .with_failures(Some(n(1)));
    let began = now();
    let mut machine = Machine::new(config, began);
    let failed = Verdict::Failure(ErrorKind::Server);
    let change = machine.settle(began, Machine::plain(0), failed, Some(most));
    assert!(change.is_some());
    let years = Duration::from_hours(24 * 365 * 99);
    assert!(machine.numbers(began).rest > years);
    let tiny = BreakerConfig::new()
        .with_window(Duration::ZERO)
        .with_cooldown(Duration::ZERO, Duration::ZERO);
    let mut machine = Machine::new(tiny, began);
    machine.settle(began, Machine::plain(0), Verdict::Success, None);
    machine.settle(
        began + most / 1_000_000_000,
        Machine::plain(0),
        failed,
        None,
    );
    assert_eq!(machine.numbers(began).state, BreakerState::Closed);
}

#[test]
fn cb4_a_cooldown_grows_where_it_opens_again_within_the_window() {
    let began = now();
    let second = Duration::from_secs(1);
    let config = BreakerConfig::new()
        .with_failures(Some(n(1)))
        .with_successes(n(1))
        .with_window(second * 30)
        .with_cooldown(second, second * 60);
    let mut machine = Machine::new(config, began);
    let mut rng = Rng::new(1);
    let failed = Verdict::Failure(ErrorKind::Server);
    let mut at = began;
    for (stayed, cooldown) in [(0, 1), (29, 2), (29, 4), (30, 1), (0, 2)] {
        at += second * stayed;
        let (ticket, _) = machine.admit(at, &mut rng);
        machine.settle(at, ticket.unwrap(), failed, None);
        assert_eq!(
            machine.numbers(at).rest,
            second * cooldown,
            "after {stayed} s"
        );
        at += second * cooldown;
        let (probe, _) = machine.admit(at, &mut rng);
        machine.settle(at, probe.unwrap(), Verdict::Success, None);
    }
}

#[test]
fn with_nobody_else_to_ask_calls_are_let_through_as_they_succeed() {
    for (succeeds, admitted_of_400) in [(true, 350..=400), (false, 1..=40)] {
        let began = now();
        let config = BreakerConfig::new().with_single(true).with_successes(n(1));
        let mut machine = Machine::new(config, began);
        let mut rng = Rng::new(1);
        machine.force_half_open();
        // One tries and takes long: all others are let in by chance.
        let (probe, _) = machine.admit(began, &mut rng);
        assert!(probe.is_ok_and(Ticket::is_probe));
        let mut admitted = 0;
        for _ in 0..400 {
            if let (Ok(ticket), _) = machine.admit(began, &mut rng) {
                admitted += 1;
                let verdict = match succeeds {
                    true => Verdict::Success,
                    false => Verdict::Failure(ErrorKind::Server),
                };
                assert_eq!(machine.settle(began, ticket, verdict, None), None);
            }
        }
        assert!(
            admitted_of_400.contains(&admitted),
            "{admitted} where {succeeds}"
        );
    }
}

#[test]
fn what_was_offered_is_counted_anew_when_it_opens_after_it_was_closed_and_goes_on_else() {
    let began = now();
    let config = BreakerConfig::new()
        .with_single(true)
        .with_failures(Some(n(1)))
        .with_cooldown(Duration::from_secs(1), Duration::from_secs(1));
    let mut machine = Machine::new(config, began);
    let mut rng = Rng::new(1);
    let failed = Verdict::Failure(ErrorKind::Server);
    let mut refused_of_hundred = |machine: &mut Machine, at| {
        let offered = (0..100).map(|_| machine.admit(at, &mut rng).0);
        offered.filter(Result::is_err).count()
    };
    machine.settle(began, Machine::plain(0), failed, None);
    assert!(refused_of_hundred(&mut machine, began) > 80);
    // The try after the cooldown fails: it stays as it was.
    let at = began + Duration::from_secs(1);
    let (probe, _) = machine.admit(at, &mut Rng::new(1));
    machine.settle(at, probe.unwrap(), failed, None);
    assert!(refused_of_hundred(&mut machine, at) > 95);
    // It was closed in between: the first is let through.
    machine.force_closed(at);
    let (plain, _) = machine.admit(at, &mut Rng::new(1));
    machine.settle(at, plain.unwrap(), failed, None);
    assert_eq!(machine.numbers(at).state, BreakerState::Open);
    assert!(machine.admit(at, &mut Rng::new(1)).0.is_ok());
}
