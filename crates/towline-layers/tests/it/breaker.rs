//! The breaker.

mod any_order;
mod asked;
mod opens;
mod recovers;
mod says;

use crate::support::{Upstream, Way, upstream, whole};
use std::{fmt, future::ready, num::NonZeroU32, time::Duration};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{
    breaker::{Breaker, BreakerConfig, BreakerLayer, BreakerService, BreakerState},
    erased::Erased,
    health::Health,
};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(10);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<Breaker>();
const _: () = promised::<BreakerLayer>();
const _: () = promised::<BreakerService<()>>();
const _: () = promised::<Health>();

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Three failures in a row open it for ten seconds at first; one good probe closes it.
fn config() -> BreakerConfig {
    BreakerConfig::new()
        .with_failures(Some(n(3)))
        .with_cooldown(COOLDOWN, COOLDOWN * 8)
        .with_successes(n(1))
}

fn guarded(config: BreakerConfig) -> (Breaker, BreakerService<Upstream>, crate::support::Handle) {
    let (model, handle) = upstream();
    let breaker = Breaker::new("east", config);
    let service = BreakerLayer::new(&breaker).layer(model);
    (breaker, service, handle)
}

/// The same, called or asked.
fn guarded_by(
    way: Way,
    config: BreakerConfig,
) -> (Breaker, Erased<Request, Response>, crate::support::Handle) {
    let (model, handle) = upstream();
    let breaker = Breaker::new("east", config);
    let service = way.around(&BreakerLayer::new(&breaker), model);
    (breaker, service, handle)
}

/// Makes a call whose answer is `answer`.
async fn call(
    breaker: &Breaker,
    answer: impl FnOnce() -> Result<Response, Error>,
) -> Result<Response, Error> {
    let mut answer = Some(answer);
    let model = service_fn(move |_: Request| {
        let answer = answer.take().expect("one call");
        ready(answer())
    });
    let service = BreakerLayer::new(breaker).layer(model);
    service.oneshot(crate::support::question(false)).await
}

async fn fails(breaker: &Breaker, kind: ErrorKind) -> Error {
    let failed = || Err(crate::support::failed(kind));
    call(breaker, failed).await.unwrap_err()
}

async fn succeeds(breaker: &Breaker) -> Result<Response, Error> {
    call(breaker, || Ok(whole("well"))).await
}

/// Opens it by three failures.
async fn trip(breaker: &Breaker) {
    for _ in 0..3 {
        assert_eq!(fails(breaker, ErrorKind::Server).await.refused_by(), None);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn x5_breaker_uses_the_service_that_was_made_ready() {
    /// Panics where it is called without being ready.
    #[derive(Clone, Debug)]
    struct Strict {
        ready: bool,
    }

    impl Service<Request> for Strict {
        type Response = Response;
        type Error = Error;
        type Future = std::future::Ready<Result<Response, Error>>;

        fn poll_ready(
            &mut self,
            _cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Error>> {
            self.ready = true;
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request) -> Self::Future {
            assert!(std::mem::replace(&mut self.ready, false), "ready first");
            ready(Ok(whole("well")))
        }
    }

    let breaker = Breaker::new("east", config());
    let service = BreakerLayer::new(&breaker).layer(Strict { ready: false });
    for _ in 0..3 {
        let service = service.clone();
        assert!(
            service
                .oneshot(crate::support::question(false))
                .await
                .is_ok()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn x5_breaker_passes_readiness_through_and_wakes_nobody() {
    let (model, _calls) = tokio::sync::mpsc::channel::<()>(1);
    let (breaker, mut service, mut handle) = guarded(config());
    drop(model);
    let mut ready = task::spawn(std::future::poll_fn(|cx| {
        Service::<Request>::poll_ready(&mut service, cx)
    }));
    assert_ready!(ready.poll()).unwrap();
    drop(ready);
    let mut waiting = task::spawn(service.call(crate::support::question(false)));
    assert_pending!(waiting.poll());
    tokio::time::advance(SECOND * 60).await;
    assert!(!waiting.is_woken(), "nothing is done before the answer");
    handle.next().await.reply("well");
    assert!(waiting.is_woken());
    assert!(assert_ready!(waiting.poll()).is_ok());
    assert_eq!(breaker.status().succeeded(), 1);
}
