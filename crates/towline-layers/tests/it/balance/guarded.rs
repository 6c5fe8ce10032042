//! Deployments with a breaker each.

use super::{Model, NAMES, SECOND, read};
use crate::support::{Handle, Upstream, question, upstream};
use std::sync::{Arc, atomic::AtomicU32};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt};
use towline_core::ErrorKind;
use towline_layers::{
    balance::{Balance, Deployment},
    breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerService, BreakerState},
};

type Guarded<S> = BreakerService<S>;

fn guarded<S>(name: &'static str, model: S, told: bool) -> (Breaker, Deployment<Guarded<S>>) {
    let breaker = Breaker::new(name, BreakerConfig::new());
    let deployment = Deployment::new(name, BreakerLayer::new(&breaker).layer(model));
    let deployment = if told {
        deployment.with_health(breaker.health())
    } else {
        deployment
    };
    (breaker, deployment)
}

#[tokio::test(start_paused = true)]
async fn lb1_no_call_is_refused_while_one_breaker_is_open_and_another_is_not() {
    for told in [true, false] {
        let (breaker, open) = guarded("a", Model::new(SECOND / 10), told);
        let (_well, well) = guarded("b", Model::new(SECOND / 10), told);
        let balance = Balance::new(open).and(well);
        breaker.force_open(SECOND * 60);
        for _ in 0..200 {
            balance.clone().oneshot(question(false)).await.unwrap();
        }
        // Where nobody tells, the first refusal does.
        let refused = breaker.status().refused();
        assert!(refused <= u64::from(!told), "{refused} were refused");
    }
}

#[tokio::test(start_paused = true)]
async fn lb1_one_that_is_back_gets_its_share_again() {
    let models: Vec<_> = (0..3).map(|_| Model::new(SECOND / 10)).collect();
    let counts: Vec<Arc<AtomicU32>> = models.iter().map(Model::calls).collect();
    let mut guarded = models
        .into_iter()
        .zip(NAMES)
        .map(|(model, name)| guarded(name, model, true));
    let (breaker, first) = guarded.next().unwrap();
    let balance = guarded.fold(Balance::new(first), |balance, (_, next)| balance.and(next));
    breaker.force_open(SECOND * 30);
    for _ in 0..100 {
        balance.clone().oneshot(question(false)).await.unwrap();
    }
    assert_eq!(read(&counts[0]), 0);
    advance(SECOND * 20).await;
    for _ in 0..300 {
        balance.clone().oneshot(question(false)).await.unwrap();
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(read(&counts[0]) > 60, "{}", read(&counts[0]));
}

/// Answers whatever was asked of the first, with a failure, and of the others.
fn answer(handles: &mut [Handle]) {
    for (index, handle) in handles.iter_mut().enumerate() {
        while let Some(exchange) = handle.try_next() {
            match index {
                0 => exchange.fail(ErrorKind::Overloaded),
                _ => exchange.reply("well"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lb2_where_all_breakers_are_open_the_refusal_says_when_the_first_closes() {
    let (models, mut handles): (Vec<Upstream>, Vec<Handle>) = (0..2).map(|_| upstream()).unzip();
    let mut guarded = models
        .into_iter()
        .zip(NAMES)
        .map(|(model, name)| guarded(name, model, true));
    let (a, first) = guarded.next().unwrap();
    let (b, second) = guarded.next().unwrap();
    let balance = Balance::new(first).and(second);
    a.force_open(SECOND * 60);
    b.force_open(SECOND * 20);
    let error = balance.clone().oneshot(question(false)).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("breaker"));
    assert_eq!(error.retry_after(), Some(SECOND * 20));
    // The first that cools down gets one call that tries; the others are told so.
    advance(SECOND * 20).await;
    let mut probe = task::spawn(balance.clone().oneshot(question(false)));
    assert_pending!(probe.poll());
    assert_eq!(b.state(), BreakerState::HalfOpen);
    let error = balance.clone().oneshot(question(false)).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("breaker"));
    answer(&mut handles);
    assert!(assert_ready!(probe.poll()).is_ok());
    assert_eq!(handles[0].total(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn x1_balance_and_breakers_hold_nothing_after_many_threads() {
    let (breakers, deployments): (Vec<_>, Vec<_>) = NAMES
        .into_iter()
        .take(4)
        .enumerate()
        .map(|(index, name)| {
            let took = std::time::Duration::ZERO;
            let model = match index {
                0 => Model::failing(took, ErrorKind::Server),
                _ => Model::new(took),
            };
            guarded(name, model, true)
        })
        .unzip();
    let mut deployments = deployments.into_iter();
    let first = Balance::new(deployments.next().unwrap());
    let balance = deployments.fold(first, Balance::and);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let balance = balance.clone();
        tasks.spawn(async move {
            for _ in 0..250 {
                let _failed = balance.clone().oneshot(question(false)).await;
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    assert!(balance.status().iter().all(|each| each.pending() == 0));
    assert!(
        breakers
            .iter()
            .all(|breaker| breaker.status().probes() == 0)
    );
}
