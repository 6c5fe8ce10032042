//! A service whose type is forgotten.
//!
//! A stack is a type of many types, one in another, and two things suffer where it is deep: a compiler
//! that has to know all of it at once takes minutes and gigabytes, and the future of a call is moved
//! once for each layer around it. An [`Erased`] service in the middle ends both, for one allocation a
//! call: around [`fallback`](https://docs.rs/towline-layers) is a good place, where the stack branches
//! anyway and the future is small enough for the quick way of allocators.

use crate::ask::{Ask, Cloning};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::{Error, Moment, task::boxed};

/// Any service that answers `Req` with `A`. Always ready: what it holds is made ready within the call.
///
/// Clones share what is inside.
///
/// # Examples
///
/// ```
/// use tower::{ServiceBuilder, service_fn};
/// use towline_core::{Body, Completion, Error, FinishReason, Head, Request, Response};
/// use towline_layers::erased::Erased;
///
/// let model = service_fn(|_request: Request| async {
///     let answer = Completion::new(vec!["Hello.".into()], FinishReason::Stop);
///     Ok::<_, Error>(Response::new(Head::new("mine", "small"), Body::complete(answer)))
/// });
/// // Whatever the layers are, this is the type.
/// let service: Erased<Request, Response> = Erased::new(ServiceBuilder::new().service(model));
/// ```
pub struct Erased<Req, A> {
    inner: Arc<dyn Call<Req, A>>,
}

/// The future that [`Erased`] returns.
///
/// # Cancel safety
///
/// That of the future inside.
pub type ErasedFuture<A> = Pin<Box<dyn Future<Output = Result<A, Error>> + Send>>;

/// The same for as long as somebody keeps what is asked.
type Borrowed<'a, A> = Pin<Box<dyn Future<Output = Result<A, Error>> + Send + 'a>>;

trait Call<Req, A>: Send + Sync {
    fn call(self: Arc<Self>, request: Req) -> ErasedFuture<A>;

    fn ask(&self, request: Req, moment: Moment) -> Borrowed<'_, A>;
}

/// Of a known type.
struct Known<S>(S);

// === impl Erased ===

impl<Req, A> Erased<Req, A> {
    /// Forgets the type of `service`.
    #[must_use]
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Req, Response = A, Error = Error, Future: Send> + Clone + Send + Sync + 'static,
        Req: Send + 'static,
        A: 'static,
    {
        Self::of(Cloning::new(service))
    }

    /// Forgets the type of a stack that is asked. It is kept here, and so needs no clone for a call.
    #[must_use]
    pub fn of<S>(stack: S) -> Self
    where
        S: Ask<Req, Answer = A> + 'static,
        Req: Send + 'static,
        A: 'static,
    {
        Self {
            inner: Arc::new(Known(stack)),
        }
    }
}

impl<Req, A> Service<Req> for Erased<Req, A> {
    type Response = A;
    type Error = Error;
    type Future = ErasedFuture<A>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        Arc::clone(&self.inner).call(request)
    }
}

impl<Req: Send + 'static, A: 'static> Ask<Req> for Erased<Req, A> {
    type Answer = A;

    fn ask_at(
        &self,
        request: Req,
        moment: Moment,
    ) -> impl Future<Output = Result<A, Error>> + Send {
        self.inner.ask(request, moment)
    }
}

impl<Req, A> Clone for Erased<Req, A> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<Req, A> fmt::Debug for Erased<Req, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erased").finish_non_exhaustive()
    }
}

// === impl Known ===

impl<S, Req, A> Call<Req, A> for Known<S>
where
    S: Ask<Req, Answer = A> + 'static,
    Req: Send + 'static,
    A: 'static,
{
    fn call(self: Arc<Self>, request: Req) -> ErasedFuture<A> {
        Box::pin(async move { self.0.ask(request).await })
    }

    fn ask(&self, request: Req, moment: Moment) -> Borrowed<'_, A> {
        boxed(|| self.0.ask_at(request, moment))
    }
}
