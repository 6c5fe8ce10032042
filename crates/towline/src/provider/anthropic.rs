//! Anthropic's Messages API.

use super::{
    BoxFuture, Provider, Target,
    wiring::{base_url, channel},
};
use std::sync::Arc;
use towline_anthropic::{Anthropic, AnthropicConfig, CAPABILITIES};
use towline_config::ProviderSettings;
use towline_core::{Capabilities, Error, ModelInfo, Request, Response, Text};
use towline_transport::Channel;

/// The provider behind the feature `anthropic`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnthropicProvider;

/// One server.
#[derive(Clone, Debug)]
struct AnthropicTarget {
    service: Anthropic<Channel>,
}

// === impl AnthropicProvider ===

impl Provider for AnthropicProvider {
    fn vendors(&self) -> &[&str] {
        super::ANTHROPIC_VENDORS
    }

    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
        Box::pin(async move {
            let service = service(settings)?;
            Ok(Arc::new(AnthropicTarget { service }) as Arc<dyn Target>)
        })
    }
}

// === impl AnthropicTarget ===

impl Target for AnthropicTarget {
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        self.service.ask(&request)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, Error>> {
        Box::pin(self.service.models())
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(CAPABILITIES)
    }
}

fn service(settings: &ProviderSettings) -> Result<Anthropic<Channel>, Error> {
    let base_url = base_url(settings)?;
    // The channel first: it refuses an address with a password in it without quoting that.
    let channel = channel(base_url, settings)?;
    let mut config = AnthropicConfig::builder(base_url)
        .name(Text::interned(settings.name()))
        .api_key(settings.credential());
    for (name, value) in settings.headers() {
        config = config.header(name.clone(), value.clone());
    }
    Ok(Anthropic::new(config.build()?, channel))
}
