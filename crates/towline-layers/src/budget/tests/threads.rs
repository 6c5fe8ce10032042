//! The budget under threads: every interleaving under loom, many of them without.

use crate::budget::Budget;

#[cfg(not(loom))]
fn explore(case: impl Fn() + Sync + Send + 'static) {
    for _ in 0..2_000 {
        case();
    }
}

#[cfg(loom)]
fn explore(case: impl Fn() + Sync + Send + 'static) {
    loom::model(case);
}

#[cfg(loom)]
use loom::thread::spawn;
#[cfg(not(loom))]
use std::thread::spawn;

/// Regression of a budget that checked and then took: one deposit, two grants.
#[test]
fn t4_two_threads_never_get_the_same_tokens() {
    explore(|| {
        let budget = Budget::new(0, 10);
        let other = budget.clone();
        let taker = spawn(move || u64::from(other.withdraw(10).map(|w| drop(w.sent())).is_some()));
        let mine = u64::from(budget.withdraw(10).map(|w| drop(w.sent())).is_some());
        let granted = mine + taker.join().expect("no panic");
        assert_eq!(granted, 1);
        assert_eq!(budget.available(), 0);
    });
}

#[test]
fn rt3_the_bound_holds_under_threads() {
    explore(|| {
        let budget = Budget::new(500_000, 10);
        let (first, second) = (budget.clone(), budget.clone());
        let payer = spawn(move || {
            first.deposit(8);
            first.deposit(4);
        });
        let taker = spawn(move || {
            let taken = second.withdraw(8);
            u64::from(taken.map(|w| drop(w.sent())).is_some()) * 8
        });
        let mine = u64::from(budget.withdraw(8).map(|w| drop(w.sent())).is_some()) * 8;
        payer.join().expect("no panic");
        let spent = mine + taker.join().expect("no panic");
        // 12 tokens of first attempts at a half, and the reserve.
        assert!(spent <= 16, "{spent}");
        assert!(spent >= 8, "{spent}");
        assert!(budget.available() <= 10);
    });
}

#[test]
fn x1_budget_tokens_that_are_not_sent_come_back_whatever_the_threads_do() {
    explore(|| {
        let budget = Budget::new(0, 10);
        let other = budget.clone();
        let taker = spawn(move || drop(other.withdraw(6)));
        if let Some(taken) = budget.withdraw(6) {
            taken.sent().refund();
        }
        taker.join().expect("no panic");
        assert_eq!(budget.available(), 10);
    });
}
