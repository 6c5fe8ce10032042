//! Builds the settings, and checks them.

use super::{AzureConfig, Surface};
use towline_core::{Credential, Error, ErrorKind, Secret, Text};
use towline_openai::{Api, Flavor, OpenAiConfig, OpenAiConfigBuilder};

/// Builds an [`AzureConfig`].
#[derive(Clone, Debug)]
pub struct AzureConfigBuilder {
    endpoint: String,
    api_version: String,
    surface: Option<Surface>,
    key: Credential,
    token: Credential,
    name: Option<Text>,
    api: Option<Api>,
    base_model: Option<Text>,
    headers: Vec<(String, Secret)>,
    stream_usage: Option<bool>,
    max_body: Option<usize>,
}

/// The version of the API unless set otherwise.
const API_VERSION: &str = "2025-01-01-preview";

/// Ends of an endpoint that tell the surface.
const SURFACES: [(&str, Surface); 2] = [("/models", Surface::Models), ("/openai/v1", Surface::V1)];

// === impl AzureConfigBuilder ===

impl AzureConfigBuilder {
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            api_version: API_VERSION.to_owned(),
            surface: None,
            key: Credential::none(),
            token: Credential::none(),
            name: None,
            api: None,
            base_model: None,
            headers: Vec::new(),
            stream_usage: None,
            max_body: None,
        }
    }

    /// The name of this provider in answers and errors. The default is `azure`.
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The version of the API, such as `2024-10-21`, or as a name of an SDK,
    /// `V2025_01_01_PREVIEW`. The default is `2025-01-01-preview`.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// How the paths are laid out. The default is told by the end of the endpoint, and else by
    /// deployment.
    #[must_use]
    pub const fn surface(mut self, surface: Surface) -> Self {
        self.surface = Some(surface);
        self
    }

    /// The key of the resource, sent as `api-key`: a [`Secret`], an `Option` of one, or a
    /// [`Credential`] that can change between two calls.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<Credential>) -> Self {
        self.key = key.into();
        self
    }

    /// An access token of Microsoft Entra, sent as a bearer token. Tokens live about an hour, so this
    /// is mostly a [`Credential`] whose source renews it.
    #[must_use]
    pub fn token(mut self, token: impl Into<Credential>) -> Self {
        self.token = token.into();
        self
    }

    /// Through which API to ask. The default is that of the [base model](Self::base_model), or of the
    /// deployment's name ([`Api::default_for`]). The Responses API is that of v1 on every surface.
    #[must_use]
    pub fn api(mut self, api: impl Into<Option<Api>>) -> Self {
        self.api = api.into();
        self
    }

    /// The model behind the deployment, such as `gpt-5-mini`: by it is told which options are taken,
    /// and through which API to ask. It holds for every deployment that this client is asked for. The
    /// default is the name of the deployment.
    #[must_use]
    pub fn base_model(mut self, model: impl Into<Option<Text>>) -> Self {
        self.base_model = model.into();
        self
    }

    /// Adds a header to every request. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Whether to ask for the usage of streams. The default is to ask; API versions before
    /// `2024-09-01-preview` refuse it.
    #[must_use]
    pub fn stream_usage(mut self, ask: impl Into<Option<bool>>) -> Self {
        self.stream_usage = ask.into();
        self
    }

    /// The largest complete answer in bytes. The default is 32 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Checks everything and prepares the headers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the setting: an endpoint that is none, a version that is
    /// none, a key and a token at once, a key or header that cannot be sent.
    pub fn build(self) -> Result<AzureConfig, Error> {
        let (base_url, told) = resource(&self.endpoint)?;
        let surface = self.surface.or(told).unwrap_or_default();
        let api_version = wire_version(&self.api_version)?;
        let config = OpenAiConfig::builder(base_url)
            .flavor(Flavor::AZURE)
            .api(self.api)
            .base_model(self.base_model.clone())
            .stream_usage(self.stream_usage);
        let config = self.prove(lay_out(config, surface, &api_version))?;
        let config = match self.name {
            Some(name) => config.name(name),
            None => config,
        };
        let config = match self.max_body {
            Some(bytes) => config.max_body(bytes),
            None => config,
        };
        let headers = self.headers.into_iter();
        let config = headers.fold(config, |config, (name, value)| config.header(name, value));
        Ok(AzureConfig {
            openai: config.build()?,
            base_url: base_url.to_owned(),
            api_version,
            surface,
        })
    }

    fn prove(&self, config: OpenAiConfigBuilder) -> Result<OpenAiConfigBuilder, Error> {
        match (self.key.is_none(), self.token.is_none()) {
            (true, _) => Ok(config.api_key(self.token.clone())),
            (false, true) => Ok(config.key_header("api-key").api_key(self.key.clone())),
            (false, false) => Err(invalid(
                "both an API key and a token are set; keep one of them".to_owned(),
            )),
        }
    }
}

/// The paths of a surface. The Responses API has only one.
fn lay_out(config: OpenAiConfigBuilder, surface: Surface, version: &str) -> OpenAiConfigBuilder {
    let (below, query) = match surface {
        Surface::Deployments => (
            "openai/deployments/{model}",
            format!("?api-version={version}"),
        ),
        Surface::Models => ("models", format!("?api-version={version}")),
        Surface::V1 => ("openai/v1", String::new()),
    };
    let models = match surface {
        Surface::Deployments => format!("openai/models{query}"),
        Surface::Models | Surface::V1 => "openai/v1/models".to_owned(),
    };
    config
        .chat_path(format!("{below}/chat/completions{query}"))
        .embeddings_path(format!("{below}/embeddings{query}"))
        .responses_path("openai/v1/responses")
        .models_path(models)
}

/// The address without what told the surface.
fn resource(endpoint: &str) -> Result<(&str, Option<Surface>), Error> {
    let url = endpoint.trim().trim_end_matches('/');
    if url.contains("/deployments/") || url.contains(['?', '#']) {
        return Err(invalid(
            "the endpoint holds more than the address of the resource; give only that, such as https://my-resource.openai.azure.com, and the deployment as the model".to_owned(),
        ));
    }
    let told = SURFACES.iter().find_map(|(end, surface)| {
        let base = url.strip_suffix(end)?;
        Some((base, Some(*surface)))
    });
    // `/openai` is a part of the paths, and often copied along.
    let bare = url.strip_suffix("/openai").unwrap_or(url);
    Ok(told.unwrap_or((bare, None)))
}

/// `V2025_01_01_PREVIEW`, a name of an SDK, is `2025-01-01-preview` on the wire.
fn wire_version(version: &str) -> Result<String, Error> {
    let lower = version.trim().to_lowercase().replace('_', "-");
    let lower = match lower.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => lower.as_str(),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if lower.is_empty() || !lower.bytes().all(fits) {
        return Err(invalid(format!(
            "`{version}` is not a version of the API; write it like {API_VERSION}"
        )));
    }
    Ok(lower.to_owned())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Config).with_message(message)
}

#[cfg(test)]
mod tests;
