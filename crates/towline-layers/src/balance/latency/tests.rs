//! The moving average.

use super::{Known, Latency, Millis};
use proptest::prelude::*;

fn seconds(latency: &Latency) -> f32 {
    latency.known().unwrap().seconds()
}

#[test]
fn the_first_answer_is_believed_and_later_ones_by_the_time_between() {
    let latency = Latency::default();
    assert_eq!(latency.known(), None);
    latency.observe(Millis(0), 0.5);
    assert!((seconds(&latency) - 0.5).abs() < 1e-6);
    latency.observe(Millis(1), 10.0);
    assert!(seconds(&latency) < 0.51, "one outlier in a burst is little");
    latency.observe(Millis(60_001), 10.0);
    assert!(
        seconds(&latency) > 9.9,
        "after a minute the old is forgotten"
    );
}

#[test]
fn a_penalty_counts_at_once_and_in_full() {
    let latency = Latency::default();
    latency.observe(Millis(0), 0.2);
    latency.penalise(Millis(1), 5.0);
    assert!((seconds(&latency) - 5.0).abs() < 1e-6);
    latency.penalise(Millis(2), 1.0);
    assert!((seconds(&latency) - 5.0).abs() < 1e-6, "never less");
}

#[test]
fn the_slower_of_two_fades_towards_the_faster_as_it_grows_old() {
    let (fast, slow) = (Latency::default(), Latency::default());
    fast.observe(Millis(0), 0.2);
    slow.penalise(Millis(0), 5.0);
    let at = |millis| Known::side_by_side(fast.known(), slow.known(), Millis(millis));
    let (a, b) = at(0);
    assert!((a - 0.2).abs() < 1e-6 && (b - 5.0).abs() < 1e-6);
    let (a, b) = at(10_000);
    assert!((a - 0.2).abs() < 1e-6 && (b - 1.966).abs() < 1e-2, "{b}");
    let (_, b) = at(100_000);
    assert!((b - 0.2).abs() < 1e-3);
    // Who is second does not matter.
    let swapped = Known::side_by_side(slow.known(), fast.known(), Millis(10_000));
    assert!((swapped.0 - 1.966).abs() < 1e-2);
}

#[test]
fn a_clock_that_another_thread_read_later_fades_nothing() {
    let (fast, slow) = (Latency::default(), Latency::default());
    fast.observe(Millis(0), 0.2);
    slow.penalise(Millis(10), 5.0);
    let (_, b) = Known::side_by_side(fast.known(), slow.known(), Millis(5));
    assert!((b - 5.0).abs() < 1e-6);
    // And the counter may wrap.
    slow.penalise(Millis(u32::MAX), 5.0);
    let (_, b) = Known::side_by_side(fast.known(), slow.known(), Millis(0));
    assert!((b - 5.0).abs() < 1e-2);
}

#[test]
fn what_is_not_known_is_as_good_as_the_other() {
    let known = Latency::default();
    known.observe(Millis(0), 0.3);
    let of = |a: Option<Known>, b| Known::side_by_side(a, b, Millis(0));
    let (a, b) = of(known.known(), None);
    assert!((a - b).abs() < f32::EPSILON);
    known.penalise(Millis(0), 5.0);
    let (a, b) = of(known.known(), None);
    assert!(b < a, "but not as bad as one that failed");
    let (a, b) = of(None, None);
    assert!((a - 1.0).abs() < f32::EPSILON && (b - 1.0).abs() < f32::EPSILON);
}

#[test]
fn a_call_that_was_given_up_counts_only_where_it_took_longer() {
    let hung = Latency::default();
    hung.at_least(Millis(0), 0.5);
    assert_eq!(hung.known(), None, "an impatient caller says nothing");
    hung.at_least(Millis(0), 9.0);
    assert!((seconds(&hung) - 9.0).abs() < 1e-6);
    let latency = Latency::default();
    latency.observe(Millis(0), 1.0);
    latency.at_least(Millis(20_000), 0.5);
    assert!((seconds(&latency) - 1.0).abs() < 1e-6);
    latency.at_least(Millis(20_000), 9.0);
    assert!(seconds(&latency) > 5.0);
}

proptest! {
    #[test]
    fn it_stays_between_the_least_and_the_most_that_was_seen(
        samples in prop::collection::vec((any::<u32>(), 0.0_f32..1_000.0), 1..50),
    ) {
        let latency = Latency::default();
        let (mut least, mut most) = (f32::MAX, 0.0_f32);
        for (at, sample) in samples {
            latency.observe(Millis(at), sample);
            least = least.min(sample);
            most = most.max(sample);
            let now = seconds(&latency);
            prop_assert!(now >= least * 0.999 && now <= most * 1.001 + f32::MIN_POSITIVE);
        }
    }
}
