//! Finding out what a target bears.

use super::SECOND;
use crate::support::{failed, question, whole};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};
use tower::{Layer, Service, ServiceExt, service_fn};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::{adaptive::Adaptive, concurrency::ConcurrencyLayer};

/// Serves so many calls at once, two seconds each, and turns others away after 50 ms.
fn server(
    capacity: &Arc<AtomicUsize>,
) -> impl Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + use<>
{
    let capacity = Arc::clone(capacity);
    let serving = Arc::<AtomicUsize>::default();
    service_fn(move |_: Request| {
        let (capacity, serving) = (Arc::clone(&capacity), Arc::clone(&serving));
        async move {
            if serving.fetch_add(1, Ordering::SeqCst) < capacity.load(Ordering::SeqCst) {
                sleep(2 * SECOND).await;
                serving.fetch_sub(1, Ordering::SeqCst);
                return Ok(whole("whole"));
            }
            serving.fetch_sub(1, Ordering::SeqCst);
            sleep(Duration::from_millis(50)).await;
            Err(failed(ErrorKind::Overloaded))
        }
    })
}

/// The mean limit over `seconds`, in hundredths of `capacity`.
async fn limit_over(layer: &ConcurrencyLayer, seconds: usize, capacity: usize) -> usize {
    let handle = layer.handle();
    let mut sum = 0;
    for _ in 0..seconds {
        sum += handle.limit();
        assert!(
            handle.in_flight() > 0 && handle.waiting() > 0,
            "there is more to do"
        );
        sleep(SECOND).await;
    }
    sum * 100 / seconds / capacity
}

#[tokio::test(start_paused = true)]
async fn cl3_the_layer_finds_what_a_server_bears_and_follows_a_halving_within_30_s() {
    let capacity = Arc::new(AtomicUsize::new(40));
    let layer = ConcurrencyLayer::adaptive(Adaptive::default());
    let service = layer.layer(server(&capacity));
    let mut callers = JoinSet::new();
    for _ in 0..300 {
        let service = service.clone();
        callers.spawn(async move {
            loop {
                // Some fail: the server turns them away, as the limit is being looked for.
                drop(service.clone().oneshot(question(false)).await);
            }
        });
    }
    sleep(90 * SECOND).await;
    let found = limit_over(&layer, 60, 40).await;
    assert!((80..=120).contains(&found), "{found} % of 40");
    capacity.store(20, Ordering::SeqCst);
    sleep(30 * SECOND).await;
    let found = limit_over(&layer, 60, 20).await;
    assert!((80..=120).contains(&found), "{found} % of 20");
}
