//! Embeddings.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use towline_core::Text;
use towline_transport::lax::LaxCount;

/// What is asked.
#[derive(Debug, Serialize)]
pub(crate) struct EmbedBody<'a> {
    pub(crate) model: &'a str,
    pub(crate) input: Inputs<'a>,
    /// A text that is too long is an error and not cut.
    pub(crate) truncate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep_alive: Option<&'a str>,
}

/// The texts.
#[derive(Debug)]
pub(crate) struct Inputs<'a>(pub(crate) &'a [Text]);

/// What comes back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EmbedAnswer<'a> {
    pub(crate) embeddings: Option<Vec<Vec<f32>>>,
    /// The form of before `/api/embed`: one vector.
    pub(crate) embedding: Option<Vec<f32>>,
    pub(crate) prompt_eval_count: LaxCount,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

// === impl Inputs ===

impl Serialize for Inputs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Text::as_str))
    }
}
