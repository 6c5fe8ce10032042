//! What a limit counts: what is put into a demand, a bill or a set of quotas is what they hand out.

use super::amount;
use std::time::Duration;
use towline_layers::limit::{Demand, Dimension, Quota, Quotas, Spent};

/// Each dimension with an amount of its own.
fn amounts() -> impl Iterator<Item = (Dimension, u64)> {
    Dimension::ALL.into_iter().zip([7, 1_200, 800, 400])
}

#[test]
fn a_demand_takes_what_it_was_given_in_each_dimension_and_nothing_else() {
    let none = Demand::default();
    let call = Demand::call();
    for dimension in Dimension::ALL {
        assert_eq!(none.amount(dimension), 0);
        let one = u64::from(dimension == Dimension::Requests);
        assert_eq!(call.amount(dimension), one, "{dimension}");
    }
    let all = amounts().fold(call, |demand, (dimension, n)| demand.with(dimension, n));
    for (dimension, n) in amounts() {
        assert_eq!(all.amount(dimension), n, "{dimension}");
    }
}

#[test]
fn a_bill_tells_what_was_taken_and_what_nobody_knows() {
    for dimension in Dimension::ALL {
        assert_eq!(Spent::unknown().amount(dimension), None, "{dimension}");
        assert_eq!(Spent::nothing().amount(dimension), Some(0), "{dimension}");
    }
    let all = amounts().fold(Spent::unknown(), |spent, (dimension, n)| {
        spent.with(dimension, n)
    });
    for (dimension, n) in amounts() {
        assert_eq!(all.amount(dimension), Some(n), "{dimension}");
    }
}

#[test]
fn quotas_limit_the_dimensions_that_were_given_and_no_other() {
    for (dimension, n) in amounts() {
        let quota = Quota::per_minute(amount(n));
        let quotas = Quotas::unlimited().with(dimension, quota);
        assert!(!quotas.is_unlimited());
        for other in Dimension::ALL {
            let expected = (other == dimension).then_some(quota);
            assert_eq!(quotas.quota(other), expected, "{other}");
        }
    }
    assert!(Quotas::unlimited().is_unlimited());
    let slots = Quotas::unlimited().with_slots(3);
    assert_eq!((slots.slots(), slots.is_unlimited()), (Some(3), false));
    assert_eq!(Quotas::unlimited().slots(), None);
}

#[test]
fn a_quota_lets_its_whole_amount_go_at_once_unless_it_is_told_less() {
    let quota = Quota::new(amount(90), Duration::from_secs(7));
    assert_eq!((quota.amount(), quota.burst()), (amount(90), amount(90)));
    assert_eq!(quota.per(), Duration::from_secs(7));
    assert_eq!(quota.with_burst(amount(4)).burst(), amount(4));
    assert_eq!(Quota::per_second(amount(5)).per(), Duration::from_secs(1));
    assert_eq!(Quota::per_minute(amount(5)).per(), Duration::from_secs(60));
}

/// The names stand in journeys and messages.
#[test]
fn the_names_of_the_dimensions_are_stable() {
    let names = ["requests", "tokens", "input_tokens", "output_tokens"];
    for (dimension, name) in Dimension::ALL.into_iter().zip(names) {
        assert_eq!(
            (dimension.as_str(), dimension.to_string()),
            (name, name.to_owned())
        );
    }
}
