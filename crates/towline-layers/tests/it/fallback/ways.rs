//! Both ways to call a fallback: as a service, and asked.

use crate::support::{Handle, Upstream, upstream};
use std::pin::Pin;
use tokio_test::task;
use tower::ServiceExt;
use towline_core::{Capabilities, Error, Request, Response};
use towline_layers::{
    ask::{Ask, Cloning},
    fallback::{Fallback, Target},
};

pub(super) type Call = task::Spawn<Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>>;

/// How a fallback is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Service,
    Ask,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About {
    pub(super) can: Option<Capabilities>,
    pub(super) window: Option<u64>,
    pub(super) window_of: Option<&'static str>,
}

pub(super) const WAYS: [Way; 2] = [Way::Service, Way::Ask];

/// A call of `request` to targets `a`, `b`, `c` ... with models of these names, but for the first,
/// which gets that of the caller.
pub(super) fn call<const N: usize>(
    way: Way,
    about: [About; N],
    request: Request,
) -> (Call, [Handle; N]) {
    let (models, handles): (Vec<_>, Vec<_>) = about.iter().map(|_| upstream()).unzip();
    let call: Pin<Box<dyn Future<Output = _> + Send>> = match way {
        Way::Service => Box::pin(fallback(&about, models).oneshot(request)),
        Way::Ask => {
            let models = models.into_iter().map(Cloning::<Upstream>::new).collect();
            let fallback = fallback(&about, models);
            Box::pin(async move { fallback.ask(request).await })
        }
    };
    let handles = handles.try_into().expect("as many as targets");
    (task::spawn(call), handles)
}

fn fallback<S: Clone>(about: &[About], services: Vec<S>) -> Fallback<S> {
    let names = ["a", "b", "c", "d"].into_iter();
    let mut targets = names
        .zip(about)
        .zip(services)
        .map(|((name, about), service)| {
            let mut target = Target::new(name, service);
            if name != "a" {
                target = target.with_model(name);
            }
            if let Some(can) = about.can {
                target = target.with_capabilities(can);
            }
            if let Some(window) = about.window {
                target = target.with_window(window);
            }
            match about.window_of {
                Some(model) => target.with_window_of(model),
                None => target,
            }
        });
    let first = Fallback::new(targets.next().expect("at least one"));
    targets.fold(first, Fallback::then)
}
