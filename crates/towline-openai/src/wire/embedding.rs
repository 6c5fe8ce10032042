//! Embeddings.

use super::usage::UsageWire;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use towline_core::Text;
use towline_transport::lax::{LaxCount, LaxObject};

/// What is asked.
#[derive(Debug, Serialize)]
pub(crate) struct EmbeddingBody<'a> {
    pub(crate) model: &'a str,
    pub(crate) input: Inputs<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dimensions: Option<u32>,
}

/// The texts.
#[derive(Debug)]
pub(crate) struct Inputs<'a>(pub(crate) &'a [Text]);

/// What comes back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EmbeddingAnswer<'a> {
    pub(crate) data: Vec<Vector>,
    pub(crate) usage: LaxObject<UsageWire>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// One vector, and which input it belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vector {
    pub(crate) index: LaxCount,
    pub(crate) embedding: Numbers,
}

/// The vector as the server wrote it.
#[derive(Debug)]
pub(crate) enum Numbers {
    Floats(Vec<f32>),
    /// Little-endian 32-bit floats in base64.
    Base64(String),
}

// === impl Inputs ===

impl Serialize for Inputs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Text::as_str))
    }
}

// === impl Numbers ===

impl Default for Numbers {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Floats(Vec<f32>),
            /// Some servers wrap the vector of each input in a list of its own.
            Nested(Vec<Vec<f32>>),
            Base64(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Floats(floats) => Ok(Self::Floats(floats)),
            Form::Nested(rows) => Ok(Self::Floats(rows.into_iter().next().unwrap_or_default())),
            Form::Base64(text) => Ok(Self::Base64(text)),
        }
    }
}
