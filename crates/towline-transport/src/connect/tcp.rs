//! The default dialler: name lookup and TCP.

use super::{Dial, DialFuture, Io};
use crate::fault;
use socket2::{SockRef, TcpKeepalive};
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};
use towline_core::Error;

/// How long the first address family has before the other one may try too (RFC 8305 recommends 250).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects by TCP, with `TCP_NODELAY`.
#[derive(Clone, Debug)]
pub(crate) struct TcpDial {
    keepalive: Option<Duration>,
    /// For all addresses together, so that one black hole leaves time for the next address.
    limit: Duration,
}

// === impl TcpDial ===

impl TcpDial {
    pub(crate) const fn new(keepalive: Option<Duration>, limit: Duration) -> Self {
        Self { keepalive, limit }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let found = lookup_host((host, port)).await;
        let addresses: Vec<SocketAddr> = found
            .map_err(|error| {
                fault::transport(format!(
                    "dns lookup of {host} failed; check the host in the base URL, and the network"
                ))
                .with_source(error)
            })?
            .collect();
        let stream = self.any(addresses).await.map_err(|error| match error {
            None => fault::transport(format!("dns lookup of {host} gave no address")),
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => fault::transport(
                format!("connect to {host}:{port} refused; nothing listens there"),
            )
            .with_source(error),
            Some(error) => {
                fault::transport(format!("connect to {host}:{port} failed")).with_source(error)
            }
        })?;
        self.tune(&stream).map_err(|error| {
            fault::transport(format!("connect to {host}:{port} failed: socket options"))
                .with_source(error)
        })?;
        Ok(stream)
    }

    /// The first address that answers. The error is the first one; none without an address.
    async fn any(&self, addresses: Vec<SocketAddr>) -> Result<TcpStream, Option<io::Error>> {
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = self.limit / count;
        let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
        let (first, second): (Vec<_>, Vec<_>) = addresses
            .into_iter()
            .partition(|address| address.is_ipv6() == first_is_v6);
        if second.is_empty() {
            return one_by_one(first, share).await;
        }
        race(one_by_one(first, share), one_by_one(second, share)).await
    }

    fn tune(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if let Some(time) = self.keepalive {
            let keepalive = TcpKeepalive::new().with_time(time).with_interval(time);
            SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
        }
        Ok(())
    }
}

impl Dial for TcpDial {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a> {
        Box::pin(async move {
            let stream = self.connect(host, port).await?;
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}

async fn one_by_one(
    addresses: Vec<SocketAddr>,
    share: Duration,
) -> Result<TcpStream, Option<io::Error>> {
    let mut first_error = None;
    for address in addresses {
        let attempt = timeout(share, TcpStream::connect(address)).await;
        match attempt.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(stream) => return Ok(stream),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error)
}

/// `first`, and `second` too when `first` failed or took longer than its head start.
async fn race<T, E>(
    first: impl Future<Output = Result<T, E>>,
    second: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let mut head_start = pin!(sleep(HEAD_START));
    let mut first_error = None;
    let mut second_failed = false;
    poll_fn(|cx| {
        if first_error.is_none()
            && let Poll::Ready(result) = first.as_mut().poll(cx)
        {
            match result {
                Ok(done) => return Poll::Ready(Ok(done)),
                Err(error) => first_error = Some(error),
            }
        }
        let second_may = first_error.is_some() || head_start.as_mut().poll(cx).is_ready();
        if second_may
            && !second_failed
            && let Poll::Ready(result) = second.as_mut().poll(cx)
        {
            match result {
                Ok(done) => return Poll::Ready(Ok(done)),
                Err(_) => second_failed = true,
            }
        }
        match first_error.take() {
            Some(error) if second_failed => Poll::Ready(Err(error)),
            error => {
                first_error = error;
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests;
