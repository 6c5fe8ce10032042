//! HTTP transport for model providers: one origin, its connections, and the framing of streams.
//!
//! A [`Channel`] sends HTTP requests to one origin and keeps the connections. It is a
//! [`tower_service::Service`], so any layer fits around it. It knows HTTP, TLS and proxies; it knows
//! no provider, does not retry what was written, and reads no settings from files or environment.
//!
//! # Connections
//!
//! - One call takes one connection; the one used last is taken first. With nothing idle a call dials,
//!   and a call never dials when it can take an idle connection: a burst of n calls on n idle
//!   connections opens none.
//! - A connection comes back when the response body is at its end, not at the head. A body that is
//!   dropped earlier closes the exchange at once: the HTTP/1 connection is closed, the HTTP/2 stream
//!   is reset. [`ResponseBody::release`] is for the caller that has what it wants and
//!   lacks only the end of the body.
//! - An idle connection closes after the idle timeout, 55 seconds unless set. Idle connections close
//!   when the last clone of the channel is dropped.
//! - A server may close an idle connection just when a request is on its way. If not one byte of the
//!   request was written, the channel sends it again, once, on a fresh connection. After the first
//!   byte it never does.
//! - HTTP/2 is agreed on in the TLS handshake, and all calls share one connection.
//!
//! # Clocks
//!
//! The connect timeout covers everything until a connection is usable: name lookup, TCP, proxy, TLS.
//! It is the only clock here. How long an answer may take is for a timeout layer to say.
//!
//! # Streams
//!
//! [`sse`] and [`ndjson`] cut a body into events and lines, without copying what lies in one piece.
//!
//! # Features
//!
//! - `platform-verifier` (default): server certificates are checked against the system's store.
//! - `webpki-roots`: Mozilla's roots are compiled in, for containers without a store.
//!
//! Without either, only the certificates given to [`TlsConfigBuilder::ca_pem`] are trusted.
//!
//! # Examples
//!
//! ```
//! use towline_transport::{Channel, RequestBody};
//! use tower_service::Service;
//! # use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpListener};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # let server = async move {
//! #     let (mut socket, _) = listener.accept().await?;
//! #     let mut request = [0; 1024];
//! #     let read = socket.read(&mut request).await?;
//! #     assert!(request[..read].starts_with(b"POST /v1/chat/completions HTTP/1.1\r\n"));
//! #     socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
//! #     Ok::<_, std::io::Error>(socket)
//! # };
//! # let client = async {
//! let base_url = format!("http://{address}/v1");
//! let mut channel = Channel::builder(base_url).build()?;
//!
//! let request = http::Request::post(format!("{}/chat/completions", channel.base_path()))
//!     .header("content-type", "application/json")
//!     .body(RequestBody::from(br#"{"model":"m","messages":[]}"#.to_vec()))?;
//! let response = channel.call(request).await?;
//! assert_eq!(response.status(), 200);
//!
//! let body = response.into_body().collect(1024 * 1024).await?;
//! assert_eq!(body, "{}");
//! assert_eq!(channel.stats().idle, 1);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # };
//! # let (served, called) = tokio::join!(server, client);
//! # let _socket = served?;
//! # called?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod body;
mod channel;
pub mod compose;
mod connect;
pub mod failure;
mod fault;
pub mod hint;
mod key;
pub mod lax;
pub mod ndjson;
mod origin;
mod pool;
mod proxy;
pub mod sse;
mod tls;

pub use self::{
    answer::{AnswerOrigin, AnswerStream, Decode, Frames},
    body::{RequestBody, ResponseBody, collect},
    channel::{Channel, ChannelBuilder, ChannelFuture, Http2},
    connect::{Dial, DialFuture, Io},
    key::KeyHeader,
    pool::PoolStats,
    proxy::{ProxyConfig, ProxyConfigBuilder},
    tls::{Roots, TlsConfig, TlsConfigBuilder},
};
