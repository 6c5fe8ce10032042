//! Settings of a channel.

use super::{Channel, Dials, Shared};
use crate::{
    Dial, ProxyConfig, TlsConfig,
    connect::{Connector, TcpDial, Tls},
    fault,
    origin::Origin,
    pool::Pool,
};
use rustls::pki_types::ServerName;
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use towline_core::Error;

/// When to speak HTTP/2.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Http2 {
    /// If an `https` server agrees in the TLS handshake. An `http` origin is spoken to in HTTP/1.1, and
    /// so is every origin where the feature `http2` of this crate is off.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Never,
    /// HTTP/2 only, without asking: for servers known to speak it.
    PriorKnowledge,
}

/// Makes a [`Channel`]. Made by [`Channel::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct ChannelBuilder {
    base_url: String,
    connect_timeout: Duration,
    keepalive: Option<Duration>,
    idle_timeout: Duration,
    max_idle: usize,
    http2: Http2,
    tls: Option<TlsConfig>,
    proxy: Option<ProxyConfig>,
    dial: Option<Box<dyn Dial>>,
}

// === impl ChannelBuilder ===

impl ChannelBuilder {
    pub(super) fn new(base_url: String) -> Self {
        Self {
            base_url,
            connect_timeout: Duration::from_secs(10),
            keepalive: Some(Duration::from_secs(30)),
            idle_timeout: Duration::from_secs(55),
            max_idle: 256,
            http2: Http2::default(),
            tls: None,
            proxy: None,
            dial: None,
        }
    }

    /// How long it may take until a connection is usable: name lookup, TCP, proxy and TLS together.
    /// Default: 10 seconds.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// After how much silence the peer is asked whether it is still there, and how often from then
    /// on. It sets TCP keepalive, and on HTTP/2 a ping while streams are open. `None`: never.
    /// Default: 30 seconds.
    pub const fn keepalive(mut self, time: Option<Duration>) -> Self {
        self.keepalive = time;
        self
    }

    /// How long a connection may be idle before it is closed. Keep it below what the server does:
    /// one that closes first takes requests down with it. Default: 55 seconds.
    pub const fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// How many HTTP/1 connections may be idle at once. One more, and the one idle longest closes.
    /// Default: 256.
    pub const fn max_idle(mut self, count: usize) -> Self {
        self.max_idle = count;
        self
    }

    /// When to speak HTTP/2. Default: [`Http2::Auto`].
    pub const fn http2(mut self, http2: Http2) -> Self {
        self.http2 = http2;
        self
    }

    /// TLS settings. Default: the default roots, no client certificate.
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The proxy to go through, unless it makes an exception for this origin. Default: none.
    pub fn proxy(mut self, proxy: ProxyConfig) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// What opens byte streams, instead of TCP.
    pub fn dial(mut self, dial: impl Dial) -> Self {
        self.dial = Some(Box::new(dial));
        self
    }

    /// Checks everything. Connects to nothing yet. For an `https` origin without
    /// [`tls`](Self::tls) it loads the default roots, which reads files: share one [`TlsConfig`]
    /// between channels.
    ///
    /// # Errors
    ///
    /// [`Config`](towline_core::ErrorKind::Config) if the base URL is not `http(s)://host[:port][/path]`
    /// (credentials, a query or a fragment in it are faults), the default TLS settings fail, or HTTP/2 is
    /// demanded and the feature `http2` is off.
    pub fn build(self) -> Result<Channel, Error> {
        let origin = Origin::parse(&self.base_url)?;
        let http2 = self.http2.built_in()?;
        let tls = match origin.is_https() {
            true => Some(tls_for(&origin, self.tls, http2)?),
            false => None,
        };
        let proxy = self
            .proxy
            .filter(|proxy| proxy.applies_to(origin.host(), origin.port()));
        let pool = Pool::new(origin.text(), self.max_idle, self.idle_timeout);
        let dial = self
            .dial
            .unwrap_or_else(|| Box::new(TcpDial::new(self.keepalive, self.connect_timeout)));
        Ok(Channel {
            shared: Arc::new(Shared {
                origin,
                pool: Arc::new(pool),
                connector: Connector {
                    dial,
                    proxy,
                    tls,
                    http2,
                    keepalive: self.keepalive,
                    timeout: self.connect_timeout,
                },
                gate: tokio::sync::Mutex::new(()),
                dials: Mutex::new(Dials::default()),
            }),
        })
    }
}

impl fmt::Debug for ChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL may hold credentials until it is checked.
        f.debug_struct("ChannelBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("keepalive", &self.keepalive)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_idle", &self.max_idle)
            .field("http2", &self.http2)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

// === impl Http2 ===

impl Http2 {
    /// What is left of it in this build.
    fn built_in(self) -> Result<Self, Error> {
        match self {
            _ if cfg!(feature = "http2") => Ok(self),
            Self::Auto | Self::Never => Ok(Self::Never),
            Self::PriorKnowledge => Err(fault::config(
                "HTTP/2 is demanded and not built in; turn on the feature `http2` of \
                 towline-transport, or leave the choice to the server",
            )),
        }
    }
}

fn tls_for(origin: &Origin, tls: Option<TlsConfig>, http2: Http2) -> Result<Tls, Error> {
    let tls = match tls {
        Some(tls) => tls,
        None => TlsConfig::builder().build()?,
    };
    let alpn: &[&[u8]] = match http2 {
        Http2::Auto => &[b"h2", b"http/1.1"],
        Http2::Never => &[b"http/1.1"],
        Http2::PriorKnowledge => &[b"h2"],
    };
    let name = ServerName::try_from(origin.host().to_owned()).map_err(|error| {
        fault::config(format!(
            "the host {} in the base URL is not a name",
            origin.host()
        ))
        .with_source(error)
    })?;
    Ok(Tls {
        config: tls.offering(alpn),
        name,
    })
}
