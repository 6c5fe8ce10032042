//! From an origin to a connection that takes requests: dial, proxy, TLS, HTTP.

mod secure;
mod tcp;
mod tunnel;

pub(crate) use self::tcp::TcpDial;

use crate::{
    Http2, ProxyConfig, RequestBody, fault,
    origin::Origin,
    pool::{H1Conn, H2Conn, Line},
};
use hyper::{
    client::conn::http1,
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::timeout,
};
use towline_core::Error;

/// A connected byte stream. Everything that fits is one.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// What [`Dial::dial`] returns.
pub type DialFuture<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Io>, Error>> + Send + 'a>>;

/// Opens byte streams. The default is TCP with `TCP_NODELAY`; simulations bring their own.
///
/// TLS, the proxy's CONNECT and HTTP happen above this seam, on the stream it returns. The channel
/// puts its connect timeout around it, and drops the future when the time is up.
///
/// # Examples
///
/// ```
/// use towline_transport::{Channel, Dial, DialFuture, Io};
///
/// /// Connects every origin to one in-memory server.
/// struct Memory;
///
/// impl Dial for Memory {
///     fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> DialFuture<'a> {
///         Box::pin(async {
///             let (client, _server) = tokio::io::duplex(16 * 1024);
///             Ok(Box::new(client) as Box<dyn Io>)
///         })
///     }
/// }
///
/// let channel = Channel::builder("http://provider.test").dial(Memory).build()?;
/// assert_eq!(channel.origin(), "http://provider.test");
/// # Ok::<_, towline_core::Error>(())
/// ```
pub trait Dial: Send + Sync + 'static {
    /// Connects to `port` on `host`, a name or an address (IPv6 without brackets).
    ///
    /// The error should be of kind [`Transport`](towline_core::ErrorKind::Transport) and say which step failed.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a>;
}

/// Makes connections to one origin.
pub(crate) struct Connector {
    pub(crate) dial: Box<dyn Dial>,
    pub(crate) proxy: Option<ProxyConfig>,
    pub(crate) tls: Option<Tls>,
    pub(crate) http2: Http2,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) timeout: Duration,
}

/// TLS towards the origin: whom to expect, and what to offer.
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// A connection that takes requests.
#[derive(Debug)]
pub(crate) enum Connection {
    H1(H1Conn),
    H2(H2Conn),
}

/// How far an attempt to connect has come, for the message when time runs out.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    step: AtomicU8,
}

// === impl Connector ===

impl Connector {
    /// A new connection, within the connect timeout. `stirred` is told when something happens on it
    /// while it is idle.
    pub(crate) async fn connect(
        &self,
        origin: &Origin,
        progress: &Progress,
        stirred: &Arc<Notify>,
    ) -> Result<Connection, Error> {
        let stream = self.stream(origin, progress).await?;
        let Some(tls) = &self.tls else {
            progress.at(Progress::HTTP);
            let is_http2 = self.http2 == Http2::PriorKnowledge;
            let stream = TokioIo::new(stream);
            return self.speak(origin, stream, is_http2, stirred).await;
        };
        progress.at(Progress::TLS);
        let target = format!("{}:{}", origin.host(), origin.port());
        let stream = secure::secure(tls, stream).await;
        let stream = stream.map_err(|error| fault::handshake(&target, error))?;
        let is_http2 = secure::is_http2(&stream) || self.http2 == Http2::PriorKnowledge;
        progress.at(Progress::HTTP);
        // Boxed: the state of TLS is big, and futures are copied.
        self.speak(origin, Box::new(stream), is_http2, stirred)
            .await
    }

    /// Puts the connect timeout around `attempt`.
    pub(crate) async fn in_time<T>(
        &self,
        origin: &Origin,
        progress: &Progress,
        attempt: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match timeout(self.timeout, attempt).await {
            Ok(result) => result,
            Err(_elapsed) => {
                let step = progress.words();
                Err(fault::connect_timeout(origin.text(), self.timeout, step))
            }
        }
    }

    /// A byte stream to the origin, or to the proxy that will forward plain requests.
    async fn stream(&self, origin: &Origin, progress: &Progress) -> Result<Box<dyn Io>, Error> {
        progress.at(Progress::DIAL);
        let Some(proxy) = &self.proxy else {
            return self.dial.dial(origin.host(), origin.port()).await;
        };
        let stream = self.dial.dial(proxy.host(), proxy.port()).await;
        let mut stream = stream.map_err(|error| {
            let what = error.message().unwrap_or("cannot be reached").to_owned();
            fault::transport(format!("proxy {}: {what}", proxy.address())).with_source(error)
        })?;
        if origin.is_https() {
            progress.at(Progress::PROXY);
            tunnel::open(&mut stream, proxy, origin).await?;
        }
        Ok(stream)
    }

    /// HTTP on a connected stream.
    async fn speak<T>(
        &self,
        origin: &Origin,
        io: T,
        is_http2: bool,
        stirred: &Arc<Notify>,
    ) -> Result<Connection, Error>
    where
        T: Read + Write + Send + Unpin + 'static,
    {
        let refused = || format!("{} refused the HTTP connection", origin.text());
        if is_http2 {
            let conn = H2Conn::connect(io, self.keepalive).await;
            let conn = conn.map_err(|error| fault::transport(refused()).with_source(error))?;
            return Ok(Connection::H2(conn));
        }
        let handshake = http1::handshake::<_, RequestBody>(io).await;
        let (sender, connection) =
            handshake.map_err(|error| fault::transport(refused()).with_source(error))?;
        // What ends a connection is told to the exchange on it. An idle one just ends.
        let driver = async move {
            let _ended = connection.await;
        };
        let line = Line::new(driver, Arc::clone(stirred));
        Ok(Connection::H1(H1Conn::new(sender, line)))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("proxy", &self.proxy)
            .field("tls", &self.tls.is_some())
            .field("http2", &self.http2)
            .field("keepalive", &self.keepalive)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

// === impl Progress ===

impl Progress {
    const DIAL: u8 = 1;
    const PROXY: u8 = 2;
    const TLS: u8 = 3;
    const HTTP: u8 = 4;

    fn at(&self, step: u8) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn words(&self) -> &'static str {
        match self.step.load(Ordering::Relaxed) {
            Self::DIAL => "in the name lookup or the TCP connect",
            Self::PROXY => "while waiting for the proxy to open the way",
            Self::TLS => "in the TLS handshake",
            Self::HTTP => "in the HTTP handshake",
            _ => "while waiting for another call that was connecting",
        }
    }
}

/// A second error that says the same: the one that connected has failed for all that waited.
pub(crate) fn again(error: &Error) -> Error {
    let message = error.message().map(ToOwned::to_owned);
    message.map_or_else(
        || Error::new(error.kind()),
        |message| Error::new(error.kind()).with_message(message),
    )
}
