//! OpenAI, and the servers that speak its dialect.

use super::{
    BoxFuture, Provider, Target,
    service::ready_call,
    wiring::{api, base_url, channel},
};
use std::{borrow::Cow, sync::Arc};
use towline_config::ProviderSettings;
use towline_core::{
    Capabilities, EmbeddingRequest, EmbeddingResponse, Error, ModelInfo, Request, Response, Text,
};
use towline_openai::{Flavor, OpenAi, OpenAiConfig};
use towline_transport::Channel;

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
        Some(self.service.config().flavor().capabilities())
    }
}

fn service(settings: &ProviderSettings) -> Result<OpenAi<Channel>, Error> {
    let base_url = versioned(settings)?;
    // The channel first: it refuses an address with a password in it without quoting that.
    let channel = channel(&base_url, settings)?;
    let mut config = OpenAiConfig::builder(base_url)
        .name(Text::interned(settings.name()))
        .api(api(settings)?)
        .api_key(settings.credential())
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

/// The address of the dialect. Mistral's stops short of its version.
fn versioned(settings: &ProviderSettings) -> Result<Cow<'_, str>, Error> {
    let url = base_url(settings)?;
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    match path {
        None if settings.vendor() == "mistral" => Ok(Cow::Owned(format!("{url}/v1"))),
        _ => Ok(Cow::Borrowed(url)),
    }
}
