use super::{Guess, TOP};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// A guess after so many calls were served at so many nanoseconds.
fn after(served: &[(u64, u32)]) -> Guess {
    let mut guess = Guess::default();
    for (at, calls) in served {
        for _ in 0..*calls {
            guess.served(*at);
        }
    }
    guess
}

/// Calls per minute that it starts with, where a call is refused at `now`.
fn first(served: &[(u64, u32)], now: u64) -> u64 {
    after(served).lower(now, now).amount().get()
}

/// One of `rate` that rises at `until`.
fn of(rate: u64, until: u64) -> Guess {
    Guess {
        rate,
        until,
        ..Guess::default()
    }
}

#[test]
fn a_guess_starts_at_nine_tenths_of_the_better_of_the_last_two_seconds() {
    let (fifth, sixth, seventh) = (5 * SECOND, 6 * SECOND, 7 * SECOND);
    assert_eq!(first(&[(fifth, 10), (sixth, 4)], sixth), 540);
    assert_eq!(first(&[(fifth, 4), (sixth, 10)], sixth), 540);
    assert_eq!(first(&[(fifth, 10), (seventh, 4)], seventh), 216, "a gap");
    let one_second = [(fifth, 4), (sixth - 1, 6)];
    assert_eq!(first(&one_second, sixth), 540, "to its last nanosecond");
    assert_eq!(first(&[(0, 10), (SECOND, 4)], SECOND), 540, "the first two");
}

#[test]
fn a_guess_lets_a_tenth_of_a_second_go_at_once_and_at_least_one_call() {
    let quota = after(&[(SECOND, 100)]).lower(SECOND, SECOND);
    assert_eq!(quota.amount().get(), 5_400);
    assert_eq!(quota.per(), Duration::from_secs(60));
    assert_eq!(quota.burst().get(), 9);
    let quota = after(&[(SECOND, 1)]).lower(SECOND, SECOND);
    assert_eq!((quota.amount().get(), quota.burst().get()), (54, 1));
}

#[test]
fn a_guess_stays_between_six_a_minute_and_a_million() {
    assert_eq!(first(&[], SECOND), 6);
    assert_eq!(first(&[(SECOND, 20_000)], SECOND), 1_000_000);
    let mut low = of(8, 0);
    assert_eq!(low.lower(SECOND, SECOND).amount().get(), 6);
    assert_eq!(low.lower(SECOND, SECOND).amount().get(), 6);
}

/// What was under way when the guess changed is refused by the pace before.
#[test]
fn a_refusal_lowers_the_guess_by_a_third_once_it_follows_its_pace() {
    let mut guess = after(&[(SECOND, 100)]);
    assert_eq!(guess.lower(SECOND, 3 * SECOND).amount().get(), 5_400);
    let before = guess.lower(3 * SECOND - 1, 4 * SECOND);
    assert_eq!(before.amount().get(), 5_400, "sent before");
    let after = guess.lower(4 * SECOND, 5 * SECOND);
    assert_eq!(after.amount().get(), 3_600);
    assert_eq!(guess.until(), 15_000_000_000, "ten seconds of quiet");
}

#[test]
fn a_guess_rises_by_a_quarter_for_every_ten_seconds_of_quiet() {
    let mut guess = of(100, 10 * SECOND);
    let rate = |quota: Option<super::Quota>| quota.map(|quota| quota.amount().get());
    assert_eq!(rate(guess.higher(10 * SECOND - 1)), Some(100));
    assert_eq!(guess.until(), 10 * SECOND);
    assert_eq!(rate(guess.higher(10 * SECOND)), Some(125));
    assert_eq!(guess.until(), 20 * SECOND);
    // 156.25 and 196.25, rounded up.
    assert_eq!(rate(guess.higher(30 * SECOND)), Some(197));
    assert_eq!(guess.until(), 40 * SECOND);
}

#[test]
fn a_guess_ends_above_a_million_and_not_at_it() {
    let mut guess = of(800_000, SECOND);
    let quota = guess.higher(SECOND).expect("still a guess");
    assert_eq!(quota.amount().get(), TOP);
    assert!(guess.is_active());
    assert_eq!(guess.higher(11 * SECOND), None);
    assert!(!guess.is_active());
    assert_eq!(guess.until(), u64::MAX, "nothing rises any more");
}

#[test]
fn a_guess_that_somebody_knew_better_is_gone() {
    let mut guess = of(600, 10 * SECOND);
    assert_eq!(guess.until(), 10 * SECOND);
    guess.end();
    assert_eq!((guess.is_active(), guess.until()), (false, u64::MAX));
    assert_eq!(guess.higher(20 * SECOND), None);
    assert_eq!(guess.lower(20 * SECOND, 20 * SECOND).amount().get(), 6);
}

#[test]
fn refusals_without_a_hint_wait_twice_as_long_each_time_up_to_32_seconds() {
    let mut guess = Guess::default();
    let mut now = SECOND;
    for seconds in [1, 2, 4, 8, 16, 32, 32] {
        assert_eq!(guess.backoff(now), seconds * SECOND);
        let half = now + seconds * SECOND / 2;
        assert_eq!(guess.backoff(half), seconds * SECOND / 2, "the same strike");
        now += seconds * SECOND;
    }
    guess.served(now);
    assert_eq!(guess.backoff(now), SECOND, "a call was served");
}

#[test]
fn a_minute_after_the_last_wait_the_next_is_short_again() {
    let waited = |quiet: u64| {
        let mut guess = Guess::default();
        assert_eq!(guess.backoff(SECOND), SECOND);
        guess.backoff(2 * SECOND + quiet)
    };
    assert_eq!(waited(60 * SECOND - 1), 2 * SECOND);
    assert_eq!(waited(60 * SECOND), SECOND);
}
