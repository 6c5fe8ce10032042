//! Azure OpenAI.

use super::{
    BoxFuture, Provider, Target,
    service::ready_call,
    wiring::{api, channel, config},
};
use std::sync::Arc;
use towline_azure::{Azure, AzureConfig, CAPABILITIES};
use towline_config::ProviderSettings;
use towline_core::{
    Capabilities, EmbeddingRequest, EmbeddingResponse, Error, ModelInfo, Request, Response, Text,
};
use towline_transport::Channel;

/// The provider behind the feature `azure`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AzureProvider;

/// One resource.
#[derive(Clone, Debug)]
struct AzureTarget {
    service: Azure<Channel>,
}

// === impl AzureProvider ===

impl Provider for AzureProvider {
    fn vendors(&self) -> &[&str] {
        super::AZURE_VENDORS
    }

    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
        Box::pin(async move {
            let service = service(settings)?;
            Ok(Arc::new(AzureTarget { service }) as Arc<dyn Target>)
        })
    }
}

// === impl AzureTarget ===

impl Target for AzureTarget {
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        self.service.ask(&request)
    }

    fn embed(
        &self,
        request: EmbeddingRequest,
    ) -> BoxFuture<'static, Result<EmbeddingResponse, Error>> {
        Box::pin(ready_call(self.service.clone(), request))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, Error>> {
        Box::pin(self.service.models())
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(CAPABILITIES)
    }
}

fn service(settings: &ProviderSettings) -> Result<Azure<Channel>, Error> {
    let endpoint = settings
        .endpoint()
        .or_else(|| settings.base_url())
        .ok_or_else(|| config("no endpoint is set"))?;
    // A channel to the endpoint as it is written refuses one with a password in it, without quoting
    // that. The one to use goes to the resource alone.
    drop(channel(endpoint, settings)?);
    let mut config = AzureConfig::builder(endpoint)
        .name(Text::interned(settings.name()))
        .api(api(settings)?)
        .base_model(settings.base_model().map(Text::from))
        .stream_usage(settings.stream_usage());
    config = if settings.key_is_token() {
        config.token(settings.credential())
    } else {
        config.api_key(settings.credential())
    };
    if let Some(version) = settings.api_version() {
        config = config.api_version(version);
    }
    for (name, value) in settings.headers() {
        config = config.header(name.clone(), value.clone());
    }
    let config = config.build()?;
    let channel = channel(config.base_url(), settings)?;
    Ok(Azure::new(config, channel))
}
