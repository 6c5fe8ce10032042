//! What every provider over the built-in transport takes out of the settings.

use super::{BoxFuture, service::ready_call};
use std::{
    future::ready,
    task::{Context, Poll, Waker},
};
use tower_service::Service;
use towline_config::{ProviderSettings, TransportSettings};
use towline_core::{Error, ErrorKind};
use towline_transport::{Channel, Http2, ProxyConfig, TlsConfig};

/// Said rather than to go on with less than was asked for.
const NO_HTTP2: &str = "`transport.http2` is true, and this program was built without HTTP/2: build it \
                        with the feature `http2` of the crate `towline`, or leave the setting out";

/// The base URL of the settings.
#[cfg(any(feature = "anthropic", feature = "ollama", feature = "openai"))]
pub(super) fn base_url(settings: &ProviderSettings) -> Result<&str, Error> {
    settings
        .base_url()
        .ok_or_else(|| config("no base_url is set"))
}

/// A channel to `base_url`, by the settings of clocks, proxy and certificates.
pub(super) fn channel(base_url: &str, settings: &ProviderSettings) -> Result<Channel, Error> {
    let transport = settings.transport();
    let mut channel = Channel::builder(base_url).connect_timeout(settings.timeouts().connect());
    if let Some(limit) = transport.idle_timeout() {
        channel = channel.idle_timeout(limit);
    }
    match transport.http2() {
        Some(false) => channel = channel.http2(Http2::Never),
        Some(true) if !cfg!(feature = "http2") => return Err(config(NO_HTTP2)),
        _ => {}
    }
    if let Some(url) = transport.proxy() {
        let mut proxy = ProxyConfig::builder(url.clone());
        for host in transport.no_proxy() {
            proxy = proxy.no_proxy(host);
        }
        channel = channel.proxy(proxy.build()?);
    }
    if let Some(tls) = tls(transport)? {
        channel = channel.tls(tls);
    }
    channel.build()
}

/// TLS settings, where there are any besides the defaults.
fn tls(transport: &TransportSettings) -> Result<Option<TlsConfig>, Error> {
    let identity = transport
        .client_certificate_pem()
        .zip(transport.client_key_pem());
    if transport.ca_pem().is_none() && identity.is_none() {
        return Ok(None);
    }
    let mut tls = TlsConfig::builder();
    if let Some(pem) = transport.ca_pem() {
        tls = tls.ca_pem(pem);
    }
    if let Some((chain, key)) = identity {
        tls = tls.client_pem(chain, key.expose());
    }
    tls.build().map(Some)
}

/// The interface that the settings name; unset, the model decides.
#[cfg(any(feature = "azure", feature = "openai"))]
pub(super) fn api(settings: &ProviderSettings) -> Result<Option<towline_openai::Api>, Error> {
    use towline_openai::Api;
    match settings.api() {
        None => Ok(None),
        Some("chat") => Ok(Some(Api::Chat)),
        Some("responses") => Ok(Some(Api::Responses)),
        Some(_) => Err(config("`api` is neither `chat` nor `responses`")),
    }
}

pub(super) fn config(message: &'static str) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}

/// One call on a clone of `service`, whose future is on the heap already.
#[cfg(any(feature = "azure", feature = "ollama", feature = "openai", test))]
pub(super) fn call_boxed<S, R, A>(service: &S, request: R) -> BoxFuture<'static, Result<A, Error>>
where
    S: Service<R, Response = A, Error = Error, Future = BoxFuture<'static, Result<A, Error>>>,
    S: Clone + Send + 'static,
    R: Send + 'static,
    A: Send + 'static,
{
    let mut service = service.clone();
    // Nobody is to be woken: a service that is not ready yet is asked again below.
    match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => service.call(request),
        Poll::Ready(Err(error)) => Box::pin(ready(Err(error))),
        Poll::Pending => Box::pin(ready_call(service, request)),
    }
}

#[cfg(test)]
mod tests {
    use super::{BoxFuture, call_boxed, channel};
    use std::{
        future::ready,
        task::{Context, Poll},
    };
    use tower_service::Service;
    use towline_config::Loader;
    use towline_core::{Error, ErrorKind};

    /// Is ready at the second look, or never.
    #[derive(Clone)]
    struct Slow {
        looks: u32,
        broken: bool,
    }

    impl Service<u32> for Slow {
        type Response = u32;
        type Error = Error;
        type Future = BoxFuture<'static, Result<u32, Error>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.looks += 1;
            match self.looks {
                _ if self.broken => Poll::Ready(Err(Error::new(ErrorKind::Overloaded))),
                1 => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready(Ok(())),
            }
        }

        fn call(&mut self, request: u32) -> Self::Future {
            assert!(self.looks > 1, "called before it was ready");
            Box::pin(ready(Ok(request + 1)))
        }
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_yet_is_waited_for_and_a_broken_one_told() {
        let slow = |looks, broken| Slow { looks, broken };
        assert_eq!(call_boxed(&slow(0, false), 1).await.unwrap(), 2);
        assert_eq!(call_boxed(&slow(5, false), 1).await.unwrap(), 2);
        let error = call_boxed(&slow(0, true), 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overloaded);
    }

    #[test]
    fn http2_that_is_asked_for_and_not_built_in_is_an_error_that_names_the_feature() {
        let loader = Loader::new()
            .set("towline.llm.model=openai/m")
            .set("towline.openai.api_key=sk-x")
            .set("towline.transport.http2=true");
        let settings = loader.load().unwrap();
        let settings = settings.llm().unwrap().unwrap();
        let built = channel("https://provider.test", settings);
        assert_eq!(built.is_ok(), cfg!(feature = "http2"));
        if let Err(error) = built {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("feature `http2`"), "{error}");
        }
    }
}
