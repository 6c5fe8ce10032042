//! What a meter learns from a provider, for how long, and where the boundaries are.

use super::{SECOND, granted, meter, of_requests, quota};
use crate::limit::{
    Dimension, Oversize, Quotas, Rules,
    meter::{Booked, Meter},
};
use std::time::Duration;
use towline_core::{RateLimit, RateLimits};

const MINUTE: u64 = 60 * SECOND;

fn per_minute(amount: u64) -> RateLimits {
    of_requests(RateLimit::new(Some(amount), None, None))
}

/// Of tokens, and of nothing else.
fn tokens_per_minute(amount: u64) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.tokens = RateLimit::new(Some(amount), None, None);
    limits
}

/// Requests and tokens a minute.
fn known(meter: &Meter) -> [Option<u64>; 2] {
    [Dimension::Requests, Dimension::Tokens]
        .map(|dimension| meter.known(dimension).map(|quota| quota.amount().get()))
}

fn hundred_a_minute() -> Meter {
    meter(quota(100, MINUTE, 100), quota(100, MINUTE, 100))
}

#[test]
fn a_lower_limit_counts_for_a_minute_after_its_last_report() {
    let mut meter = hundred_a_minute();
    meter.observe(0, &per_minute(60));
    meter.observe(30 * SECOND, &per_minute(60));
    meter.tick(61 * SECOND);
    assert_eq!(known(&meter), [Some(60), Some(100)]);
    meter.tick(91 * SECOND);
    assert_eq!(known(&meter), [Some(100), Some(100)]);
}

#[test]
fn a_limit_that_is_lower_still_replaces_the_one_that_was_learned() {
    let mut meter = hundred_a_minute();
    meter.observe(0, &per_minute(60));
    meter.observe(10 * SECOND, &per_minute(30));
    assert_eq!(known(&meter), [Some(30), Some(100)]);
}

#[test]
fn what_was_learned_of_one_thing_ends_without_the_rest() {
    let mut meter = hundred_a_minute();
    meter.observe(0, &per_minute(60));
    meter.observe(30 * SECOND, &tokens_per_minute(50));
    meter.tick(61 * SECOND);
    assert_eq!(known(&meter), [Some(100), Some(50)]);
    meter.tick(91 * SECOND);
    assert_eq!(known(&meter), [Some(100), Some(100)]);
}

#[test]
fn a_report_of_what_is_configured_is_nothing_new() {
    let mut meter = hundred_a_minute();
    meter.observe(0, &per_minute(100));
    assert!(meter.is_idle(0), "a new one would say the same");
}

#[test]
fn rl12_who_has_learned_something_is_not_idle_until_that_is_over() {
    let mut meter = hundred_a_minute();
    meter.observe(0, &per_minute(60));
    assert!(!meter.is_idle(60 * SECOND), "it is 60 of 100 full");
    assert!(meter.is_idle(84 * SECOND));
}

#[test]
fn rl12_who_knows_a_limit_that_nobody_configured_is_kept_for_a_day() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    meter.observe(0, &per_minute(60));
    let day = MINUTE + 24 * 60 * MINUTE;
    for later in [0, MINUTE, day - 1] {
        assert!(!meter.is_idle(later), "a new one would grant more");
        assert_eq!(known(&meter), [Some(60), None]);
    }
    assert!(meter.is_idle(day), "nobody asked for so long");
}

#[test]
fn a_guess_ends_where_the_provider_says_its_rate_and_not_where_it_speaks_of_tokens() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    for _ in 0..50 {
        meter.served(0);
    }
    meter.rejected(0, [1, 0, 0, 0], Some(SECOND), true);
    meter.observe(SECOND, &tokens_per_minute(1000));
    assert_eq!(known(&meter), [Some(50 * 54), Some(1000)]);
    meter.observe(SECOND, &per_minute(6000));
    assert_eq!(known(&meter), [Some(6000), Some(1000)]);
}

#[test]
fn who_has_something_left_is_not_waited_for() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    let reset = Some(Duration::from_secs(5));
    meter.observe(0, &of_requests(RateLimit::new(None, Some(5), reset)));
    assert!(granted(meter.admit(0, [1, 0, 0, 0], None, None)).is_some());
}

#[test]
fn a_rejection_says_nothing_of_what_the_call_took_nothing_of() {
    let mut meter = hundred_a_minute();
    meter.rejected(0, [1, 0, 0, 0], Some(2 * SECOND), true);
    let levels = [Dimension::Requests, Dimension::Tokens]
        .map(|dimension| meter.level(2 * SECOND, dimension));
    assert_eq!(levels, [Some(1), Some(100)]);
}

#[test]
fn a_whole_burst_is_no_more_than_the_bucket_holds() {
    let quotas = Quotas::unlimited().with(Dimension::Tokens, quota(100, SECOND, 100));
    let mut meter = Meter::new(&Rules::new(quotas).with_oversize(Oversize::Refuse));
    assert!(granted(meter.admit(0, [1, 100, 0, 0], None, None)).is_some());
}

#[test]
fn rl5_who_leaves_just_enough_for_another_to_start_in_time_does_not_delay_it() {
    let mut meter = meter(quota(10, SECOND, 10), quota(10, SECOND, 100));
    meter.tick(0);
    // Sixty of a hundred are gone then: fifty more are there after a second.
    let booked = |start| Booked {
        amounts: [0, 50, 0, 0],
        start,
    };
    assert!(!meter.delays(0, [0, 60, 0, 0], &booked(SECOND)));
    assert!(meter.delays(0, [0, 60, 0, 0], &booked(SECOND - 1)));
}
