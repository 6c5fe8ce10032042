use super::{Booked, Meter, Short, Step};
use crate::limit::{Dimension, Oversize, Quota, Quotas, Refund, Rules, ledger::Entry};
use proptest::{collection::vec, prelude::*};
use std::{num::NonZeroU64, time::Duration};
use towline_core::{RateLimit, RateLimits};

mod learns;

const SECOND: u64 = 1_000_000_000;

fn quota(amount: u64, per: u64, burst: u64) -> Quota {
    let positive = |n| NonZeroU64::new(n).unwrap();
    Quota::new(positive(amount), Duration::from_nanos(per)).with_burst(positive(burst))
}

fn meter(requests: Quota, tokens: Quota) -> Meter {
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, requests)
        .with(Dimension::Tokens, tokens);
    Meter::new(&Rules::new(quotas))
}

fn granted(step: Step) -> Option<Entry> {
    match step {
        Step::Granted(entry) => Some(entry),
        _ => None,
    }
}

fn levels(meter: &mut Meter, now: u64) -> [u64; 2] {
    [Dimension::Requests, Dimension::Tokens].map(|d| meter.level(now, d).unwrap())
}

fn of_requests(limit: RateLimit) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.requests = limit;
    limits
}

/// The largest of what was granted in any window beyond what may flow in meanwhile.
fn most_above_rate(grants: &[(u64, u64)], amount: u64, per: u64) -> u128 {
    let mut most = 0;
    for (first, (from, _)) in grants.iter().enumerate() {
        let mut sum = 0;
        for (to, cost) in &grants[first..] {
            sum += u128::from(*cost);
            let flowed = u128::from(amount) * u128::from(to - from) / u128::from(per);
            most = most.max(sum.saturating_sub(flowed));
        }
    }
    most
}

