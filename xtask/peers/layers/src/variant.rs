//! A way to make a call.

use crate::model::Question;
use peer_harness::BoxError;
use std::{fmt, future::poll_fn, hint::black_box};
use tokio::runtime::Runtime;
use tower::Service;
use towline_core::{Request, Response};
use towline_layers::ask::Ask;

/// Makes a number of calls, one after another.
type Calls = Box<dyn FnMut(&Runtime, u32) -> Result<(), BoxError>>;

/// A service under measurement.
pub(crate) struct Variant {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    /// Bytes of the future of a call.
    pub(crate) future: usize,
    calls: Calls,
}

// === impl Variant ===

impl Variant {
    /// Calls `service` itself, as the layer around it does that owns it.
    pub(crate) fn alone<S>(name: &'static str, mut service: S) -> Self
    where
        S: Service<Request, Response = Response> + 'static,
        S::Error: Into<BoxError>,
    {
        let question = Question::new();
        let calls = move |runtime: &Runtime, calls| {
            runtime.block_on(async {
                for _ in 0..calls {
                    call(&mut service, &question).await?;
                }
                Ok(())
            })
        };
        Self::new(name, size_of::<S::Future>(), calls)
    }

    /// Calls a clone for each call, as a server does that serves many at once.
    pub(crate) fn shared<S>(name: &'static str, service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + 'static,
        S::Error: Into<BoxError>,
    {
        let question = Question::new();
        let calls = move |runtime: &Runtime, calls| {
            runtime.block_on(async {
                for _ in 0..calls {
                    call(&mut service.clone(), &question).await?;
                }
                Ok(())
            })
        };
        Self::new(name, size_of::<S::Future>(), calls)
    }

    /// Asks what somebody keeps who calls it.
    pub(crate) fn asked<S>(name: &'static str, stack: S) -> Self
    where
        S: Ask<Request, Answer = Response> + 'static,
    {
        let question = Question::new();
        let request = question.request();
        let future = size_of_val(&stack.ask(request));
        let calls = move |runtime: &Runtime, calls| {
            runtime.block_on(async {
                for _ in 0..calls {
                    black_box(stack.ask(question.request()).await?);
                }
                Ok(())
            })
        };
        Self::new(name, future, calls)
    }

    /// Does what is no call: a yardstick of the machine.
    pub(crate) fn plain(name: &'static str, mut step: impl FnMut() + 'static) -> Self {
        let calls = move |_: &Runtime, calls| {
            for _ in 0..calls {
                step();
            }
            Ok(())
        };
        Self::new(name, 0, calls)
    }

    fn new(
        name: &'static str,
        future: usize,
        calls: impl FnMut(&Runtime, u32) -> Result<(), BoxError> + 'static,
    ) -> Self {
        Self {
            name,
            future,
            calls: Box::new(calls),
        }
    }

    /// Makes `calls` calls.
    pub(crate) fn run(&mut self, runtime: &Runtime, calls: u32) -> Result<(), BoxError> {
        (self.calls)(runtime, calls)
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

async fn call<S>(service: &mut S, question: &Question) -> Result<(), BoxError>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    let ready = poll_fn(|cx| service.poll_ready(cx)).await;
    ready.map_err(Into::into)?;
    let answer = service.call(question.request()).await.map_err(Into::into)?;
    black_box(answer);
    Ok(())
}
