//! Every interleaving of threads at one breaker: `RUSTFLAGS="--cfg loom"`, see [`crate::sync`].

use super::{Breaker, Pass};
use crate::{
    breaker::{BreakerConfig, BreakerState},
    verdict::Verdict,
};
use loom::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use std::num::NonZeroU32;
use towline_core::{Context, ErrorKind};

const FAILED: Verdict = Verdict::Failure(ErrorKind::Server);

fn breaker(probes: u32, successes: u32) -> Breaker {
    let config = BreakerConfig::new()
        .with_failures(NonZeroU32::new(1))
        .with_probes(NonZeroU32::new(probes).unwrap())
        .with_successes(NonZeroU32::new(successes).unwrap());
    Breaker::new("east", config)
}

fn enter(breaker: &Breaker) -> Option<Pass<'static>> {
    Pass::new(breaker.owned(), &Context::new()).ok()
}

#[test]
fn cb2_no_two_threads_get_the_one_slot_and_one_that_is_dropped_is_free_again() {
    loom::model(|| {
        let breaker = breaker(1, 2);
        breaker.force_half_open();
        let live = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (breaker, live) = (breaker.clone(), Arc::clone(&live));
                thread::spawn(move || {
                    let Some(pass) = enter(&breaker) else { return };
                    assert_eq!(live.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                    live.fetch_sub(1, Ordering::SeqCst);
                    drop(pass);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.status().probes(), 0);
        assert!(enter(&breaker).is_some(), "the slot is not lost");
    });
}

#[test]
fn cb2_probes_that_succeed_in_threads_close_it_once_and_everybody_is_let_in() {
    loom::model(|| {
        let breaker = breaker(2, 2);
        breaker.force_half_open();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let breaker = breaker.clone();
                thread::spawn(move || {
                    let pass = enter(&breaker).expect("two slots");
                    pass.settle(Verdict::Success, None);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        // The gate says so too, in the epoch of now: what comes of this call counts.
        let pass = enter(&breaker).expect("closed");
        pass.settle(FAILED, None);
        assert_eq!(breaker.state(), BreakerState::Open);
    });
}

#[test]
fn cb7_of_two_threads_that_fail_at_once_one_opens_it_and_the_other_is_late() {
    loom::model(|| {
        let breaker = breaker(1, 1);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let breaker = breaker.clone();
                thread::spawn(move || {
                    if let Some(pass) = enter(&breaker) {
                        pass.settle(FAILED, None);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.status().opened(), 1);
        assert!(enter(&breaker).is_none());
    });
}

#[test]
fn cb2_a_probe_that_fails_beside_one_that_is_dropped_opens_it_and_holds_nothing() {
    loom::model(|| {
        let breaker = breaker(2, 2);
        breaker.force_half_open();
        let failing = enter(&breaker).expect("a slot");
        let dropped = enter(&breaker).expect("a slot");
        let other = thread::spawn(move || drop(dropped));
        failing.settle(FAILED, None);
        other.join().unwrap();
        assert_eq!(breaker.state(), BreakerState::Open);
        breaker.force_half_open();
        assert_eq!(breaker.status().probes(), 0);
    });
}
