//! Stores, and the rules for queues that are too long or too old.

use super::{SECOND, limit, requests};
use crate::support::{question, upstream};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, Service, ServiceExt};
use towline_core::{Context, Error, ErrorKind, Priority, RateLimits, Request};
use towline_layers::{
    limit::{
        Booking, Bucket, Demand, Key, LimitConfig, LimitKey, LimitLayer, LocalBucket,
        LocalReservation, LocalStore, Mode, Rules, Spent, Store, Verdict, conformance,
    },
    overload::{AgeBound, QueueGauge},
};

/// A store that has to ask somebody far away, which takes five milliseconds.
#[derive(Clone, Debug)]
struct Far {
    near: LocalStore,
    late: bool,
    /// How many answers it was told of.
    served: Arc<AtomicUsize>,
}

#[derive(Clone, Debug)]
struct FarBucket {
    near: LocalBucket,
    /// Whether it decides when it is asked, and says so late; else it hears the question late.
    late: bool,
    served: Arc<AtomicUsize>,
}

const AWAY: Duration = Duration::from_millis(5);

impl Far {
    fn new(rules: Rules) -> Self {
        Self {
            near: LocalStore::new(rules),
            late: false,
            served: Arc::default(),
        }
    }
}

impl Store for Far {
    type Bucket = FarBucket;

    fn bucket(&self, key: &Key) -> FarBucket {
        FarBucket {
            near: self.near.bucket(key),
            late: self.late,
            served: Arc::clone(&self.served),
        }
    }

    fn set_slots(&self, slots: Option<usize>) {
        self.near.set_slots(slots);
    }
}

impl Bucket for FarBucket {
    type Reservation = LocalReservation;
    type Admit = Pin<Box<dyn Future<Output = Result<Verdict<LocalReservation>, Error>> + Send>>;

    fn admit(&self, demand: &Demand, booked: Option<&Booking>) -> Self::Admit {
        let (near, demand, booked) = (self.near.clone(), *demand, booked.copied());
        let late = self.late.then(|| near.admit(&demand, booked.as_ref()));
        Box::pin(async move {
            sleep(AWAY).await;
            match late {
                Some(decided) => decided.await,
                None => near.admit(&demand, booked.as_ref()).await,
            }
        })
    }

    fn demand(reservation: &LocalReservation) -> Demand {
        LocalBucket::demand(reservation)
    }

    fn settle(&self, reservation: LocalReservation, spent: &Spent) {
        self.near.settle(reservation, spent);
    }

    fn rejected(&self, demand: &Demand, hint: Option<Duration>, learn: bool) {
        self.near.rejected(demand, hint, learn);
    }

    fn served(&self) {
        self.served.fetch_add(1, Ordering::SeqCst);
        self.near.served();
    }

    fn observe(&self, limits: &RateLimits) {
        self.near.observe(limits);
    }

    fn is_idle(&self) -> bool {
        self.near.is_idle()
    }

    fn in_use(&self) -> usize {
        self.near.in_use()
    }
}

/// A bucket that has to be asked.
pub(super) fn far_bucket(quotas: super::Quotas) -> impl Bucket {
    Far::new(Rules::new(quotas)).bucket(&Key::default())
}

