//! What a client of one Azure resource needs to know.

mod builder;

pub use self::builder::AzureConfigBuilder;

use towline_openai::OpenAiConfig;

/// Settings of a client: where the resource is, which version of the API, what proves who calls.
#[derive(Clone, Debug)]
pub struct AzureConfig {
    openai: OpenAiConfig,
    base_url: String,
    api_version: String,
    surface: Surface,
}

/// The three ways in which Azure lays out its paths.
///
/// Source: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>, read in November 2026, and
/// recorded exchanges.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Surface {
    /// `/openai/deployments/NAME/chat/completions?api-version=...`, which every resource has.
    #[default]
    Deployments,
    /// `/models/chat/completions?api-version=...` with the model in the body: models of other makers
    /// on `services.ai.azure.com`. Told by an endpoint that ends in `/models`.
    Models,
    /// `/openai/v1/chat/completions`, without a version. Told by an endpoint that ends in
    /// `/openai/v1`.
    V1,
}

// === impl AzureConfig ===

impl AzureConfig {
    /// Starts from the address of the resource, such as `https://my-resource.openai.azure.com`.
    #[must_use]
    pub fn builder(endpoint: impl Into<String>) -> AzureConfigBuilder {
        AzureConfigBuilder::new(endpoint.into())
    }

    /// The name under which answers and errors speak of this provider.
    #[must_use]
    pub fn name(&self) -> &str {
        self.openai.name()
    }

    /// The address for the channel below: the endpoint without a slash, and without the part that
    /// told the surface.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The version of the API, as it goes into the query.
    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// How the paths are laid out.
    #[must_use]
    pub const fn surface(&self) -> Surface {
        self.surface
    }

    pub(crate) fn into_parts(self) -> (Self, OpenAiConfig) {
        let openai = self.openai.clone();
        (self, openai)
    }
}
