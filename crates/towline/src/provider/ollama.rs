//! Ollama's own API.

use super::{
    BoxFuture, Provider, Target,
    service::ready_call,
    wiring::{base_url, channel},
};
use std::sync::Arc;
use towline_config::ProviderSettings;
use towline_core::{
    Capabilities, EmbeddingRequest, EmbeddingResponse, Error, ModelInfo, Request, Response, Text,
};
use towline_ollama::{CAPABILITIES, Ollama, OllamaConfig};
use towline_transport::Channel;

/// The provider behind the feature `ollama`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OllamaProvider;

/// One server.
#[derive(Clone, Debug)]
struct OllamaTarget {
    service: Ollama<Channel>,
}

// === impl OllamaProvider ===

impl Provider for OllamaProvider {
    fn vendors(&self) -> &[&str] {
        super::OLLAMA_VENDORS
    }

    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
        Box::pin(async move {
            let service = service(settings)?;
            Ok(Arc::new(OllamaTarget { service }) as Arc<dyn Target>)
        })
    }
}

// === impl OllamaTarget ===

impl Target for OllamaTarget {
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

fn service(settings: &ProviderSettings) -> Result<Ollama<Channel>, Error> {
    let base_url = base_url(settings)?;
    // Addresses written for the OpenAI dialect of the same server end in its version.
    let base_url = base_url.strip_suffix("/v1").unwrap_or(base_url);
    // The channel first: it refuses an address with a password in it without quoting that.
    let channel = channel(base_url, settings)?;
    let mut config = OllamaConfig::builder(base_url)
        .name(Text::interned(settings.name()))
        .api_key(settings.credential());
    for (name, value) in settings.headers() {
        config = config.header(name.clone(), value.clone());
    }
    Ok(Ollama::new(config.build()?, channel))
}
