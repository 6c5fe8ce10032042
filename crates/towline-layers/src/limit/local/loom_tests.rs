//! Every interleaving of threads at one bucket: `RUSTFLAGS="--cfg loom"`, see `crate::sync`.

use super::{Inner, LocalBucket, LocalReservation, LocalStore};
use crate::limit::{Bucket, Demand, Dimension, Key, Quota, Quotas, Rules, Spent, Store, Verdict};
use loom::{model::Builder, thread};
use std::{num::NonZeroU64, time::Duration};

fn bucket(requests: u64, tokens: u64, slots: Option<usize>) -> LocalBucket {
    let hour = Duration::from_secs(3600);
    let quota = |amount| Quota::new(NonZeroU64::new(amount).unwrap(), hour);
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, quota(requests))
        .with(Dimension::Tokens, quota(tokens));
    let quotas = slots.map_or(quotas, |slots| quotas.with_slots(slots));
    LocalStore::new(Rules::new(quotas)).bucket(&Key::default())
}

/// At the beginning of time, where nothing flows in.
fn ask(inner: &Inner, tokens: u64) -> Option<LocalReservation> {
    let demand = Demand::call().with(Dimension::Tokens, tokens);
    match inner.admit_by(|| 0, &demand, None) {
        Verdict::Granted(reservation) => Some(reservation),
        _ => None,
    }
}

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

fn levels(bucket: &LocalBucket) -> [Option<u64>; 2] {
    let mut meter = crate::sync::lock(&bucket.inner.meter);
    [Dimension::Requests, Dimension::Tokens].map(|dimension| meter.level(0, dimension))
}

#[test]
fn rl1_three_threads_with_two_calls_each_are_granted_no_more_than_the_burst() {
    model(|| {
        let bucket = bucket(4, 100, None);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let bucket = bucket.clone();
                thread::spawn(move || (0..2).filter(|_| ask(&bucket.inner, 30).is_some()).count())
            })
            .collect();
        let granted: usize = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        // A hundred tokens are three calls of thirty, and the fourth request stays.
        assert_eq!(granted, 3);
        assert_eq!(levels(&bucket), [Some(1), Some(10)]);
    });
}

#[test]
fn rl2_what_is_refused_for_one_dimension_takes_nothing_of_the_other() {
    model(|| {
        let bucket = bucket(2, 100, None);
        let threads: Vec<_> = [90, 20]
            .map(|tokens| {
                let bucket = bucket.clone();
                thread::spawn(move || ask(&bucket.inner, tokens).map_or(0, |_| tokens))
            })
            .into_iter()
            .collect();
        let granted: u64 = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        assert!(granted == 90 || granted == 20, "{granted}");
        assert_eq!(levels(&bucket), [Some(1), Some(100 - granted)]);
    });
}

#[test]
fn rl6_a_refund_beside_other_calls_is_given_once_and_never_more() {
    model(|| {
        let bucket = bucket(10, 100, None);
        let first = ask(&bucket.inner, 80).unwrap();
        let settling = bucket.clone();
        let settle = thread::spawn(move || {
            settling.settle(first, &Spent::unknown().with(Dimension::Tokens, 10));
        });
        let asking = bucket.clone();
        let other = thread::spawn(move || {
            (0..2)
                .map(|_| ask(&asking.inner, 40).map_or(0, |_| 40))
                .sum::<u64>()
        });
        settle.join().unwrap();
        let granted = other.join().unwrap();
        let calls = 1 + granted / 40;
        assert_eq!(levels(&bucket), [Some(10 - calls), Some(90 - granted)]);
    });
}

#[test]
fn cl1_no_more_slots_are_held_than_there_are() {
    model(|| {
        let bucket = bucket(10, 100, Some(1));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let bucket = bucket.clone();
                thread::spawn(move || {
                    for _ in 0..2 {
                        if let Some(reservation) = ask(&bucket.inner, 1) {
                            assert_eq!(bucket.in_use(), 1);
                            bucket.settle(reservation, &Spent::unknown());
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(bucket.in_use(), 0);
    });
}
