//! A call to one of the deployments, by way of tower.

use super::{
    asked::Asked,
    service::Shared,
    spare::{After, Spare},
};
use crate::handle::Handle;
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::time::Instant;
use tower_service::Service;
use towline_core::{Answer, Error, ErrorKind, Metered};

pin_project! {
    /// The future that [`Balance`](super::Balance) returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call to the deployment that was picked.
    #[must_use = "futures do nothing unless polled"]
    pub struct BalanceFuture<S, Req>
    where
        S: Service<Req>,
        S: 'static,
    {
        shared: Arc<Shared<S>>,
        // For another deployment.
        spare: Spare<Req>,
        #[pin]
        state: State<S, Req, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, F>
    where
        S: 'static,
    {
        Refused {
            error: Option<Error>,
        },
        Readying {
            service: S,
            request: Option<Req>,
            asked: Option<Asked<'static, S>>,
        },
        Asking {
            #[pin]
            call: F,
            asked: Option<Asked<'static, S>>,
        },
        Over,
    }
}

// === impl BalanceFuture ===

impl<S, Req> BalanceFuture<S, Req>
where
    S: Service<Req> + Clone,
    Req: Metered + Clone,
{
    pub(super) fn new(shared: &Arc<Shared<S>>, request: Req) -> Self {
        Self {
            spare: Spare::of(&request, shared.slots.len()),
            state: State::readying(shared, request),
            shared: Arc::clone(shared),
        }
    }
}

impl<S, Req> Future for BalanceFuture<S, Req>
where
    S: Service<Req, Error = Error> + Clone + Send + Sync + 'static,
    S::Response: Answer,
    Req: Metered + Clone,
{
    type Output = Result<S::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        loop {
            let (error, asked) = match state.as_mut().project() {
                StateProj::Refused { error } => (error.take().unwrap_or_else(over), None),
                StateProj::Readying {
                    service,
                    request,
                    asked,
                } => match (ready!(service.poll_ready(cx)), request.take()) {
                    (Ok(()), Some(request)) => {
                        let (call, asked) = (service.call(request), asked.take());
                        state.set(State::Asking { call, asked });
                        continue;
                    }
                    (Ok(()), None) => (over(), None),
                    (Err(error), _) => (error, asked.take()),
                },
                StateProj::Asking { call, asked } => match (ready!(call.poll(cx)), asked.take()) {
                    (Ok(mut answer), asked) => {
                        // The call is gone before its result is seen.
                        state.set(State::Over);
                        asked.into_iter().for_each(|asked| answer.watch(asked));
                        return Poll::Ready(Ok(answer));
                    }
                    (Err(error), asked) => (error, asked),
                },
                StateProj::Over => (over(), None),
            };
            // So is one that failed, before anybody else is asked.
            state.set(State::Over);
            let after = match asked {
                Some(asked) => this.spare.after(error, asked),
                None => After::Fail(error),
            };
            match after {
                After::Ask(request) => state.set(State::readying(this.shared, request)),
                After::Fail(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<S, Req> fmt::Debug for BalanceFuture<S, Req>
where
    S: Service<Req> + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "refused",
            State::Readying { .. } => "readying",
            State::Asking { .. } => "asking",
            State::Over => "over",
        };
        f.debug_struct("BalanceFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

// === impl State ===

impl<S: Clone, Req: Metered, F> State<S, Req, F> {
    /// Of a call to a deployment that is picked now.
    fn readying(shared: &Arc<Shared<S>>, mut request: Req) -> Self {
        let now = Instant::now();
        match shared.pick(&mut request, now) {
            Ok((index, slot)) => Self::Readying {
                service: slot.deployment.service().clone(),
                asked: Some(Asked::new(
                    Handle::Owned(Arc::clone(shared)),
                    index,
                    now,
                    &request,
                )),
                request: Some(request),
            },
            Err(error) => Self::Refused { error: Some(error) },
        }
    }
}

fn over() -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message("the call was polled after its end")
}
