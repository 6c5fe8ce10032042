//! Callers that leave at every await.

use crate::support::{MINUTE, Model, after, failed, row, whole};
use std::{
    future::poll_fn,
    num::{NonZeroU64, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::time::{sleep, timeout};
use towline::{
    Client, Deployment, Stack,
    layers::{
        budget::Budget,
        concurrency::{ConcurrencyHandle, ConcurrencyLayer},
        limit::{Dimension, LimitConfig, LimitHandle, LimitLayer, Quota, Quotas, Rules},
        retry::RetryPolicy,
    },
};
use towline_core::{ErrorKind, Response, task};

const MILLI: Duration = Duration::from_millis(1);
const RESERVE: u64 = 1_000_000;

/// Counts what is under way.
struct Live(Arc<AtomicUsize>);

impl Live {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Streams begin after a millisecond and take one more; every second one fails instead, so that pauses of
/// retries are among the awaits. What is not streamed is there at once.
fn model(live: &Arc<AtomicUsize>) -> Model {
    let (live, count) = (Arc::clone(live), AtomicUsize::default());
    Model::new(move |request| {
        let live = Live::new(&live);
        let fails = request.stream() && count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        async move {
            if !request.stream() {
                return Ok(whole("a"));
            }
            sleep(MILLI).await;
            if fails {
                return Err(failed(ErrorKind::Server));
            }
            let (head, body) = after(MILLI).into_parts();
            Ok(Response::new(head, body.with_guard(live)))
        }
    })
}

/// A client, and what shows whether anything of its calls is left.
struct Watched {
    client: Client,
    live: Arc<AtomicUsize>,
    slots: ConcurrencyHandle,
    limit: LimitHandle,
    tenants: LimitHandle,
    budget: Budget,
}

impl Watched {
    /// With so many slots before the limit, and so many in it.
    fn new(slots: usize, limited: usize) -> Self {
        let live = Arc::<AtomicUsize>::default();
        let slots = ConcurrencyLayer::new(NonZeroUsize::new(slots).unwrap());
        let tokens = Quota::per_minute(NonZeroU64::new(1_000_000_000).unwrap());
        let quotas = Quotas::unlimited().with(Dimension::Tokens, tokens);
        let limited = Rules::new(quotas.with_slots(limited));
        let limit = LimitLayer::new(LimitConfig::new("first"), limited);
        let tenants = LimitLayer::new(LimitConfig::new("tenant"), Rules::new(quotas));
        // Each token of a first attempt pays for a thousand: what is missing after one is held.
        let budget = Budget::new(1_000_000_000, RESERVE);
        let retry = RetryPolicy::default()
            .with_max_attempts(5)
            .with_base_delay(MILLI * 4)
            .with_budget(budget.clone());
        let first = Deployment::new("first", model(&live))
            .retry(retry)
            .concurrency(slots.clone())
            .limit(limit.clone());
        Self {
            client: Stack::new(first).tenants(tenants.clone()).client().build(),
            live,
            slots: slots.handle(),
            limit: limit.handle(),
            tenants: tenants.handle(),
            budget,
        }
    }

    /// A call that is dropped after so many polls, if it has not ended by then. Whether it has.
    fn call(&self, mut polls: usize) -> task::Task<bool> {
        let client = self.client.clone();
        let mut call = Box::pin(async move {
            let answer = async { client.stream("Hi").await?.collect().await };
            timeout(MINUTE, answer).await.unwrap().unwrap();
        });
        task::spawn(poll_fn(move |cx| {
            polls -= 1;
            match call.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending if polls == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        }))
    }

    /// Nothing is taken, and nobody waits.
    async fn is_quiet(&self) {
        assert_eq!(self.live.load(Ordering::SeqCst), 0);
        assert_eq!((self.slots.in_flight(), self.slots.waiting()), (0, 0));
        assert_eq!((self.limit.in_use(), self.limit.waiting()), (0, 0));
        assert_eq!((self.tenants.in_use(), self.tenants.waiting()), (0, 0));
        self.client.complete("Hi").await.unwrap();
        assert_eq!(
            self.budget.available(),
            RESERVE,
            "tokens of a retry are held"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_22_a_caller_may_leave_at_every_await() {
    let mut left = 0;
    for (slots, limited) in [(1, 2), (2, 1)] {
        let watched = Watched::new(slots, limited);
        // The one that has the slot, the one that waits for it, and both.
        for (first, second) in [(true, false), (false, true), (true, true)] {
            for polls in 1.. {
                let most = |leaves| if leaves { polls } else { usize::MAX };
                let (one, other) = (watched.call(most(first)), watched.call(most(second)));
                let ended = [one.await.unwrap(), other.await.unwrap()];
                watched.is_quiet().await;
                if ended == [true; 2] {
                    break;
                }
                left += ended.iter().filter(|ended| !**ended).count();
            }
        }
        watched.client.close().await.unwrap();
    }
    assert!(left > 20, "{left}");
    row(
        "22",
        "nothing left over, the slot is free",
        format!("{left} calls dropped, each at another poll, 0 left over"),
    );
}
