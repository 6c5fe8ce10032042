//! The list of models.

use serde::Deserialize;
use towline_transport::lax::{LaxCount, LaxList, LaxObject, LaxText};

/// `{"data": […]}`; Together sends the bare list, llama.cpp adds `models`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ModelList<'a> {
    Bare(#[serde(borrow)] Vec<ModelWire<'a>>),
    Wrapped(#[serde(borrow)] ModelData<'a>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelData<'a> {
    #[serde(borrow)]
    pub(crate) data: LaxList<ModelWire<'a>>,
}

/// One model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelWire<'a> {
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) owned_by: LaxText<'a>,
    /// `OpenRouter` and Together.
    pub(crate) context_length: LaxCount,
    /// Groq.
    pub(crate) context_window: LaxCount,
    /// Mistral.
    pub(crate) max_context_length: LaxCount,
    /// vLLM.
    pub(crate) max_model_len: LaxCount,
    pub(crate) meta: LaxObject<ModelMeta>,
}

/// llama.cpp.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelMeta {
    pub(crate) n_ctx: LaxCount,
    pub(crate) n_ctx_train: LaxCount,
}
