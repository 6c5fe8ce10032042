//! Those that take no calls.

use super::{Model, NAMES, SECOND, ask, over, read, weight};
use crate::support::{failed, paused, question};
use proptest::prelude::*;
use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::time::{Instant, advance};
use tower::{ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    balance::{Balance, Deployment},
    health::Health,
};

/// Balances over models whose health is in the test's hands.
fn with_health(count: usize) -> (Balance<Model>, Vec<Arc<AtomicU32>>, Vec<Health>) {
    let healths: Vec<_> = (0..count).map(|_| Health::new()).collect();
    let models: Vec<_> = (0..count).map(|_| Model::new(SECOND / 10)).collect();
    let counts = models.iter().map(Model::calls).collect();
    let mut deployments = models.into_iter().zip(NAMES).zip(&healths);
    let mut deployment = || {
        let ((model, name), health) = deployments.next()?;
        Some(
            Deployment::new(name, model)
                .with_health(health)
                .with_weight(weight(2)),
        )
    };
    let mut balance = Balance::new(deployment().unwrap());
    while let Some(deployment) = deployment() {
        balance = balance.and(deployment);
    }
    (balance, counts, healths)
}

#[tokio::test(start_paused = true)]
async fn lb1_an_ejected_one_is_not_picked_while_another_takes_calls() {
    let (balance, counts, healths) = with_health(4);
    for ejected in 0..3 {
        healths[ejected].eject_until(Instant::now() + SECOND * 3_600);
        let before = read(&counts[ejected]);
        for _ in 0..100 {
            ask(&balance).await.unwrap();
        }
        assert_eq!(read(&counts[ejected]), before);
    }
    assert_eq!(balance.status()[3].ejected(), None);
    assert!(balance.status()[0].ejected().is_some());
    // Even where the one that is left was asked before.
    let mut request = question(false);
    request.context_mut().avoid("d");
    let before = read(&counts[3]);
    balance.clone().oneshot(request).await.unwrap();
    assert_eq!(read(&counts[3]), before + 1);
}

#[tokio::test(start_paused = true)]
async fn lb1_one_that_takes_calls_again_is_picked_again() {
    let (balance, counts, healths) = with_health(2);
    healths[0].eject_until(Instant::now() + SECOND * 30);
    for _ in 0..10 {
        ask(&balance).await.unwrap();
    }
    assert_eq!(read(&counts[0]), 0);
    advance(SECOND * 30).await;
    for _ in 0..100 {
        ask(&balance).await.unwrap();
    }
    assert!(read(&counts[0]) > 20);
}

#[tokio::test(start_paused = true)]
async fn lb2_where_none_takes_calls_the_one_is_asked_that_does_so_soonest() {
    let (balance, counts, healths) = with_health(3);
    healths[0].eject();
    healths[1].eject_until(Instant::now() + SECOND * 60);
    healths[2].eject_until(Instant::now() + SECOND * 90);
    for _ in 0..10 {
        ask(&balance).await.unwrap();
    }
    let asked: Vec<_> = counts.iter().map(|calls| read(calls)).collect();
    assert_eq!(asked, [0, 10, 0]);
}

#[tokio::test(start_paused = true)]
async fn lb1_a_breaker_that_refuses_is_believed_where_nobody_tells_of_its_health() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let open = service_fn(move |_: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        let refused = failed(ErrorKind::Overloaded)
            .with_refused_by("breaker")
            .with_retry_after(SECOND * 30);
        ready(Err::<Response, Error>(refused))
    });
    let well = Model::new(SECOND / 10);
    let (well_calls, well) = (well.calls(), tower::util::BoxCloneSyncService::new(well));
    let balance = Balance::new(Deployment::new(
        "a",
        tower::util::BoxCloneSyncService::new(open),
    ))
    .and(Deployment::new("b", well));
    for _ in 0..100 {
        // The one that finds out goes on to the other.
        balance.clone().oneshot(question(false)).await.unwrap();
    }
    assert_eq!(read(&asked), 1);
    assert_eq!(read(&well_calls), 100);
}

#[tokio::test(start_paused = true)]
async fn x6_balance_takes_refusals_of_limits_for_no_fault_of_the_deployment() {
    let (balance, counts) = over([Model::new(SECOND / 100)]);
    for layer in ["limit", "concurrency", "shed"] {
        let refused = service_fn(move |_: Request| {
            let error = failed(ErrorKind::RateLimit).with_refused_by(layer);
            ready(Err::<Response, Error>(error.with_retry_after(SECOND * 60)))
        });
        let alone = Balance::new(Deployment::new("a", refused));
        alone.clone().oneshot(question(false)).await.unwrap_err();
        assert_eq!(alone.status()[0].latency(), None, "{layer}");
        assert_eq!(alone.status()[0].ejected(), None, "{layer}");
    }
    ask(&balance).await.unwrap();
    assert_eq!(read(&counts[0]), 1);
}

proptest! {
    /// Whatever is ejected and avoided and however loaded the others are.
    #[test]
    fn lb1_no_ejected_one_is_ever_picked_while_another_is_not(
        count in 1..8_usize,
        ejected in any::<u8>(),
        avoided in any::<u8>(),
        sticky in any::<bool>(),
        calls in 1..20_usize,
    ) {
        paused().block_on(async {
            let (balance, counts, healths) = with_health(count);
            let balance = balance.with_sticky(sticky);
            let is = |set: u8, index: usize| set & (1 << index) != 0;
            for (index, health) in healths.iter().enumerate() {
                if is(ejected, index) {
                    health.eject_until(Instant::now() + SECOND * 86_400);
                }
            }
            for _ in 0..calls {
                let mut request = question(false);
                for index in (0..count).filter(|&index| is(avoided, index)) {
                    request.context_mut().avoid(NAMES[index]);
                }
                balance.clone().oneshot(request).await.unwrap();
            }
            let asked: Vec<_> = counts.iter().map(|calls| read(calls)).collect();
            let best = |index: usize| !is(ejected, index) && !is(avoided, index);
            let any_best = (0..count).any(best);
            let any_healthy = (0..count).any(|index| !is(ejected, index));
            for (index, &asked) in asked.iter().enumerate() {
                assert!(asked == 0 || !any_best || best(index));
                assert!(asked == 0 || !any_healthy || !is(ejected, index));
            }
            assert_eq!(asked.iter().sum::<u32>(), u32::try_from(calls).unwrap());
        });
    }
}
