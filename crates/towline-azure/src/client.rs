//! The service.

use crate::AzureConfig;
use bytes::Bytes;
use http_body::Body;
use std::task::{Context, Poll};
use tower_service::Service;
use towline_core::{EmbeddingRequest, EmbeddingResponse, Error, ModelInfo, Request, Response};
use towline_openai::{CallFuture, OpenAi};
use towline_transport::{Channel, RequestBody};

/// A client of one Azure resource: completions and embeddings as tower services over any HTTP
/// service, usually a [`Channel`](towline_transport::Channel) to [`AzureConfig::base_url`].
///
/// The model of a request is the name of a deployment. It retries nothing, waits for nothing and
/// reads no environment: layers around it do that. A clone shares the settings.
#[derive(Clone, Debug)]
pub struct Azure<S> {
    config: AzureConfig,
    openai: OpenAi<S>,
}

// === impl Azure ===

impl<S> Azure<S> {
    /// A client over `http`, which connects to the resource of `config`.
    #[must_use]
    pub fn new(config: AzureConfig, http: S) -> Self {
        let (config, openai) = config.into_parts();
        Self {
            config,
            openai: OpenAi::new(openai, http),
        }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &AzureConfig {
        &self.config
    }
}

impl<S, B> Azure<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Error>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    /// The models that the resource knows: those that can be deployed, not the deployments, whose
    /// list a key may not see. Costs nothing.
    ///
    /// # Errors
    ///
    /// Whatever the server or the connection reports: a wrong key is
    /// [`ErrorKind::Auth`](towline_core::ErrorKind::Auth).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the HTTP exchange.
    pub async fn models(&self) -> Result<Vec<ModelInfo>, Error>
    where
        S: Clone,
    {
        self.openai.models().await
    }
}

impl Azure<Channel> {
    /// Answers `request`, as [`Service::call`] does, through a shared reference: a channel is always
    /// ready, and a call needs no clone of the client.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the HTTP exchange.
    pub fn ask(&self, request: &Request) -> CallFuture<Response> {
        self.openai.ask(request)
    }
}

/// Completions.
///
/// # Errors
///
/// As those of [`OpenAi`], with the kinds that Azure's codes mean.
impl<S, B> Service<Request> for Azure<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Error>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    type Response = Response;
    type Error = Error;
    type Future = CallFuture<Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::<Request>::poll_ready(&mut self.openai, cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.openai.call(request)
    }
}

/// Embeddings.
///
/// # Errors
///
/// As for completions.
impl<S, B> Service<EmbeddingRequest> for Azure<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>, Error = Error>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Error>,
{
    type Response = EmbeddingResponse;
    type Error = Error;
    type Future = CallFuture<EmbeddingResponse>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::<EmbeddingRequest>::poll_ready(&mut self.openai, cx)
    }

    fn call(&mut self, request: EmbeddingRequest) -> Self::Future {
        self.openai.call(request)
    }
}
