//! Calls through a shared reference: what a whole stack is made of once it is put together.
//!
//! A tower service is called through `&mut self`, and the future of a call lives as long as it likes.
//! So whoever calls a service of many at once has to clone it for each call, with all that its layers
//! share, and every layer returns the futures of all those inside it by value. Neither is needed where
//! somebody keeps the stack for as long as the call takes. Such a stack is *asked* ([`Ask`]): its
//! layers borrow what they share, and the future of each is made where it stays.
//!
//! Most layers can be called and asked, with the same effect. `hedge`, `coalesce`, `shed` and the
//! continuation of `fallback` can only be called. What can only be called is asked through [`Cloning`];
//! what can only be asked becomes a service again with [`Erased::of`](crate::erased::Erased::of).
//!
//! Whoever asks says what time it is ([`Ask::ask_at`]), so that a call that waits for nothing reads the
//! clock once on its way in.
//!
//! # Shared between clones
//!
//! What the service shares that is asked.
//!
//! # Examples
//!
//! ```
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Request, Response};
//! use towline_layers::{
//!     ask::{Ask, Cloning},
//!     retry::{RetryLayer, RetryPolicy},
//! };
//! use tower::{Layer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let model = service_fn(|request: Request| async move {
//!     let answer = Completion::new(vec!["Hello.".into()], FinishReason::Stop);
//!     Ok::<_, Error>(Response::new(Head::new("any", request.model()), Body::complete(answer)))
//! });
//! let model = RetryLayer::new(RetryPolicy::default()).layer(Cloning::new(model));
//! let answer = model.ask(Request::new("gpt-4o-mini", "Hello?")).await?;
//! assert_eq!(answer.collect().await?.text(), "Hello.");
//! # Ok(())
//! # }
//! ```

use std::future::poll_fn;
use tower_service::Service;
use towline_core::{Error, Moment};

/// Answers requests of type `Req`, any number at once, through a shared reference. It is always ready.
pub trait Ask<Req>: Send + Sync {
    /// What it answers with.
    type Answer;

    /// Asks. Nothing happens before the future is polled.
    ///
    /// # Errors
    ///
    /// Those of the layers and of the provider.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call and gives back what it held; what was sent by then may be
    /// billed.
    fn ask(&self, request: Req) -> impl Future<Output = Result<Self::Answer, Error>> + Send {
        self.ask_at(request, Moment::new())
    }

    /// The same, for a layer around it that knows what time it is. The future is polled at once: a
    /// layer that waits passes a moment on that is as new as the end of its wait: clocks further in start
    /// there. A call that was polled stays in its task, or is polled from outside in the new one.
    ///
    /// # Errors
    ///
    /// Those of [`ask`](Self::ask).
    ///
    /// # Cancel safety
    ///
    /// That of [`ask`](Self::ask).
    fn ask_at(
        &self,
        request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// Asks a tower service: makes a clone for each call, waits until it is ready, and calls it.
#[derive(Clone, Debug)]
pub struct Cloning<S> {
    service: S,
}

// === impl Cloning ===

impl<S> Cloning<S> {
    /// Asks `service`.
    #[must_use]
    pub const fn new(service: S) -> Self {
        Self { service }
    }
}

impl<S, Req> Ask<Req> for Cloning<S>
where
    S: Service<Req, Error = Error, Future: Send> + Clone + Send + Sync,
    Req: Send,
{
    type Answer = S::Response;

    fn ask_at(
        &self,
        request: Req,
        _moment: Moment,
    ) -> impl Future<Output = Result<S::Response, Error>> + Send {
        async move {
            let mut service = self.service.clone();
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        }
    }
}
