//! The service: requests in, responses out, connections kept in between.

mod builder;
mod exchange;

pub use self::builder::{ChannelBuilder, Http2};

use crate::{
    PoolStats, RequestBody, ResponseBody,
    connect::{Connector, Progress},
    origin::Origin,
    pool::{Lease, Pool},
};
use http::{Request, Response};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::{Error, task::boxed};

/// Connections to one origin. Cheap to clone; clones share the connections.
///
/// A request carries its path in origin form, such as `/v1/chat/completions`: what
/// [`base_path`](Self::base_path) says and what the provider adds. The channel adds `host` where the
/// request has none. A URI with scheme and host is accepted too, and is sent to this channel's origin
/// all the same.
///
/// It is always ready: how many calls run at once is for a limit layer to say.
///
/// Idle connections close when the last clone is dropped. Calls under way go on to their end.
///
/// # Errors
///
/// Of a call, by kind:
///
/// - [`Transport`](towline_core::ErrorKind::Transport): name lookup, connect, proxy, TLS, or the
///   connection broke before the response head. The message names the step.
/// - [`Timeout`](towline_core::ErrorKind::Timeout): no connection within the connect timeout.
/// - [`Protocol`](towline_core::ErrorKind::Protocol): what came back is not HTTP.
///
/// A response of any status is a response, not an error.
///
/// # Examples
///
/// The [crate docs](crate) have one that sends a request.
///
/// ```
/// use std::time::Duration;
/// use towline_transport::Channel;
///
/// let channel = Channel::builder("http://localhost:8080/v1/")
///     .connect_timeout(Duration::from_secs(3))
///     .build()?;
/// assert_eq!(channel.origin(), "http://localhost:8080");
/// assert_eq!(channel.base_path(), "/v1");
/// # Ok::<_, towline_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Channel {
    shared: Arc<Shared>,
}

/// The answer of a [`Channel`], up to its head.
///
/// # Cancel safety
///
/// Dropping it closes the exchange: what was written may be served and billed, its answer is not
/// read. An attempt to connect is given up.
#[must_use = "futures do nothing unless polled"]
pub struct ChannelFuture {
    // The one box of a call: hyper's own future has no name.
    inner: Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Error>> + Send>>,
}

/// What clones of a channel share.
#[derive(Debug)]
struct Shared {
    origin: Origin,
    pool: Arc<Pool>,
    connector: Connector,
    /// Orders the calls that have to connect while one connection may do for all.
    gate: tokio::sync::Mutex<()>,
    dials: Mutex<Dials>,
}

/// What attempts to connect have shown so far.
#[derive(Debug, Default)]
struct Dials {
    /// What the last connection spoke; `None` before the first.
    is_http2: Option<bool>,
    failures: u64,
    last_failure: Option<Error>,
}

// === impl Channel ===

impl Channel {
    /// Starts from a base URL: `https://api.openai.com/v1`, that is scheme, host, port, and a path
    /// prefix if there is one.
    pub fn builder(base_url: impl Into<String>) -> ChannelBuilder {
        ChannelBuilder::new(base_url.into())
    }

    /// The path prefix of the base URL, without the slash at its end. Empty if there is none.
    #[must_use]
    pub fn base_path(&self) -> &str {
        self.shared.origin.base_path()
    }

    /// The origin for messages, such as `https://api.openai.com`.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.shared.origin.text()
    }

    /// Sends `request`, as [`Service::call`] does, through a shared reference: a channel is always ready.
    pub fn send(&self, mut request: Request<RequestBody>) -> ChannelFuture {
        let complete = self.shared.complete(&mut request);
        let shared = Arc::clone(&self.shared);
        ChannelFuture {
            inner: boxed(|| shared.exchange(complete, request)),
        }
    }

    /// What the pool has done and holds.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.pool.stats()
    }
}

impl Service<Request<RequestBody>> for Channel {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ChannelFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> ChannelFuture {
        self.send(request)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("origin", &self.origin())
            .field("base_path", &self.base_path())
            .field("connector", &self.shared.connector)
            .field("stats", &self.stats())
            .finish()
    }
}

// === impl ChannelFuture ===

impl Future for ChannelFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for ChannelFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelFuture").finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    /// A connection for one exchange: an idle one if there is one, else a new one.
    async fn acquire(&self) -> Result<Lease, Error> {
        while let Some(mut lease) = self.pool.take() {
            if lease.ready().await {
                self.pool.count_reuse();
                return Ok(lease);
            }
        }
        self.open().await
    }

    /// A new connection, or a share of one that was opened while this call waited its turn.
    async fn open(&self) -> Result<Lease, Error> {
        let progress = Progress::default();
        let attempt = self.open_in_turn(&progress);
        self.connector
            .in_time(&self.origin, &progress, attempt)
            .await
    }
}

const _: () = {
    // The promises of the channel, held by the compiler.
    const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
    promised::<Channel>();
};