proptest! {
    #[test]
    fn rl1_no_window_is_granted_more_than_burst_and_rate(
        amount in 1_u64..2_000_000_000,
        per in 1_u64..100_000_000_000,
        burst in 1_u64..1000,
        calls in vec((0_u64..10_000_000_000, 1_u64..=1000), 1..60),
    ) {
        let tokens = quota(amount, per, burst);
        let mut meter = meter(quota(u64::MAX, 1, u64::MAX), tokens);
        let (mut now, mut grants) = (0, Vec::new());
        for (pass, cost) in calls {
            now += pass;
            let cost = cost.min(burst);
            if granted(meter.admit(now, [1, cost, 0, 0], None, None)).is_some() {
                grants.push((now, cost));
            }
        }
        prop_assert!(most_above_rate(&grants, amount, per) <= u128::from(burst));
    }

    #[test]
    fn rl2_all_dimensions_are_taken_or_none(
        calls in vec((0_u64..2 * SECOND, 1_u64..=150, any::<bool>()), 1..60),
    ) {
        let mut meter = meter(quota(1, SECOND, 3), quota(50, SECOND, 100));
        let (mut now, mut live) = (0, 0);
        for (pass, cost, end) in calls {
            now += pass;
            if end && live > 0 {
                meter.release();
                live -= 1;
            }
            let before = levels(&mut meter, now);
            let grants = granted(meter.admit(now, [1, cost, 0, 0], Some(2), None)).is_some();
            let after = levels(&mut meter, now);
            if grants {
                live += 1;
                prop_assert_eq!(after[0], before[0] - 1);
                prop_assert_eq!(after[1], before[1].saturating_sub(cost));
            } else {
                prop_assert_eq!(after, before);
            }
            prop_assert!(meter.used() <= 2);
            prop_assert_eq!(meter.used(), live);
        }
    }

    #[test]
    fn rl8_the_wait_that_is_told_is_exact(
        amount in 1_u64..2_000_000_000,
        per in 1_u64..100_000_000_000,
        burst in 1_u64..1000,
        costs in vec(1_u64..=1500, 1..40),
    ) {
        let mut meter = meter(quota(amount, per, burst), quota(amount, per, burst));
        let mut now = 7;
        for cost in costs {
            match meter.admit(now, [1, cost, 0, 0], None, None) {
                Step::Granted(_) => {}
                Step::Wait(Some(start), _) => {
                    prop_assert!(start > now);
                    let early = meter.admit(start - 1, [1, cost, 0, 0], None, None);
                    prop_assert!(granted(early).is_none(), "a tick early");
                    let in_time = meter.admit(start, [1, cost, 0, 0], None, None);
                    prop_assert!(granted(in_time).is_some(), "when told");
                    now = start;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn rl9_no_time_makes_it_panic_or_grant_more_than_a_burst_at_once(
        times in vec(any::<u64>(), 1..60),
        cost in 1_u64..=200,
        refund in prop_oneof![
            Just(Refund::Replay), Just(Refund::MinDeficit), Just(Refund::Naive)
        ],
    ) {
        let quotas = Quotas::unlimited().with(Dimension::Tokens, quota(7, SECOND, 200));
        let mut meter = Meter::new(&Rules::new(quotas).with_refund(refund));
        for now in times {
            let mut at_once = 0;
            let mut entries = Vec::new();
            while let Some(entry) = granted(meter.admit(now, [1, cost, 0, 0], None, None)) {
                entries.push(entry);
                at_once += cost;
                prop_assert!(at_once <= 200);
            }
            for entry in entries {
                meter.settle(|| now / 2, entry, [1, cost, 0, 0]);
                meter.release();
            }
            meter.rejected(now / 3, [1, cost, 0, 0], Some(1), true);
        }
    }

    #[test]
    fn rl10_headers_only_lower_the_level_and_the_limit_within_a_window(
        reports in vec(
            (
                0_u64..2 * SECOND,
                prop::option::of(0_u64..200),
                prop::option::of(0_u64..200),
                prop::option::of(0_u64..120),
            ),
            1..25,
        ),
    ) {
        let mut meter = meter(quota(100, 60 * SECOND, 100), quota(100, SECOND, 100));
        let mut now = 0;
        for (pass, limit, remaining, reset) in reports {
            now += pass;
            let before = meter.level(now, Dimension::Requests).unwrap();
            let slow = meter.start(now, [200, 0, 0, 0], [100, 0, 0, 0]).0;
            let reset = reset.map(Duration::from_secs);
            meter.observe(now, &of_requests(RateLimit::new(limit, remaining, reset)));
            let after = meter.level(now, Dimension::Requests).unwrap();
            prop_assert!(after <= before);
            let known = meter.known(Dimension::Requests).unwrap();
            prop_assert!(known.amount().get() <= 100 && known.burst().get() <= 100);
            if let Some(remaining) = remaining {
                prop_assert!(after <= remaining);
            }
            prop_assert!(meter.start(now, [200, 0, 0, 0], [100, 0, 0, 0]).0 >= slow.min(now + 1));
        }
        // After a window without a report it goes by what is configured again, and not before that
        // has flowed in.
        meter.tick(now + 61 * SECOND);
        prop_assert_eq!(meter.known(Dimension::Requests), Some(quota(100, 60 * SECOND, 100)));
        prop_assert_eq!(meter.level(now + 200 * SECOND, Dimension::Requests), Some(100));
    }

    #[test]
    fn rl12_a_bucket_that_is_idle_grants_what_a_new_one_grants(
        calls in vec((0_u64..3 * SECOND, 1_u64..=150), 1..40),
    ) {
        let new = || meter(quota(1, SECOND, 3), quota(50, SECOND, 100));
        let (mut old, mut now) = (new(), 0);
        for (pass, cost) in calls {
            now += pass;
            if let Some(entry) = granted(old.admit(now, [1, cost, 0, 0], None, None)) {
                prop_assert!(!old.is_idle(now));
                old.settle(|| now, entry, [1, cost, 0, 0]);
                old.release();
            }
            if old.is_idle(now) {
                let mut fresh = new();
                prop_assert_eq!(levels(&mut old, now), levels(&mut fresh, now));
            }
        }
        prop_assert!(old.is_idle(now + 300 * SECOND));
    }

    #[test]
    fn rl5_who_goes_before_another_does_not_delay_its_booked_start(
        large in 50_u64..=100,
        calls in vec((0_u64..2 * SECOND, 1_u64..=100, any::<bool>()), 1..60),
    ) {
        let mut meter = meter(quota(1, SECOND, 10), quota(10, SECOND, 100));
        let mut now = SECOND;
        let mut live: Vec<_> = granted(meter.admit(now, [1, 100, 0, 0], None, None)).into_iter().collect();
        let (start, _) = meter.start(now, [1, large, 0, 0], [0; 4]);
        let booked = Booked { amounts: [1, large, 0, 0], start };
        for (pass, cost, end) in calls {
            now += pass;
            if end && let Some(entry) = live.pop() {
                meter.settle(|| now, entry, [1, 0, 0, 0]);
                meter.release();
            }
            live.extend(granted(meter.admit(now, [1, cost, 0, 0], None, Some(&booked))));
            let (now_starts, _) = meter.start(now, booked.amounts, [0; 4]);
            prop_assert!(now_starts <= booked.start.max(now));
        }
    }
}

#[test]
fn rl10_a_limit_that_nobody_configured_is_learned_and_kept() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    assert!(granted(meter.admit(0, [1, 0, 0, 0], None, None)).is_some());
    let limits = of_requests(RateLimit::new(Some(60), Some(0), None));
    meter.observe(0, &limits);
    let Step::Wait(Some(start), _) = meter.admit(0, [1, 0, 0, 0], None, None) else {
        panic!("it is learned");
    };
    assert_eq!(start, SECOND);
    // A higher one within the window is not believed, one after it is.
    meter.observe(SECOND, &of_requests(RateLimit::new(Some(6000), None, None)));
    assert_eq!(
        meter.known(Dimension::Requests),
        Some(quota(60, 60 * SECOND, 60))
    );
    meter.observe(
        70 * SECOND,
        &of_requests(RateLimit::new(Some(6000), None, None)),
    );
    assert_eq!(
        meter.known(Dimension::Requests),
        Some(quota(6000, 60 * SECOND, 6000))
    );
}

#[test]
fn a_rejection_empties_the_bucket_and_the_rest_follow_at_their_pace() {
    let mut meter = meter(quota(10, SECOND, 10), quota(1000, SECOND, 1000));
    let call = [1, 100, 0, 0];
    assert!(granted(meter.admit(0, call, None, None)).is_some());
    assert_eq!(meter.rejected(0, call, Some(2 * SECOND), true), 2 * SECOND);
    let mut now = 0;
    for expected in [2000, 2100, 2200, 2300] {
        let Step::Wait(Some(start), _) = meter.admit(now, call, None, None) else {
            panic!("it waits");
        };
        assert_eq!(start, expected * SECOND / 1000);
        now = start;
        assert!(granted(meter.admit(now, call, None, None)).is_some());
    }
}

#[test]
fn a_rejection_is_never_forgotten_by_what_comes_back() {
    for refund in [Refund::Replay, Refund::MinDeficit, Refund::Naive] {
        let quotas = Quotas::unlimited().with(Dimension::Tokens, quota(100, SECOND, 100));
        let mut meter = Meter::new(&Rules::new(quotas).with_refund(refund));
        let entry = granted(meter.admit(0, [1, 100, 0, 0], None, None)).unwrap();
        meter.rejected(0, [1, 10, 0, 0], Some(5 * SECOND), true);
        meter.settle(|| 0, entry, [0, 0, 0, 0]);
        let Step::Wait(Some(start), _) = meter.admit(0, [1, 10, 0, 0], None, None) else {
            panic!("it waits");
        };
        assert_eq!(start, 5 * SECOND, "{refund:?}");
    }
}

#[test]
fn a_hint_beyond_the_longest_hold_is_cut_to_it() {
    let rules = Rules::new(Quotas::unlimited()).with_hold(Duration::from_secs(300));
    let mut meter = Meter::new(&rules);
    assert_eq!(
        meter.rejected(0, [1, 0, 0, 0], Some(u64::MAX), true),
        300 * SECOND
    );
}

#[test]
fn rejections_without_a_hint_back_off_once_for_a_herd() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    let call = [1, 0, 0, 0];
    let told: Vec<_> = (0..4)
        .map(|_| meter.rejected(0, call, None, true))
        .collect();
    assert_eq!(told, [SECOND; 4]);
    assert_eq!(meter.rejected(SECOND, call, None, true), 3 * SECOND);
}

#[test]
fn a_rate_is_guessed_from_what_was_served_where_nobody_says_it() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    for _ in 0..50 {
        meter.served(0);
    }
    for _ in 0..100 {
        meter.rejected(0, [1, 0, 0, 0], Some(SECOND), true);
    }
    let guess = meter.known(Dimension::Requests).unwrap();
    assert_eq!(
        guess.amount().get(),
        50 * 54,
        "nine tenths of fifty a second"
    );
    meter.tick(12 * SECOND);
    let higher = meter.known(Dimension::Requests).unwrap();
    assert!(
        higher.amount() > guess.amount(),
        "it rises when nothing is refused"
    );
    meter.tick(3600 * SECOND);
    assert_eq!(
        meter.known(Dimension::Requests),
        None,
        "until it does not matter"
    );
}

#[test]
fn debts_are_refused_where_the_rules_say_so() {
    let quotas = Quotas::unlimited().with(Dimension::Tokens, quota(100, SECOND, 100));
    let mut meter = Meter::new(&Rules::new(quotas).with_oversize(Oversize::Refuse));
    let step = meter.admit(0, [1, 101, 0, 0], None, None);
    assert!(matches!(step, Step::Never(Dimension::Tokens, 100)));
}

#[test]
fn rl5_the_last_slot_is_not_for_who_goes_before_another() {
    let quotas = Quotas::unlimited().with(Dimension::Tokens, quota(100, SECOND, 100));
    let mut meter = Meter::new(&Rules::new(quotas));
    let booked = Booked {
        amounts: [1, 10, 0, 0],
        start: SECOND,
    };
    let mut ask = |booked| granted(meter.admit(0, [1, 0, 0, 0], Some(2), booked)).is_some();
    assert!(ask(Some(&booked)), "two are free");
    assert!(!ask(Some(&booked)), "one is free, and it is not for him");
    assert!(ask(None));
    assert!(!ask(None));
}

#[test]
fn a_bucket_in_debt_does_not_hold_up_who_takes_nothing_of_it() {
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, quota(10, SECOND, 10))
        .with(Dimension::OutputTokens, quota(10, SECOND, 10));
    let mut meter = Meter::new(&Rules::new(quotas));
    assert!(granted(meter.admit(0, [1, 0, 0, 1000], None, None)).is_some());
    assert!(granted(meter.admit(0, [1, 0, 0, 1], None, None)).is_none());
    assert!(granted(meter.admit(0, [1, 0, 0, 0], None, None)).is_some());
}

