//! OpenAI, and the servers that speak its dialect.

use super::{BoxFuture, Provider, Target, service::ready_call};
use std::sync::Arc;
use towline_config::{ProviderSettings, TransportSettings};
use towline_core::{
    EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, ModelInfo, Request, Response,
};
use towline_openai::{Api, Flavor, OpenAi, OpenAiConfig};
use towline_transport::{Channel, Http2, ProxyConfig, TlsConfig};

/// The provider behind the feature `openai`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAiProvider;

/// One server.
#[derive(Clone, Debug)]
struct OpenAiTarget {
    service: OpenAi<Channel>,
}

// === impl OpenAiProvider ===

impl Provider for OpenAiProvider {
    fn vendors(&self) -> &[&str] {
        super::OPENAI_VENDORS
    }

    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
        Box::pin(async move {
            let service = service(settings)?;
            Ok(Arc::new(OpenAiTarget { service }) as Arc<dyn Target>)
        })
    }
}

// === impl OpenAiTarget ===

impl Target for OpenAiTarget {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(ready_call(self.service.clone(), request))
    }

    fn embed(&self, request: EmbeddingRequest) -> BoxFuture<'_, Result<EmbeddingResponse, Error>> {
        Box::pin(ready_call(self.service.clone(), request))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, Error>> {
        Box::pin(self.service.models())
    }
}

fn service(settings: &ProviderSettings) -> Result<OpenAi<Channel>, Error> {
    let base_url = base_url(settings)?;
    // The channel first: it refuses an address with a password in it without quoting that.
    let channel = channel(&base_url, settings)?;
    let mut config = OpenAiConfig::builder(base_url)
        .name(settings.name())
        .api(api(settings)?)
        .api_key(settings.api_key().cloned())
        .organization(settings.organization().map(str::to_owned))
        .project(settings.project().map(str::to_owned))
        .stream_usage(settings.stream_usage());
    // A vendor without a row of its own, and `openai` at an address that is not OpenAI's: the host
    // of the address tells the flavor.
    let named = Flavor::by_name(settings.vendor().as_str());
    if let Some(flavor) = named.filter(|flavor| *flavor != Flavor::OPENAI) {
        config = config.flavor(flavor);
    }
    for (name, value) in settings.headers() {
        config = config.header(name.clone(), value.clone());
    }
    Ok(OpenAi::new(config.build()?, channel))
}

/// The interface that the settings name; unset, the model decides.
fn api(settings: &ProviderSettings) -> Result<Option<Api>, Error> {
    match settings.api() {
        None => Ok(None),
        Some("chat") => Ok(Some(Api::Chat)),
        Some("responses") => Ok(Some(Api::Responses)),
        Some(_) => Err(config("`api` is neither `chat` nor `responses`")),
    }
}

/// The address of the dialect. Some vendors' addresses stop short of its version.
fn base_url(settings: &ProviderSettings) -> Result<String, Error> {
    let url = settings
        .base_url()
        .ok_or_else(|| config("no base_url is set"))?;
    let short = matches!(settings.vendor().as_str(), "mistral" | "ollama");
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    match path {
        None if short => Ok(format!("{url}/v1")),
        _ => Ok(url.to_owned()),
    }
}

fn channel(base_url: &str, settings: &ProviderSettings) -> Result<Channel, Error> {
    let transport = settings.transport();
    let mut channel = Channel::builder(base_url).connect_timeout(settings.timeouts().connect());
    if let Some(limit) = transport.idle_timeout() {
        channel = channel.idle_timeout(limit);
    }
    if transport.http2() == Some(false) {
        channel = channel.http2(Http2::Never);
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

fn config(message: &'static str) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}
