//! One chunk of a streamed answer.

use super::{
    answer::{FirstChoice, Indexed, MessageWire},
    usage::UsageWire,
};
use serde::Deserialize;
use towline_transport::lax::{LaxCount, LaxObject, LaxText, Raw};

/// The data of one event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chunk<'a> {
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) model: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) object: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) choices: FirstChoice<ChunkChoice<'a>>,
    pub(crate) usage: LaxObject<UsageWire>,
    pub(crate) x_groq: LaxObject<GroqExtra>,
    #[serde(borrow)]
    pub(crate) error: Option<Raw<'a>>,
}

/// One choice of a chunk.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChunkChoice<'a> {
    index: LaxCount,
    #[serde(borrow)]
    pub(crate) delta: LaxObject<MessageWire<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: LaxText<'a>,
}

/// Groq puts the usage of a stream here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GroqExtra {
    pub(crate) usage: LaxObject<UsageWire>,
}

// === impl ChunkChoice ===

impl Indexed for ChunkChoice<'_> {
    fn index(&self) -> LaxCount {
        self.index
    }
}
