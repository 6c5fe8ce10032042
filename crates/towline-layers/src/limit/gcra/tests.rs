use super::{Pace, nanos, ticks};
use crate::limit::Quota;
use proptest::prelude::*;
use std::{num::NonZeroU64, time::Duration};

fn pace(amount: u64, per: u64) -> Pace {
    let amount = NonZeroU64::new(amount).unwrap();
    Pace::new(Quota::new(amount, Duration::from_nanos(per)))
}

proptest! {
    #[test]
    fn rl1_an_error_of_the_rate_never_grants_more_and_is_below_one_in_a_hundred_million(
        amount in 1_u64..1_000_000_000,
        per in 10_000_000_000_u64..100_000_000_000_000,
        taken in 1_u64..1_000_000_000_000,
    ) {
        // The quickest rate of which that is said: a unit in 100 ns.
        let per = per.max(amount * 100);
        // In the time of the cost, no less has flowed in than was taken.
        let exact = (u128::from(per) << 20) * u128::from(taken);
        let cost = pace(amount, per).cost(taken) * u128::from(amount);
        prop_assert!(cost >= exact);
        prop_assert!((cost - exact) / 100 <= exact / 10_000_000_000 + 1);
    }

    #[test]
    fn rl9_amounts_and_times_of_any_size_do_not_overflow(
        amount in 1_u64..,
        per in any::<u64>(),
        tat in any::<u128>(),
        now in any::<u64>(),
        taken in any::<u64>(),
    ) {
        let (pace, now) = (pace(amount, per), ticks(now));
        let after = pace.take(tat, now, taken);
        prop_assert!(after >= now);
        prop_assert!(pace.level(after, now) <= amount);
        if let Some(there) = pace.take_if_there(tat, now, taken) {
            prop_assert_eq!(there, after);
        }
        let start = pace.start(tat, taken);
        prop_assert!(pace.start(pace.opening_at(start, taken), taken) >= start.min(tat));
        let _any = nanos(start);
    }

    #[test]
    fn a_nanosecond_is_a_nanosecond(time in any::<u64>()) {
        prop_assert_eq!(nanos(ticks(time)), time);
    }
}

/// One unit in more than five hours has more ticks than 64 bits hold.
#[test]
fn rl9_the_time_of_a_slow_unit_stops_at_the_end_of_the_number() {
    let slow = pace(1, 1 << 45);
    assert_eq!(slow.cost(2), 1 << 66);
    assert_eq!(slow.cost(u64::MAX), u128::MAX);
    let (quota, day) = (NonZeroU64::MIN, Duration::from_secs(86_400));
    let slower = Pace::new(Quota::new(quota, day * 365));
    assert_eq!(slower.cost(u64::MAX), u128::MAX);
}
