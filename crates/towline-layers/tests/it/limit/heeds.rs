//! What a rejection does to a limit that learns nothing.

use super::{SECOND, limit, requests, tokens};
use crate::support::{Upstream, failed, question, upstream};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, ServiceExt};
use towline_core::{Context, ErrorKind, Request};
use towline_layers::limit::{Limit, LimitConfig, LimitKey, LimitLayer, Quotas, Rules};

fn told(config: LimitConfig, quotas: Quotas) -> LimitLayer {
    LimitLayer::new(config.with_learn(false), Rules::new(quotas))
}

fn upstream_config() -> LimitConfig {
    LimitConfig::new("upstream")
}

/// Makes a call that is rejected for two seconds.
async fn reject(service: &Limit<Upstream>, handle: &mut crate::support::Handle, request: Request) {
    let mut call = task::spawn(service.clone().oneshot(request));
    assert_pending!(call.poll());
    let error = failed(ErrorKind::RateLimit).with_retry_after(SECOND * 2);
    handle.next().await.answer(Err(error));
    assert_ready_err!(call.poll());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_empties_the_bucket_whether_or_not_headers_are_learned_from() {
    let limits = [
        requests(1, 10),
        tokens(1000),
        Quotas::unlimited().with_slots(10),
    ];
    for quotas in limits {
        let learning = limit(quotas);
        for layer in [learning, told(upstream_config(), quotas)] {
            let (model, mut handle) = upstream();
            let service = layer.layer(model);
            reject(&service, &mut handle, question(false)).await;
            let mut next = task::spawn(service.clone().oneshot(question(false)));
            assert_pending!(next.poll());
            advance(SECOND * 2 - SECOND / 1000).await;
            assert_pending!(next.poll());
            assert_eq!((handle.total(), layer.handle().waiting()), (1, 1));
            advance(SECOND / 1000).await;
            assert_pending!(next.poll());
            assert_eq!(handle.total(), 2, "as soon as it was told");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_rate_is_guessed_from_rejections_where_nothing_is_learned() {
    let layer = told(upstream_config(), Quotas::unlimited().with_slots(10));
    let (model, mut handle) = upstream();
    let service = layer.layer(model);
    reject(&service, &mut handle, question(false)).await;
    advance(SECOND * 2).await;
    let mut calls: Vec<_> = (0..10)
        .map(|_| task::spawn(service.clone().oneshot(question(false))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 11, "all slots are there at once");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_nothing_that_learns_nothing_stays_open_after_a_rejection() {
    let layer = told(upstream_config(), Quotas::unlimited());
    let (model, mut handle) = upstream();
    let service = layer.layer(model);
    reject(&service, &mut handle, question(false)).await;
    let mut next = task::spawn(service.oneshot(question(false)));
    assert_pending!(next.poll());
    assert_eq!((handle.total(), layer.handle().waiting()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tenants_own_limit_takes_no_notice_of_what_a_provider_rejects() {
    for key in [LimitKey::Tenant, LimitKey::ModelAndTenant] {
        let layer = told(upstream_config().with_key(key), requests(10, 10));
        let (model, mut handle) = upstream();
        let service = layer.layer(model);
        let ask = || question(false).with_context(Context::new().with_tenant("tenant"));
        reject(&service, &mut handle, ask()).await;
        let mut next = task::spawn(service.oneshot(ask()));
        assert_pending!(next.poll());
        assert_eq!(handle.total(), 2);
        handle.next().await.reply("done");
        assert!(assert_ready!(next.poll()).is_ok());
    }
}
