//! What a record says of a call.

use towline_core::{Cost, Journey, Outcome, Step};

fn attempt(journey: &Journey, cost: Option<u64>) {
    let now = journey.started();
    let id = journey.begin_attempt("openai", "m", false, now);
    journey.end_attempt(id, Outcome::Whole, None, now);
    if let Some(cost) = cost {
        journey.price(id, Cost::from_picodollars(cost));
    }
}

#[test]
fn a_call_costs_what_all_its_attempts_do_and_nobody_knows_where_one_is_unknown() {
    let journey = Journey::new();
    assert_eq!(journey.cost(), None, "nobody was asked");
    journey.push(Step::waited(
        "retry",
        "overloaded",
        std::time::Duration::ZERO,
    ));
    attempt(&journey, Some(3));
    assert_eq!(journey.cost(), Some(Cost::from_picodollars(3)));
    attempt(&journey, Some(4));
    assert_eq!(journey.cost(), Some(Cost::from_picodollars(7)));
    attempt(&journey, None);
    assert_eq!(journey.cost(), None);
    attempt(&journey, Some(5));
    assert_eq!(journey.cost(), None);
}
