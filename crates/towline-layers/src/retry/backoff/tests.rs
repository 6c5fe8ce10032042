use super::{Backoff, Jitter, Pauses};
use crate::seed::{Rng, Seeds};
use proptest::prelude::{Just, prop_assert, prop_oneof, proptest};
use std::{collections::HashSet, time::Duration};
use towline_core::Context;

const CALLS: u32 = 10_000;
const BINS: u32 = 100;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

/// Chi-squared of `counts` against an even spread. With 99 degrees of freedom it exceeds 160 once in
/// ten thousand times; what is drawn here starts at a fixed seed.
fn chi_squared(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / f64::from(u32::try_from(counts.len()).unwrap());
    counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum()
}

fn bin(value: Duration, floor: Duration, width: Duration) -> usize {
    let share = (value - floor).as_nanos() * u128::from(BINS) / width.as_nanos();
    usize::try_from(share.min(u128::from(BINS) - 1)).unwrap()
}

/// The first `n` pauses of calls that follow each other.
fn calls(backoff: Backoff, n: u32) -> Vec<Vec<Duration>> {
    let seeds = Seeds::starting_at(7);
    let call = |_| {
        let mut pauses = Pauses::new(seeds.rng(&Context::new()));
        (0..n).map(|retry| pauses.draw(&backoff, retry)).collect()
    };
    (0..CALLS).map(call).collect()
}

#[test]
fn rt5_full_jitter_is_even_over_its_whole_range() {
    let calls = calls(Backoff::default(), 3);
    for (retry, ceiling) in [(0, 500), (1, 1_000), (2, 2_000)] {
        let width = Duration::from_millis(ceiling);
        let mut counts = [0_u32; 100];
        for call in &calls {
            assert!(call[retry] <= width);
            counts[bin(call[retry], Duration::ZERO, width)] += 1;
        }
        assert!(chi_squared(&counts) < 160.0, "{counts:?}");
        assert!(counts.iter().all(|count| *count > 0), "full support");
    }
}

#[test]
fn rt5_decorrelated_jitter_is_even_over_its_whole_range() {
    let backoff = Backoff::default().with_jitter(Jitter::Decorrelated);
    let floor = Duration::from_millis(500);
    let mut counts = [0_u32; 100];
    for call in calls(backoff, 2) {
        assert!(call[0] >= floor && call[0] <= floor * 3);
        assert!(call[1] >= floor && call[1] <= call[0] * 3);
        counts[bin(call[0], floor, floor * 2)] += 1;
    }
    assert!(chi_squared(&counts) < 160.0, "{counts:?}");
}

/// Pauses of neighbours: a call's first and the next call's first, and a call's first and second.
#[test]
fn rt5_pauses_of_different_calls_are_independent() {
    let calls = calls(Backoff::default(), 2);
    let tenth = |value: Duration, ceiling: u64| {
        usize::try_from((millis(value) * 10 / ceiling).min(9)).unwrap()
    };
    let (mut neighbours, mut own) = ([0_u32; 100], [0_u32; 100]);
    for pair in calls.windows(2) {
        let first = tenth(pair[0][0], 500);
        neighbours[first * 10 + tenth(pair[1][0], 500)] += 1;
        own[first * 10 + tenth(pair[0][1], 1_000)] += 1;
    }
    assert!(chi_squared(&neighbours) < 160.0, "{neighbours:?}");
    assert!(chi_squared(&own) < 160.0, "{own:?}");
}

/// Regression of a maker that cloned its generator: a thousand calls, one sequence.
#[test]
fn t1_a_thousand_calls_have_a_thousand_sequences() {
    let distinct: HashSet<_> = calls(Backoff::default(), 2).into_iter().collect();
    assert_eq!(distinct.len(), usize::try_from(CALLS).unwrap());
}

/// Regression of a jitter in whole seconds: with a base of 1 s the first pause was always 1 s.
#[test]
fn t2_a_base_of_a_second_is_jittered_below_the_second() {
    let backoff = Backoff::default().with_base(Duration::from_secs(1));
    let firsts: HashSet<_> = calls(backoff, 1).into_iter().map(|call| call[0]).collect();
    assert!(firsts.len() > 9_990, "{}", firsts.len());
}

#[test]
fn both_ends_of_the_range_are_drawn() {
    let backoff = Backoff::default().with_base(Duration::from_nanos(3));
    let mut pauses = Pauses::new(Rng::new(1));
    let drawn: HashSet<_> = (0..200).map(|_| pauses.draw(&backoff, 0)).collect();
    assert_eq!(drawn.len(), 4, "0, 1, 2 and 3 ns");
}

proptest! {
    #[test]
    fn rt5_no_pause_is_outside_its_range(
        base in 0_u64..u64::MAX,
        max in 0_u64..u64::MAX,
        retries in proptest::collection::vec(0_u32..u32::MAX, 1..10),
        jitter in prop_oneof![Just(Jitter::Full), Just(Jitter::Decorrelated)],
        seed in 0_u64..u64::MAX,
    ) {
        let (base, max) = (Duration::from_millis(base), Duration::from_millis(max));
        let backoff = Backoff::default().with_base(base).with_max(max).with_jitter(jitter);
        let mut pauses = Pauses::new(Rng::new(seed));
        for retry in retries {
            let pause = pauses.draw(&backoff, retry);
            prop_assert!(pause <= max);
            prop_assert!(jitter == Jitter::Full || pause >= base.min(max));
        }
    }
}
