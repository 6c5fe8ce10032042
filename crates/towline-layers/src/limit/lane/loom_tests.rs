//! Every interleaving of a call that waits for a slot and one that frees it: see `crate::sync`.

use super::{Lane, Turn};
use crate::{
    limit::{
        Bucket, Demand, Key, LimitConfig, LocalBucket, LocalReservation, LocalStore, Quotas, Rules,
        Spent, Store, Verdict,
    },
    queue,
};
use loom::{model::Builder, thread};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};
use towline_core::{Context, Moment};

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Flag {
    fn is_woken(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn lane() -> Arc<Lane<LocalBucket>> {
    let store = LocalStore::new(Rules::new(Quotas::unlimited().with_slots(1)));
    let config = LimitConfig::new("loom");
    Arc::new(Lane::new(store.bucket(&Key::default()), &config))
}

fn ask(lane: &Lane<LocalBucket>) -> Option<LocalReservation> {
    match lane.bucket.admit_now(&Demand::call(), None, &Moment::new()) {
        Some(Verdict::Granted(reservation)) => Some(reservation),
        _ => None,
    }
}

/// What a waiting future does in one poll.
fn poll(lane: &Lane<LocalBucket>, key: queue::Key, flag: &Arc<Flag>) -> Option<LocalReservation> {
    let waker = Waker::from(Arc::clone(flag));
    let Turn::Head = lane.turn(key, &waker) else {
        return None;
    };
    match ask(lane) {
        Some(reservation) => {
            lane.served(key);
            Some(reservation)
        }
        None => {
            lane.told_to_wait(key, Demand::call(), None);
            None
        }
    }
}

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

#[test]
fn x3_limit_who_waits_for_a_slot_gets_it_or_is_woken_when_it_is_freed() {
    model(|| {
        let lane = lane();
        let held = ask(&lane).unwrap();
        let freeing = Arc::clone(&lane);
        let free = thread::spawn(move || {
            freeing.bucket.settle(held, &Spent::unknown());
            freeing.wake();
        });
        let key = lane.join(Demand::call(), &Context::new(), 10);
        let flag = Arc::<Flag>::default();
        let granted = poll(&lane, key, &flag).is_some();
        free.join().unwrap();
        assert!(granted || flag.is_woken(), "a lost wake");
        assert!(granted || poll(&lane, key, &flag).is_some());
    });
}

#[test]
fn x3_limit_who_leaves_hands_the_wake_to_the_next() {
    model(|| {
        let lane = lane();
        let held = ask(&lane).unwrap();
        let first = lane.join(Demand::call(), &Context::new(), 10);
        let second = lane.join(Demand::call(), &Context::new(), 10);
        let flags = [Arc::<Flag>::default(), Arc::<Flag>::default()];
        assert!(poll(&lane, first, &flags[0]).is_none());
        assert!(poll(&lane, second, &flags[1]).is_none());
        let freeing = Arc::clone(&lane);
        let free = thread::spawn(move || {
            freeing.bucket.settle(held, &Spent::unknown());
            freeing.wake();
        });
        // The first may have been woken, and leaves all the same.
        lane.gone(first);
        free.join().unwrap();
        assert!(flags[1].is_woken(), "a lost wake");
        assert!(poll(&lane, second, &flags[1]).is_some());
        assert_eq!(lane.waiting(), 0);
    });
}
