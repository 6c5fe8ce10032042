//! Texts to vectors.

use crate::{Capabilities, Capability, Context, Head, Metered, Text, Usage, request::tokens};
use std::sync::Arc;

/// A call that turns texts into vectors.
#[derive(Clone, Debug)]
pub struct EmbeddingRequest {
    model: Text,
    inputs: Arc<[Text]>,
    dimensions: Option<u32>,
    context: Context,
}

/// The vectors, one for each input, in the order of the inputs.
#[derive(Clone, Debug)]
pub struct EmbeddingResponse {
    head: Head,
    vectors: Vec<Vec<f32>>,
    usage: Option<Usage>,
}

// === impl EmbeddingRequest ===

impl EmbeddingRequest {
    /// Asks `model` for the vectors of `inputs`.
    #[must_use]
    pub fn new<T: Into<Text>>(model: impl Into<Text>, inputs: impl IntoIterator<Item = T>) -> Self {
        Self {
            model: model.into(),
            inputs: inputs.into_iter().map(Into::into).collect(),
            dimensions: None,
            context: Context::default(),
        }
    }

    /// Asks for vectors of another length than the model's own.
    #[must_use]
    pub const fn with_dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets the facts for layers.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Asks another model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<Text>) -> Self {
        self.model = model.into();
        self
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The texts.
    #[must_use]
    pub fn inputs(&self) -> &[Text] {
        &self.inputs
    }

    /// How long the vectors shall be; `None` is the model's own length.
    #[must_use]
    pub const fn dimensions(&self) -> Option<u32> {
        self.dimensions
    }

    /// The facts for layers.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The facts for layers, to change.
    #[must_use]
    pub const fn context_mut(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Metered for EmbeddingRequest {
    fn model_text(&self) -> &Text {
        &self.model
    }

    fn context(&self) -> &Context {
        &self.context
    }

    fn context_mut(&mut self) -> &mut Context {
        &mut self.context
    }

    fn set_model(&mut self, model: Text) {
        self.model = model;
    }

    fn streams(&self) -> bool {
        false
    }

    fn needs(&self) -> Capabilities {
        Capabilities::of(&[Capability::Embeddings])
    }

    fn estimated_input(&self) -> u64 {
        let counted = self.context.token_estimate();
        counted.unwrap_or_else(|| {
            let lengths = self.inputs.iter().map(|text| text.len());
            tokens(lengths.fold(0, usize::saturating_add))
        })
    }

    fn estimated_output(&self) -> u64 {
        0
    }
}

// === impl EmbeddingResponse ===

impl EmbeddingResponse {
    /// The answer `vectors`.
    #[must_use]
    pub const fn new(head: Head, vectors: Vec<Vec<f32>>, usage: Option<Usage>) -> Self {
        Self {
            head,
            vectors,
            usage,
        }
    }

    /// Provider, model, request id, limits.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The head, to change.
    #[must_use]
    pub const fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    /// One vector for each input, in the order of the inputs.
    #[must_use]
    pub fn vectors(&self) -> &[Vec<f32>] {
        &self.vectors
    }

    /// The vectors, to keep.
    #[must_use]
    pub fn into_vectors(self) -> Vec<Vec<f32>> {
        self.vectors
    }

    /// What the call used, where the provider said so.
    #[must_use]
    pub const fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }
}
