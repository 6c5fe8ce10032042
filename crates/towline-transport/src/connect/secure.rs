//! TLS on a stream that is dialled already.

use super::{Io, Tls};
use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use std::{
    error::Error as StdError,
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

/// A stream with TLS on it.
pub(super) type Secured = MaybeHttpsStream<TokioIo<Dialled>>;

/// A stream in the shape that hyper-rustls asks for.
pub(super) struct Dialled {
    stream: Box<dyn Io>,
}

/// The connector under hyper-rustls: it hands over the one stream there is.
struct Once {
    stream: Option<Box<dyn Io>>,
}

/// Does the handshake on `stream`.
pub(super) async fn secure(tls: &Tls, stream: Box<dyn Io>) -> io::Result<Secured> {
    let name = FixedServerNameResolver::new(tls.name.clone());
    let once = Once {
        stream: Some(stream),
    };
    let config = Arc::clone(&tls.config);
    let mut connector = HttpsConnector::new(once, config, true, Arc::new(name));
    // The name to expect is fixed above; the URI only has to say https.
    let uri = Uri::from_static("https://origin");
    connector.call(uri).await.map_err(plain)
}

/// Whether the server agreed to HTTP/2 in the handshake.
pub(super) fn is_http2(stream: &Secured) -> bool {
    stream.connected().is_negotiated_h2()
}

/// The error of the handshake, out of the wrappings that hyper-rustls put around it.
fn plain(error: Box<dyn StdError + Send + Sync>) -> io::Error {
    let error = match error.downcast::<io::Error>() {
        Ok(error) => *error,
        Err(error) => return io::Error::other(error),
    };
    match error.downcast::<io::Error>() {
        Ok(inner) => inner,
        Err(error) => error,
    }
}

// === impl Once ===

impl Service<Uri> for Once {
    type Response = TokioIo<Dialled>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let stream = self.stream.take().map(|stream| Dialled { stream });
        let gone = || io::Error::other("the stream was handed over before");
        ready(stream.map(TokioIo::new).ok_or_else(gone))
    }
}

// === impl Dialled ===

impl Connection for Dialled {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
