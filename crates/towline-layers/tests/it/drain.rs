//! The gate.

use crate::support::{Upstream, Way, question, upstream};
use std::{fmt, time::Duration};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceExt};
use towline_core::{Context, Ending, ErrorKind, Event, Journey, Moment, Step, Usage, Watch};
use towline_layers::drain::{Drain, DrainLayer, DrainService};

const SECOND: Duration = Duration::from_secs(1);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<Drain>();
const _: () = promised::<DrainLayer>();
const _: () = promised::<DrainService<()>>();

fn gated(model: Upstream) -> (Drain, DrainService<Upstream>) {
    let drain = Drain::new();
    let service = DrainLayer::new(&drain).layer(model);
    (drain, service)
}

#[tokio::test(start_paused = true)]
async fn dr1_nobody_is_let_in_after_the_start() {
    let (model, mut handle) = upstream();
    let (drain, service) = gated(model);
    let mut early = task::spawn(service.clone().oneshot(question(false)));
    assert_pending!(early.poll());
    drain.start();
    let error = service.oneshot(question(false)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.refused_by(), Some("drain"));
    handle.next().await.reply("who was inside goes on");
    assert!(assert_ready!(early.poll()).is_ok());
    assert!(handle.try_next().is_none(), "the late one was not sent");
}

#[tokio::test(start_paused = true)]
async fn x6_drain_writes_its_refusals_into_the_journey() {
    let (model, _handle) = upstream();
    let (drain, service) = gated(model);
    drain.start();
    let journey = Journey::new();
    let request = question(false).with_context(Context::new().with_journey(journey.clone()));
    service.oneshot(request).await.unwrap_err();
    let refused = Step::Refused {
        layer: "drain",
        kind: ErrorKind::Closed,
        retry_after: None,
    };
    assert_eq!(journey.steps(), [refused]);
}

#[tokio::test(start_paused = true)]
async fn dr2_it_returns_when_the_last_one_has_left_and_not_before() {
    let (model, mut handle) = upstream();
    let (drain, service) = gated(model);
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    drop(call);

    let mut run = task::spawn(drain.run(SECOND * 30));
    assert_pending!(run.poll());
    feed.text("a stream counts as long as it is read");
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert_pending!(run.poll());
    feed.finish();
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert!(run.is_woken());
    assert_eq!(assert_ready!(run.poll()).cut(), 0);
    assert_eq!(drain.inside(), 0);
}

/// Sees what a stream that was cut has used.
struct Settle(std::sync::Arc<std::sync::Mutex<Option<(bool, Option<u64>)>>>);

impl Watch for Settle {
    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, _moment: &Moment) {
        let failed = matches!(ending, Ending::Failed(_));
        *self.0.lock().unwrap() = Some((failed, usage.and_then(Usage::total)));
    }
}

#[tokio::test(start_paused = true)]
async fn dr3_a_stream_at_the_deadline_gets_a_typed_error_and_its_usage_is_settled() {
    let (model, mut handle) = upstream();
    let settled = std::sync::Arc::default();
    let settle = std::sync::Arc::clone(&settled);
    let model = model.map_response(move |mut response| {
        response
            .body_mut()
            .watch(Settle(std::sync::Arc::clone(&settle)));
        response
    });
    let drain = Drain::new();
    let service = DrainLayer::new(&drain).layer(model);
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    feed.text("half");
    feed.send(Event::Usage(Usage::inclusive(3, 1)));
    assert!(response.body_mut().next().await.unwrap().is_ok());
    assert!(response.body_mut().next().await.unwrap().is_ok());

    let mut reader = task::spawn(response.body_mut().next());
    assert_pending!(reader.poll());
    let mut run = task::spawn(drain.run(SECOND));
    assert_pending!(run.poll());
    advance(SECOND).await;
    assert_eq!(assert_ready!(run.poll()).cut(), 1);
    assert!(reader.is_woken());
    let error = assert_ready!(reader.poll()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.partial().unwrap().text(), "half");
    assert!(feed.is_abandoned());
    assert_eq!(*settled.lock().unwrap(), Some((true, Some(4))));
    drop(reader);
    assert_eq!(drain.inside(), 0);
}

#[tokio::test(start_paused = true)]
async fn dr3_a_call_without_its_head_at_the_deadline_gets_a_typed_error() {
    let (model, mut handle) = upstream();
    let (drain, service) = gated(model);
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    let exchange = handle.next().await;
    assert_eq!(drain.run(SECOND).await.cut(), 1);
    assert!(call.is_woken());
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Closed);
    assert!(exchange.is_abandoned());
    assert_eq!(drain.inside(), 0);
}

#[tokio::test(start_paused = true)]
async fn dr4_several_may_drain_at_once_and_again() {
    let (model, mut handle) = upstream();
    let (drain, service) = gated(model);
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    let other = drain.clone();
    let mut first = task::spawn(drain.run(SECOND * 30));
    let mut second = task::spawn(other.run(SECOND * 30));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    handle.next().await.reply("done");
    assert!(assert_ready!(call.poll()).is_ok());
    assert_eq!(assert_ready!(first.poll()).cut(), 0);
    assert_eq!(assert_ready!(second.poll()).cut(), 0);
    assert_eq!(drain.run(SECOND).await.cut(), 0, "and again");
}

#[tokio::test(start_paused = true)]
async fn dr4_a_drain_that_is_given_up_leaves_the_gate_closed_and_cuts_nobody() {
    let (model, mut handle) = upstream();
    let (drain, service) = gated(model);
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    let mut run = task::spawn(drain.run(SECOND));
    assert_pending!(run.poll());
    drop(run);
    advance(SECOND * 2).await;
    assert_pending!(call.poll());
    assert!(drain.is_closed());
    handle.next().await.reply("still");
    assert!(assert_ready!(call.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn x3_drain_counts_nobody_who_was_dropped() {
    for (way, steps) in Way::BOTH
        .into_iter()
        .flat_map(|way| (0..4).map(move |n| (way, n)))
    {
        let (model, mut handle) = upstream();
        let drain = Drain::new();
        let service = way.around(&DrainLayer::new(&drain), model);
        let mut call = task::spawn(service.oneshot(question(true)));
        assert_pending!(call.poll());
        let exchange = (steps > 0).then_some(handle.next().await);
        let feed = exchange
            .filter(|_| steps > 1)
            .map(super::support::Exchange::stream);
        let response = feed.as_ref().map(|_| assert_ready!(call.poll()).unwrap());
        drop(call);
        if steps > 2 {
            assert_eq!(drain.inside(), 1, "the body counts");
        }
        drop(response);
        assert_eq!(drain.inside(), 0, "{way:?}, after {steps} steps");
        assert_eq!(drain.run(SECOND).await.cut(), 0);
    }
}
