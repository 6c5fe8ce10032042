//! The budget against its bound and against a model.

use crate::{
    budget::{Budget, Withdrawal},
    sync::Ordering,
};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

#[derive(Clone, Copy, Debug)]
enum Op {
    Deposit(u64),
    Withdraw(u64),
    /// Ends the n-th withdrawal that is open.
    Send(usize),
    Drop(usize),
    Refund(usize),
}

/// What happened, in order: tokens of first attempts, and of second ones that were sent.
#[derive(Clone, Copy, Debug)]
enum Seen {
    First(u64),
    Second(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0_u64..2_000).prop_map(Op::Deposit),
        (0_u64..400).prop_map(Op::Withdraw),
        (0_usize..8).prop_map(Op::Send),
        (0_usize..8).prop_map(Op::Drop),
        (0_usize..8).prop_map(Op::Refund),
    ]
}

fn take(open: &mut Vec<(u64, Withdrawal)>, index: usize) -> Option<(u64, Withdrawal)> {
    (!open.is_empty()).then(|| open.remove(index % open.len()))
}

fn run(budget: &Budget, ops: &[Op]) -> Vec<Seen> {
    let mut open = Vec::new();
    let mut seen = Vec::new();
    for op in ops {
        match *op {
            Op::Deposit(tokens) => {
                budget.deposit(tokens);
                seen.push(Seen::First(tokens));
            }
            Op::Withdraw(tokens) => {
                open.extend(budget.withdraw(tokens).map(|taken| (tokens, taken)));
            }
            Op::Send(index) => {
                if let Some((tokens, taken)) = take(&mut open, index) {
                    drop(taken.sent());
                    seen.push(Seen::Second(tokens));
                }
            }
            Op::Drop(index) => drop(take(&mut open, index)),
            Op::Refund(index) => {
                if let Some((_, taken)) = take(&mut open, index) {
                    taken.sent().refund();
                }
            }
        }
    }
    seen
}

proptest! {
    /// The bound, for every span of every history, exact to the millionth.
    #[test]
    fn rt3_second_attempts_stay_within_the_bound_in_every_span(
        ratio in 0_u32..=1_000_000,
        reserve in 0_u64..3_000,
        ops in proptest::collection::vec(op(), 0..120),
    ) {
        let budget = Budget::new(ratio, reserve);
        let seen = run(&budget, &ops);
        for start in 0..seen.len() {
            let (mut first, mut second) = (0_u128, 0_u128);
            for event in &seen[start..] {
                match *event {
                    Seen::First(tokens) => first += u128::from(tokens),
                    Seen::Second(tokens) => second += u128::from(tokens),
                }
                let bound = first * u128::from(ratio) + u128::from(reserve) * 1_000_000;
                prop_assert!(second * 1_000_000 <= bound, "{second} of {bound} from {start}");
            }
        }
        // What was held and not sent has come back.
        let owed = reserve - budget.available();
        let sent: u64 = seen.iter().map(|event| match event {
            Seen::Second(tokens) => *tokens,
            Seen::First(_) => 0,
        }).sum();
        prop_assert!(owed <= sent);
    }

    /// Regression of a budget that truncated: 0.3 became a third, and 0.9 all of it.
    #[test]
    fn t3_the_ratio_is_exact(ratio in 0_u32..=1_000_000, firsts in 0_u64..2_000) {
        let budget = Budget::new(ratio, 1_000_000);
        drop(budget.withdraw(1_000_000).expect("the reserve").sent());
        for _ in 0..firsts {
            budget.deposit(10);
        }
        let exact = u128::from(ratio) * u128::from(firsts) * 10 / 1_000_000;
        prop_assert_eq!(u128::from(budget.available()), exact);
    }
}

#[test]
fn rt3_what_was_not_needed_is_not_saved_up() {
    let budget = Budget::new(500_000, 100);
    budget.deposit(1_000_000);
    assert_eq!(budget.available(), 100);
    assert!(budget.withdraw(101).is_none());
}

/// Were the refund to lift the level, the tokens that were held would be there twice: deposits have
/// filled their place in the meantime.
#[test]
fn rt3_a_refund_gives_nothing_that_deposits_have_replaced() {
    let budget = Budget::new(1_000_000, 100);
    let held = budget.withdraw(60).expect("60 of 100");
    budget.deposit(1_000);
    assert_eq!(budget.available(), 40);
    drop(budget.withdraw(40).expect("the rest").sent());
    held.refund();
    assert_eq!(budget.available(), 60);
}

#[test]
fn a_withdrawal_that_is_dropped_before_it_is_sent_comes_back() {
    let budget = Budget::new(0, 100);
    drop(budget.withdraw(70));
    assert_eq!(budget.available(), 100);
    drop(budget.withdraw(70).map(Withdrawal::sent));
    assert_eq!(budget.available(), 30);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let budget = Budget::new(u32::MAX, u64::MAX);
    drop(budget.withdraw(u64::MAX).expect("all of it").sent());
    assert!(budget.withdraw(u64::MAX).is_none());
    budget.deposit(u64::MAX);
    assert_eq!(budget.available(), u64::MAX);
}

/// While nothing is owed, a first attempt costs no lock: most calls never meet a retry.
#[test]
fn a_budget_that_owes_nothing_says_so_without_the_lock() {
    let budget = Budget::new(1_000_000, 100);
    let owing = || budget.shared.owing.load(Ordering::Acquire);
    assert_eq!(owing(), 0);
    let held = budget.withdraw(50).expect("50 of 100");
    assert_eq!(owing(), 0, "what is held is not owed yet");
    drop(held.sent());
    assert_eq!(owing(), 1);
    budget.deposit(49);
    assert_eq!(owing(), 1, "a token is still owed");
    budget.deposit(1);
    assert_eq!(owing(), 0);
}

#[test]
fn debug_tells_a_budget_in_whole_tokens() {
    let budget = Budget::new(200_000, 100);
    let taken = budget.withdraw(70).expect("70 of 100").sent();
    assert_eq!(
        format!("{budget:?}"),
        "Budget { ratio_millionths: 200000, reserve: 100, available: 30 }"
    );
    assert_eq!(
        format!("{taken:?}"),
        "Withdrawal { tokens: 70, sent: true }"
    );
}
