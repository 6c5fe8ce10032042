//! The balancer.

mod any_order;
mod ejects;
#[cfg(feature = "breaker")]
mod guarded;
mod picks;
mod siblings;
mod sticks;

use crate::support::{Handle, Upstream, failed, question, upstream, whole};
use std::{
    fmt,
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tower::{Service, ServiceExt};
use towline_core::{Error, ErrorKind, Request, Response};
use towline_layers::balance::{Balance, Deployment};

const SECOND: Duration = Duration::from_secs(1);

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<Balance<()>>();
const _: () = promised::<Deployment<()>>();

/// A model that answers after a time, or fails after it. Counts its calls, and insists on being made
/// ready.
#[derive(Debug)]
struct Model {
    takes: Duration,
    fails: Option<ErrorKind>,
    calls: Arc<AtomicU32>,
    ready: bool,
}

impl Model {
    fn new(takes: Duration) -> Self {
        Self {
            takes,
            fails: None,
            calls: Arc::default(),
            ready: false,
        }
    }

    fn failing(takes: Duration, kind: ErrorKind) -> Self {
        Self {
            fails: Some(kind),
            ..Self::new(takes)
        }
    }

    fn calls(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.calls)
    }
}

impl Clone for Model {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls(),
            ready: false,
            ..*self
        }
    }
}

impl Service<Request> for Model {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        assert!(std::mem::replace(&mut self.ready, false), "ready first");
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (takes, fails) = (self.takes, self.fails);
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            match fails {
                Some(kind) => Err(failed(kind)),
                None => Ok(whole("well")),
            }
        })
    }
}

fn weight(weight: u32) -> NonZeroU32 {
    NonZeroU32::new(weight).unwrap()
}

fn read(calls: &AtomicU32) -> u32 {
    calls.load(Ordering::Relaxed)
}

const NAMES: [&str; 16] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p",
];

/// Balances over models, and counts their calls.
fn over(models: impl IntoIterator<Item = Model>) -> (Balance<Model>, Vec<Arc<AtomicU32>>) {
    let mut counts = Vec::new();
    let mut balance: Option<Balance<Model>> = None;
    for (model, name) in models.into_iter().zip(NAMES) {
        counts.push(model.calls());
        let deployment = Deployment::new(name, model);
        balance = Some(match balance {
            Some(balance) => balance.and(deployment),
            None => Balance::new(deployment),
        });
    }
    (balance.unwrap(), counts)
}

/// Balances over upstreams that the test answers.
fn upstreams(count: usize) -> (Balance<Upstream>, Vec<Handle>) {
    let (models, handles): (Vec<_>, Vec<_>) = (0..count).map(|_| upstream()).unzip();
    let mut deployments = models
        .into_iter()
        .zip(NAMES)
        .map(|(model, name)| Deployment::new(name, model));
    let first = Balance::new(deployments.next().unwrap());
    (deployments.fold(first, Balance::and), handles)
}

async fn ask(balance: &Balance<Model>) -> Result<Response, Error> {
    balance.clone().oneshot(question(false)).await
}
