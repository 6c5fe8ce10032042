//! What every provider over the built-in transport takes out of the settings.

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

#[cfg(test)]
mod tests {
    use super::channel;
    use towline_config::Loader;
    use towline_core::ErrorKind;

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
