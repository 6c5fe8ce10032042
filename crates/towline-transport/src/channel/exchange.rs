//! One request and its answer: take a connection, send, send again if nothing was written.

use super::{Dials, Shared};
use crate::{
    Http2, RequestBody, ResponseBody,
    connect::{Connection, Progress, again},
    fault,
    pool::{Failure, H2Lease, Lease, Unprocessed},
};
use http::{
    Request, Response, StatusCode, Uri,
    header::{HOST, PROXY_AUTHORIZATION},
    uri::{PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use std::{
    future::Future,
    sync::{Arc, MutexGuard, PoisonError},
};
use towline_core::Error;

/// An answer, and the connection it came on.
type Answered = (Response<Incoming>, Lease);

/// A request that was not written, and where to send it again.
struct Unsent {
    request: Request<RequestBody>,
    again_on: Fresh,
}

enum Fresh {
    /// On a connection opened for it.
    Connection,
    /// On whatever is there: the peer refused one stream, not the connection.
    Stream,
}

// === impl Shared ===

impl Shared {
    /// One call, with a request that is `complete` or cannot be. What is rare is boxed, and the
    /// request lies in the future once: an async function would have a second place for it.
    #[expect(clippy::manual_async_fn, reason = "it would hold the request twice")]
    pub(super) fn exchange(
        self: Arc<Self>,
        complete: Result<(), Error>,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Error>> + Send {
        async move {
            complete?;
            self.pool.step_back().await;
            let lease = match self.pool.take_ready() {
                Some(lease) => lease,
                None => Box::pin(self.acquire()).await?,
            };
            let (response, lease) = match lease {
                Lease::H1(mut lease) => match lease.send(request).await {
                    Ok(response) => (response, Lease::H1(lease)),
                    Err(failure) => {
                        drop(lease);
                        let unsent = self.unsent_h1(failure)?;
                        Box::pin(self.send_again(unsent)).await?
                    }
                },
                Lease::H2(lease) => Box::pin(self.exchange_h2(lease, request)).await?,
            };
            self.answer(response, lease)
        }
    }

    async fn exchange_h2(
        &self,
        lease: H2Lease,
        request: Request<RequestBody>,
    ) -> Result<Answered, Error> {
        match self.send_h2(lease, request).await? {
            Ok(answered) => Ok(answered),
            Err(unsent) => Box::pin(self.send_again(unsent)).await,
        }
    }

    /// The second and last attempt.
    async fn send_again(&self, unsent: Unsent) -> Result<Answered, Error> {
        let Unsent { request, again_on } = unsent;
        let lease = match again_on {
            Fresh::Connection => self.open().await?,
            Fresh::Stream => self.acquire().await?,
        };
        let unsent = match lease {
            Lease::H1(mut lease) => match lease.send(request).await {
                Ok(response) => return Ok((response, Lease::H1(lease))),
                Err(failure) => self.unsent_h1(failure)?,
            },
            Lease::H2(lease) => match self.send_h2(lease, request).await? {
                Ok(answered) => return Ok(answered),
                Err(unsent) => unsent,
            },
        };
        let origin = self.origin.text();
        Err(fault::transport(match unsent.again_on {
            Fresh::Connection => {
                format!("{origin} closed two connections in a row before the request was written")
            }
            Fresh::Stream => format!("{origin} refused the request twice in a row"),
        }))
    }

    /// The request of a failed attempt, if nothing of it was written.
    fn unsent_h1(&self, mut failure: Failure) -> Result<Unsent, Error> {
        match failure.take_message() {
            Some(request) => Ok(Unsent {
                request,
                again_on: Fresh::Connection,
            }),
            None => Err(fault::exchange(self.origin.text(), failure.into_error())),
        }
    }

    async fn send_h2(
        &self,
        lease: H2Lease,
        mut request: Request<RequestBody>,
    ) -> Result<Result<Answered, Unsent>, Error> {
        // The peer may refuse a stream after it was opened, and then hyper has no request to return.
        let spare = request.clone();
        *request.uri_mut() = self.absolute(request.uri())?;
        // `:authority` says it.
        request.headers_mut().remove(HOST);
        let failure = match lease.send(request).await {
            Ok(response) => return Ok(Ok((response, Lease::H2(lease)))),
            Err(failure) => failure,
        };
        let written = failure.message().is_none();
        let error = failure.into_error();
        let again_on = match H2Lease::unprocessed(&error) {
            Some(Unprocessed::Stream) => Fresh::Stream,
            None if written => return Err(fault::exchange(self.origin.text(), error)),
            Some(Unprocessed::Connection) | None => {
                self.pool.evict(lease.conn());
                Fresh::Connection
            }
        };
        Ok(Err(Unsent {
            request: spare,
            again_on,
        }))
    }

    /// A lease on a new connection. Where one connection can serve all, calls take turns, so that
    /// one connects and the others find the result.
    pub(super) async fn open_in_turn(&self, progress: &Progress) -> Result<Lease, Error> {
        let (is_http2, seen) = self.dials_so_far();
        if !self.may_share(is_http2) {
            return self.dial(progress).await;
        }
        let turn = self.gate.lock().await;
        if let Some(lease) = self.pool.take_shared() {
            return Ok(lease);
        }
        if let Some(error) = self.failure_since(seen) {
            return Err(error);
        }
        let (is_http2, _) = self.dials_so_far();
        // It turned out that each call needs a connection of its own: they connect at once.
        let _turn = self.may_share(is_http2).then_some(turn);
        self.dial(progress).await
    }

    /// Opens a connection.
    async fn dial(&self, progress: &Progress) -> Result<Lease, Error> {
        let stirred = self.pool.stirred();
        let result = self
            .connector
            .connect(&self.origin, progress, stirred)
            .await;
        let mut dials = self.dials();
        match result {
            Ok(Connection::H1(conn)) => {
                dials.is_http2 = Some(false);
                drop(dials);
                Ok(self.pool.lease_new_h1(conn))
            }
            Ok(Connection::H2(conn)) => {
                dials.is_http2 = Some(true);
                drop(dials);
                Ok(self.pool.lease_new_h2(conn))
            }
            Err(error) => {
                dials.failures += 1;
                dials.last_failure = Some(again(&error));
                Err(error)
            }
        }
    }

    /// Whether the next connection may turn out to be one that all calls share.
    fn may_share(&self, is_http2: Option<bool>) -> bool {
        match self.connector.http2 {
            Http2::Never => false,
            Http2::PriorKnowledge => true,
            Http2::Auto => self.origin.is_https() && is_http2.unwrap_or(true),
        }
    }

    /// What the last connection spoke, and how many attempts have failed.
    fn dials_so_far(&self) -> (Option<bool>, u64) {
        let dials = self.dials();
        (dials.is_http2, dials.failures)
    }

    /// The failure of the call that connected while this one waited. It holds for both.
    fn failure_since(&self, seen: u64) -> Option<Error> {
        let dials = self.dials();
        let failure = dials.last_failure.as_ref()?;
        (dials.failures != seen).then(|| again(failure))
    }

    fn dials(&self) -> MutexGuard<'_, Dials> {
        self.dials.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what the request owes to the connection rather than to the provider.
    pub(super) fn complete(&self, request: &mut Request<RequestBody>) -> Result<(), Error> {
        if let Some(proxy) = self.forwarding() {
            let uri = self.absolute(request.uri())?;
            *request.uri_mut() = uri;
            if let Some(authorization) = proxy.authorization() {
                request
                    .headers_mut()
                    .insert(PROXY_AUTHORIZATION, authorization.clone());
            }
        } else if request.uri().authority().is_some() {
            *request.uri_mut() = Uri::from(path_of(request.uri()));
        }
        if !request.headers().contains_key(HOST) {
            let host = self.origin.host_header().clone();
            request.headers_mut().insert(HOST, host);
        }
        Ok(())
    }

    /// The proxy that forwards requests, rather than bytes.
    fn forwarding(&self) -> Option<&crate::ProxyConfig> {
        let proxy = self.connector.proxy.as_ref()?;
        (!self.origin.is_https()).then_some(proxy)
    }

    fn absolute(&self, uri: &Uri) -> Result<Uri, Error> {
        let scheme = if self.origin.is_https() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let built = Uri::builder()
            .scheme(scheme)
            .authority(self.origin.authority().clone())
            .path_and_query(path_of(uri))
            .build();
        built.map_err(|error| {
            Error::new(towline_core::ErrorKind::InvalidRequest)
                .with_message("the request's path cannot be sent")
                .with_source(error)
        })
    }

    fn answer(
        &self,
        response: Response<Incoming>,
        lease: Lease,
    ) -> Result<Response<ResponseBody>, Error> {
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = self.forwarding()
        {
            let status = response.status().as_u16();
            return Err(fault::proxy_refused(proxy, self.origin.text(), status));
        }
        Ok(response.map(|incoming| ResponseBody::wire(incoming, lease)))
    }
}

/// Path and query alone; a path that is missing is `/`.
fn path_of(uri: &Uri) -> PathAndQuery {
    uri.path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
}
