//! In place of HTTP/2 where it is not built: a connection and a lease that there are none of.

use super::{Failure, Pool, Unprocessed};
use crate::RequestBody;
use http::{Request, Response};
use hyper::body::Incoming;
use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};

/// No connection.
#[derive(Debug)]
pub(crate) enum H2Conn {}

/// No stream.
#[derive(Debug)]
pub(crate) enum H2Lease {}

// === impl H2Conn ===

impl H2Conn {
    /// Nothing is offered, so nothing is agreed.
    pub(crate) async fn connect<T>(_: T, _: Option<Duration>) -> io::Result<Self> {
        Err(io::Error::other(
            "HTTP/2 is not built in; the feature `http2` of towline-transport adds it",
        ))
    }

    pub(crate) const fn is_closed(&self) -> bool {
        match *self {}
    }
}

// === impl H2Lease ===

impl H2Lease {
    #[expect(clippy::needless_pass_by_value, reason = "as where there are some")]
    pub(super) fn new(conn: Arc<H2Conn>, _: Weak<Pool>) -> Self {
        match *conn {}
    }

    pub(crate) async fn send(
        &self,
        _: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Failure> {
        match *self {}
    }

    pub(crate) const fn unprocessed(_: &hyper::Error) -> Option<Unprocessed> {
        None
    }

    pub(crate) const fn conn(&self) -> &Arc<H2Conn> {
        match *self {}
    }

    pub(super) const fn pool(&self) -> Option<Arc<Pool>> {
        match *self {}
    }
}
