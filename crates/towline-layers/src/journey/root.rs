//! The record of a call, from its start to its end.

use crate::ask::Ask;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;
use towline_core::{Answer, Error, Journey, Metered, Moment, Watch};

/// Starts the record of each call. The [module docs](super) say where it goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct JourneyLayer {
    _private: (),
}

/// The service that [`JourneyLayer`] makes.
#[derive(Clone, Debug)]
pub struct Root<S> {
    inner: S,
}

pin_project! {
    /// The future that [`Root`] returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call. The record stays with whoever holds it.
    #[derive(Debug)]
    pub struct RootFuture<F> {
        #[pin]
        call: F,
        // Absent once it is over.
        journey: Option<Journey>,
    }
}

/// Adds the record to an error in the middle of a stream.
struct Sign {
    journey: Journey,
}

// === impl JourneyLayer ===

impl JourneyLayer {
    /// A layer that starts records.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

impl<S> Layer<S> for JourneyLayer {
    type Service = Root<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Root { inner }
    }
}

// === impl Root ===

impl<S, Req> Service<Req> for Root<S>
where
    S: Service<Req, Error = Error>,
    S::Response: Answer,
    Req: Metered,
{
    type Response = S::Response;
    type Error = Error;
    type Future = RootFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let journey = begin(&mut request, &Moment::new());
        RootFuture {
            call: self.inner.call(request),
            journey: Some(journey),
        }
    }
}

impl<S, Req> Ask<Req> for Root<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered,
{
    type Answer = S::Answer;

    fn ask_at(
        &self,
        mut request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<S::Answer, Error>> + Send {
        async move {
            let journey = begin(&mut request, &moment);
            hand_over(self.inner.ask_at(request, moment).await, journey)
        }
    }
}

/// The record of the call: the one that it has, or a new one.
fn begin(request: &mut impl Metered, moment: &Moment) -> Journey {
    if let Some(journey) = request.context().journey() {
        return journey.clone();
    }
    let journey = Journey::starting_at(moment.now());
    request.context_mut().set_journey(journey.clone());
    journey
}

/// Gives the record to whoever gets the answer or the error.
fn hand_over<A: Answer>(result: Result<A, Error>, journey: Journey) -> Result<A, Error> {
    match result {
        Ok(mut answer) => {
            if !answer.is_whole() {
                let journey = journey.clone();
                answer.watch(Sign { journey });
            }
            answer.head_mut().set_journey(journey);
            Ok(answer)
        }
        Err(error) => Err(error.with_journey(journey)),
    }
}

// === impl RootFuture ===

impl<F, A> Future for RootFuture<F>
where
    F: Future<Output = Result<A, Error>>,
    A: Answer,
{
    type Output = Result<A, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(cx));
        Poll::Ready(match this.journey.take() {
            Some(journey) => hand_over(result, journey),
            None => result,
        })
    }
}

// === impl Sign ===

impl Watch for Sign {
    fn on_error(&mut self, error: Error) -> Error {
        error.with_journey(self.journey.clone())
    }
}