#[tokio::test(start_paused = true)]
async fn a_store_in_this_process_does_what_a_store_has_to() {
    assert_eq!(conformance::check(LocalStore::new).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_store_far_away_does_what_a_store_has_to() {
    assert_eq!(conformance::check(Far::new).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn calls_to_a_store_far_away_are_admitted_in_order_and_in_time() {
    let (model, mut handle) = upstream();
    let config = LimitConfig::new("far");
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(10, 2))));
    let service = layer.layer(model);
    let start = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..10 {
        let request = question(false).with_context(Context::new().with_seed(n + 1));
        calls.spawn(service.clone().oneshot(request));
        tokio::task::yield_now().await;
    }
    for n in 0..10_u32 {
        let exchange = handle.next().await;
        assert_eq!(exchange.request.context().seed(), u64::from(n) + 1);
        let at = Instant::now().saturating_duration_since(start);
        let due = SECOND / 10 * n.saturating_sub(1);
        assert!(
            at >= due && at <= due + AWAY * (n + 1) + SECOND / 100,
            "{n} at {at:?}"
        );
        exchange.reply("admitted");
    }
    while let Some(call) = calls.join_next().await {
        assert!(call.unwrap().is_ok());
    }
    assert_eq!((layer.handle().in_use(), layer.handle().waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn x3_limit_leaves_nothing_at_a_store_far_away_when_it_is_dropped_while_asking() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("far");
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(10, 1))));
    let service = layer.layer(model);
    let mut calls: Vec<_> = (0..4)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    // Nobody waits yet: all ask. The first leaves, the second is granted, and two have to wait.
    drop(calls.remove(0));
    for time in [AWAY, AWAY] {
        advance(time).await;
        for call in &mut calls {
            assert_pending!(call.poll());
        }
    }
    assert_eq!((handle.total(), layer.handle().waiting()), (1, 2));
    advance(SECOND / 10).await;
    assert_pending!(calls[1].poll());
    assert_eq!(handle.total(), 1, "it is asking");
    drop(calls.remove(1));
    assert!(calls[1].is_woken(), "it is the next one's turn");
    assert_pending!(calls[1].poll());
    advance(AWAY).await;
    assert_pending!(calls[1].poll());
    assert_eq!(handle.total(), 2);
    assert_eq!((layer.handle().in_use(), layer.handle().waiting()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_in_time_is_waited_for_no_longer_than_the_deadline() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("far").with_max_wait(Some(AWAY / 5));
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(10, 1))));
    let mut call = task::spawn(layer.layer(model).oneshot(question(false)));
    assert_pending!(call.poll());
    advance(AWAY / 5).await;
    assert_eq!(assert_ready_err!(call.poll()).refused_by(), Some("limit"));
    assert_eq!((handle.total(), layer.handle().waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_asks_a_store_far_away_when_its_turn_has_come_has_its_whole_patience() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("far").with_max_wait(Some(SECOND));
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(10, 1))));
    let service = layer.layer(model);
    let mut calls: Vec<_> = (0..2)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for _ in 0..150 {
        for call in &mut calls {
            assert_pending!(call.poll(), "it waits, or has been sent");
        }
        advance(Duration::from_millis(1)).await;
    }
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn rl12_a_key_whose_call_has_not_asked_yet_is_not_forgotten() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("far").with_key(LimitKey::Tenant);
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(1, 1))));
    let service = layer.layer(model);
    let ask = |tenant: String| {
        let request = question(false).with_context(Context::new().with_tenant(tenant));
        let mut service = service.clone();
        assert!(task::spawn(service.ready()).poll().is_ready());
        task::spawn(service.call(request))
    };
    drop(ask("first".to_owned()));
    let mut early = ask("patient".to_owned());
    for n in 0..70 {
        drop(ask(format!("idle {n}")));
    }
    assert!(layer.handle().keys() < 64, "idle ones are forgotten");
    let mut late = ask("patient".to_owned());
    for _ in 0..2 {
        assert_pending!(early.poll());
        assert_pending!(late.poll());
        advance(AWAY).await;
    }
    assert_eq!(handle.total(), 1, "both have one limit");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_begins_counts_as_served_where_the_limit_learns() {
    for (learn, told) in [(true, 1), (false, 0)] {
        let (model, mut handle) = upstream();
        let store = Far::new(Rules::new(requests(10, 1)));
        let served = Arc::clone(&store.served);
        let config = LimitConfig::new("far").with_learn(learn);
        let layer = LimitLayer::with_store(config, store);
        let mut call = task::spawn(layer.layer(model).oneshot(question(true)));
        assert_pending!(call.poll());
        advance(AWAY).await;
        assert_pending!(call.poll());
        let feed = handle.next().await.stream();
        feed.text("first");
        let _answer = assert_ready!(call.poll()).unwrap();
        assert_eq!(served.load(Ordering::SeqCst), told, "{learn}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_far_away_is_asked_also_where_nobody_is_to_wait() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("far").with_mode(Mode::Reject);
    let layer = LimitLayer::with_store(config, Far::new(Rules::new(requests(10, 1))));
    let service = layer.layer(model);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    advance(AWAY).await;
    assert_pending!(first.poll());
    assert_eq!(handle.total(), 1);
    let error = service.oneshot(question(false)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND / 10 - AWAY));
}

#[tokio::test(start_paused = true)]
async fn x3_limit_hears_of_a_slot_that_is_freed_while_it_asks() {
    let (model, mut handle) = upstream();
    let mut store = Far::new(Rules::new(super::Quotas::unlimited().with_slots(1)));
    store.late = true;
    let layer = LimitLayer::with_store(LimitConfig::new("far"), store);
    let service = layer.layer(model);
    let millis = |n| Duration::from_millis(n);
    let mut first = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(first.poll());
    advance(AWAY).await;
    assert_pending!(first.poll());
    let exchange = handle.next().await;
    // The second asks, is told to wait, joins the queue, and asks again.
    let mut second = task::spawn(service.oneshot(question(false)));
    assert_pending!(second.poll());
    advance(AWAY).await;
    assert_pending!(second.poll());
    assert_eq!(layer.handle().waiting(), 1);
    advance(millis(2)).await;
    exchange.reply("the slot is free");
    assert!(assert_ready!(first.poll()).is_ok());
    assert!(second.is_woken());
    assert_pending!(second.poll());
    // What it hears now was decided before.
    advance(millis(3)).await;
    assert!(second.is_woken());
    assert_pending!(second.poll());
    advance(AWAY).await;
    assert!(second.is_woken(), "it has asked once more");
    assert_pending!(second.poll());
    assert_eq!(handle.total(), 2);
}

fn of(tenant: &'static str, priority: Priority) -> Request {
    let context = Context::new().with_tenant(tenant).with_priority(priority);
    question(false).with_context(context)
}

#[tokio::test(start_paused = true)]
async fn in_a_full_queue_a_place_is_made_by_who_can_be_spared_most() {
    let (model, handle) = upstream();
    let config = LimitConfig::new("upstream").with_max_queued(3);
    let layer = LimitLayer::new(config, Rules::new(requests(1, 1)));
    let service = layer.layer(model);
    let spawn = |tenant| task::spawn(service.clone().oneshot(of(tenant, Priority::Normal)));
    let mut crowd: Vec<_> = (0..4).map(|_| spawn("crowd")).collect();
    for call in &mut crowd {
        assert_pending!(call.poll());
    }
    assert_eq!((handle.total(), layer.handle().waiting()), (1, 3));
    let mut single = spawn("single");
    assert_pending!(single.poll());
    assert!(crowd[3].is_woken(), "the youngest of the crowd");
    let error = assert_ready_err!(crowd[3].poll());
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert_eq!(error.refused_by(), Some("limit"));
    assert!(error.retry_after().is_some());
    assert_eq!(layer.handle().waiting(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_old_queue_that_does_not_drain_lets_calls_go_and_its_gauge_shows_it() {
    let (model, _handle) = upstream();
    let gauge = QueueGauge::new();
    let rule = AgeBound::new(SECOND * 8);
    let config = LimitConfig::new("upstream")
        .with_age_bound(rule)
        .with_gauge(gauge.clone());
    let rules = Rules::new(super::Quotas::unlimited().with_slots(1));
    let layer = LimitLayer::new(config, rules);
    let service = layer.layer(model);
    let spawn = |priority| task::spawn(service.clone().oneshot(of("one", priority)));
    let mut first = spawn(Priority::Normal);
    assert_pending!(first.poll());
    let mut oldest = spawn(Priority::Normal);
    assert_pending!(oldest.poll());
    let mut background = spawn(Priority::Background);
    assert_pending!(background.poll());
    assert_eq!(gauge.len(), 2);
    advance(SECOND * 5).await;
    assert_eq!(gauge.oldest_age(), Some(SECOND * 5));
    let mut late = spawn(Priority::Normal);
    assert_pending!(late.poll());
    assert!(background.is_woken(), "it goes for the one that came");
    let error = assert_ready_err!(background.poll());
    assert_eq!(error.refused_by(), Some("shed"));
    advance(SECOND * 3).await;
    assert!(oldest.is_woken());
    let error = assert_ready!(oldest.poll()).unwrap_err();
    assert_eq!(
        error.refused_by(),
        Some("limit"),
        "nobody waits longer than the bound"
    );
    drop(late);
    assert!(gauge.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_priority_does_not_change_what_a_call_costs() {
    let (model, handle) = upstream();
    let layer = limit(requests(1, 2));
    let service = layer.layer(model);
    for priority in [
        Priority::Background,
        Priority::Interactive,
        Priority::Normal,
    ] {
        let mut call = task::spawn(service.clone().oneshot(of("one", priority)));
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 2);
}