#[test]
fn a_limit_that_is_learned_does_not_allow_larger_bursts_than_are_configured() {
    let mut meter = meter(quota(6000, 60 * SECOND, 10), quota(100, SECOND, 100));
    meter.observe(0, &of_requests(RateLimit::new(Some(3000), None, None)));
    assert_eq!(
        meter.known(Dimension::Requests),
        Some(quota(3000, 60 * SECOND, 10))
    );
}

#[test]
fn rl10_a_limit_that_recovers_gives_nothing_that_has_not_flowed_in() {
    let mut meter = meter(quota(100, 60 * SECOND, 100), quota(100, SECOND, 100));
    meter.observe(0, &of_requests(RateLimit::new(Some(10), Some(3), None)));
    let learned = meter.level(59 * SECOND, Dimension::Requests).unwrap();
    assert_eq!(learned, 10, "as much as is learned");
    let recovered = meter.level(60 * SECOND, Dimension::Requests).unwrap();
    assert_eq!(recovered, 10, "the rest flows in from now on");
    assert_eq!(meter.level(120 * SECOND, Dimension::Requests), Some(100));
}

#[test]
fn what_a_call_takes_nothing_of_does_not_hold_it_up() {
    let mut meter = meter(quota(1, SECOND, 1), quota(1, SECOND, 10));
    let debt = meter.admit(0, [0, 30, 0, 0], None, None);
    assert!(granted(debt).is_some(), "a full bucket goes into debt");
    assert!(granted(meter.admit(0, [1, 0, 0, 0], None, None)).is_some());
    let Step::Wait(start, short) = meter.admit(0, [1, 0, 0, 0], None, None) else {
        panic!("there is one a second");
    };
    assert_eq!(start, Some(SECOND));
    assert_eq!(short, Short::Amount(Dimension::Requests));
}

