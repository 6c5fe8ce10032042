//! The waiting room, without futures.

use super::{Lane, Turn};
use crate::{
    limit::{
        Bucket, Demand, Dimension, Key, LimitConfig, LocalBucket, LocalStore, Quota, Quotas, Rules,
        Store, Verdict,
    },
    queue,
};
use std::{
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};
use towline_core::{Context, Moment, Usage};

const SECOND: Duration = Duration::from_secs(1);

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waiter, as its future holds it.
struct Waiter {
    key: queue::Key,
    bell: Arc<Bell>,
}

impl Waiter {
    fn join(lane: &Lane<LocalBucket>, demand: Demand) -> Self {
        Self {
            key: lane.join(demand, &Context::new(), 10),
            bell: Arc::default(),
        }
    }

    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.bell))
    }

    fn turn(&self, lane: &Lane<LocalBucket>) -> Turn {
        lane.turn(self.key, &self.waker())
    }

    fn rings(&self) -> usize {
        self.bell.0.load(Ordering::SeqCst)
    }
}

/// A hundred tokens, one a second.
fn lane() -> Lane<LocalBucket> {
    let tokens = Quota::new(NonZeroU64::new(100).unwrap(), SECOND * 100);
    let quotas = Quotas::unlimited().with(Dimension::Tokens, tokens);
    let store = LocalStore::new(Rules::new(quotas));
    Lane::new(store.bucket(&Key::default()), &LimitConfig::new("lane"))
}

fn of_tokens(tokens: u64) -> Demand {
    Demand::call().with(Dimension::Tokens, tokens)
}

/// A lane where half is taken, and the first waits for all of it.
fn with_head() -> (Lane<LocalBucket>, Waiter) {
    let lane = lane();
    let taken = lane.bucket.admit_now(&of_tokens(50), None, &Moment::new());
    assert!(matches!(taken, Some(Verdict::Granted(_))));
    let head = Waiter::join(&lane, of_tokens(100));
    assert!(matches!(head.turn(&lane), Turn::Head));
    lane.told_to_wait(head.key, of_tokens(100), Some(SECOND * 50));
    (lane, head)
}

#[test]
fn the_usual_length_of_answers_goes_an_eighth_of_the_way_to_each_new_one() {
    let lane = lane();
    assert_eq!(lane.usual(), 0, "unknown");
    for (output, usual) in [(800, 800), (1600, 900), (900, 900), (0, 788)] {
        lane.learn_usual(&Usage::inclusive(5, output));
        assert_eq!(lane.usual(), usual, "after {output}");
    }
    lane.learn_usual(&Usage::default());
    assert_eq!(lane.usual(), 788, "nobody said");
}

#[test]
fn the_usual_length_of_answers_stops_at_a_number_that_no_answer_has() {
    let lane = lane();
    lane.learn_usual(&Usage::inclusive(0, u64::MAX));
    assert_eq!(lane.usual(), 1 << 40);
}

#[tokio::test(start_paused = true)]
async fn rl4_of_those_who_could_pass_one_at_a_time_does() {
    let (lane, head) = with_head();
    let (first, second) = (
        Waiter::join(&lane, Demand::call()),
        Waiter::join(&lane, Demand::call()),
    );
    assert!(matches!(first.turn(&lane), Turn::Pass(_)));
    assert!(matches!(second.turn(&lane), Turn::Behind));
    assert_eq!(first.rings(), 0, "it asks just now");
    // The other does not put an end to that; it does so itself.
    assert!(!lane.cannot_pass(second.key, &second.waker()));
    assert!(matches!(second.turn(&lane), Turn::Behind));
    assert_eq!(first.rings(), 0);
    assert!(!lane.cannot_pass(first.key, &first.waker()));
    assert!(matches!(second.turn(&lane), Turn::Behind));
    assert_eq!(first.rings(), 1, "it could, and is the first of them");
    assert_eq!(head.rings(), 0);
}

#[tokio::test(start_paused = true)]
async fn rl3_who_cannot_pass_asks_again_where_it_became_the_head_or_was_turned_away() {
    let (lane, head) = with_head();
    let (first, second) = (
        Waiter::join(&lane, Demand::call()),
        Waiter::join(&lane, Demand::call()),
    );
    assert!(matches!(first.turn(&lane), Turn::Pass(_)));
    assert!(!lane.cannot_pass(first.key, &first.waker()), "it waits");
    lane.gone(head.key);
    assert!(lane.cannot_pass(first.key, &first.waker()), "the head");
    lane.gone(second.key);
    assert!(lane.cannot_pass(second.key, &second.waker()), "away");
}

#[tokio::test(start_paused = true)]
async fn each_waiter_knows_how_many_are_ahead() {
    let lane = lane();
    let waiters = [(); 3].map(|()| Waiter::join(&lane, Demand::call()));
    for (ahead, waiter) in waiters.iter().enumerate() {
        assert_eq!(lane.ahead(waiter.key), ahead);
    }
    lane.gone(waiters[0].key);
    assert_eq!(lane.ahead(waiters[0].key), 0, "it is not there");
    assert_eq!(lane.ahead(waiters[2].key), 1);
    assert!(format!("{lane:?}").contains("waiting: 2"), "{lane:?}");
}
