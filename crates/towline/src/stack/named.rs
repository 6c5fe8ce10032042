//! Errors that say whose they are.

use tower_layer::Layer;
use towline_core::{Answer, Error, Metered, Moment, Text, Watch};
use towline_layers::ask::Ask;

/// Adds the provider and the model to errors that name none, those in the middle of a stream among
/// them, and the deployment where it is inside of one.
#[derive(Clone, Debug)]
pub(crate) struct NamedLayer {
    provider: Text,
    deployment: Option<Text>,
}

/// The service that [`NamedLayer`] makes.
#[derive(Clone, Debug)]
pub(crate) struct Named<S> {
    inner: S,
    provider: Text,
    deployment: Option<Text>,
}

/// A provider and a model. Either may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) provider: Text,
    pub(crate) model: Text,
    pub(crate) deployment: Option<Text>,
}

// === impl NamedLayer ===

impl NamedLayer {
    pub(crate) const fn new(provider: Text) -> Self {
        Self {
            provider,
            deployment: None,
        }
    }

    pub(crate) fn deployment(mut self, name: Text) -> Self {
        self.deployment = Some(name);
        self
    }
}

impl<S> Layer<S> for NamedLayer {
    type Service = Named<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Named {
            inner,
            provider: self.provider.clone(),
            deployment: self.deployment.clone(),
        }
    }
}

// === impl Named ===

impl<S, Req> Ask<Req> for Named<S>
where
    S: Ask<Req, Answer: Answer>,
    Req: Metered,
{
    type Answer = S::Answer;

    async fn ask_at(&self, request: Req, moment: Moment) -> Result<S::Answer, Error> {
        let model = request.model_text().clone();
        let result = self.inner.ask_at(request, moment).await;
        let names = || Names {
            provider: self.provider.clone(),
            model,
            deployment: self.deployment.clone(),
        };
        match result {
            Ok(mut answer) => {
                if !answer.is_whole() {
                    answer.watch(names());
                }
                Ok(answer)
            }
            Err(error) => Err(names().sign(error)),
        }
    }
}

// === impl Names ===

impl Names {
    /// Adds the names that an error lacks.
    #[cold]
    pub(crate) fn sign(&self, error: Error) -> Error {
        let error = match error.provider() {
            None if !self.provider.is_empty() => error.with_provider(self.provider.to_string()),
            _ => error,
        };
        let error = match (error.deployment(), &self.deployment) {
            (None, Some(name)) => error.with_deployment(name.clone()),
            _ => error,
        };
        match error.model() {
            None if !self.model.is_empty() => error.with_model(self.model.to_string()),
            _ => error,
        }
    }
}

impl Watch for Names {
    fn on_error(&mut self, error: Error) -> Error {
        self.sign(error)
    }
}