#[test]
fn of_two_that_are_short_for_as_long_the_first_is_named() {
    let mut meter = meter(quota(1, SECOND, 1), quota(1, SECOND, 1));
    assert!(granted(meter.admit(0, [1, 1, 0, 0], None, None)).is_some());
    let Step::Wait(start, short) = meter.admit(0, [1, 1, 0, 0], None, None) else {
        panic!("there is one a second of both");
    };
    assert_eq!(start, Some(SECOND));
    assert_eq!(short, Short::Amount(Dimension::Requests));
}

#[test]
fn rl5_who_takes_nothing_of_what_is_booked_delays_nobody() {
    let mut meter = meter(quota(1, SECOND, 1), quota(1, SECOND, 10));
    let start = |start| Booked {
        amounts: [1, 0, 0, 0],
        start,
    };
    assert!(
        !meter.delays(0, [0, 30, 0, 0], &start(SECOND)),
        "a debt of tokens"
    );
    assert!(granted(meter.admit(0, [1, 0, 0, 0], None, None)).is_some());
    // Whoever was told to start sooner than he can is late already.
    assert!(!meter.delays(0, [0, 5, 0, 0], &start(0)));
    assert!(meter.delays(0, [1, 5, 0, 0], &start(SECOND)));
}

#[test]
fn without_a_bound_a_call_is_granted_at_once_unless_the_provider_has_nothing_left() {
    let mut meter = Meter::new(&Rules::new(Quotas::unlimited()));
    let call = [1, 0, 0, 0];
    assert!(meter.grant_unbounded(call).is_some());
    let reset = Some(Duration::from_secs(5));
    meter.observe(SECOND, &of_requests(RateLimit::new(None, Some(0), reset)));
    assert!(meter.grant_unbounded(call).is_none(), "the time matters");
    assert!(
        matches!(meter.admit(5 * SECOND, call, None, None), Step::Wait(Some(at), Short::Hold) if at == 6 * SECOND)
    );
    assert!(matches!(
        meter.admit(6 * SECOND, call, None, None),
        Step::Granted(_)
    ));
    assert!(meter.grant_unbounded(call).is_some());
    assert_eq!(meter.used(), 3);
}
