//! A complete answer.

use super::usage::UsageWire;
use serde::Deserialize;
use towline_transport::lax::{LaxList, LaxText, Raw};

/// The body of an answer with status 200; in a stream, the message as it begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) model: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) content: Option<LaxList<Block<'a>>>,
    #[serde(borrow)]
    pub(crate) stop_reason: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) stop_details: Option<StopDetails<'a>>,
    pub(crate) usage: Option<UsageWire>,
    #[serde(borrow)]
    pub(crate) error: Option<Raw<'a>>,
}

/// A block of content, or the beginning of one. Which fields are filled the type says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) text: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) thinking: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) signature: LaxText<'a>,
    /// Thinking that only Anthropic can read.
    #[serde(borrow)]
    pub(crate) data: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) name: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) input: Option<Raw<'a>>,
}

/// Why the model declined.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StopDetails<'a> {
    #[serde(borrow)]
    pub(crate) explanation: LaxText<'a>,
}

// === impl Block ===

impl<'a> Block<'a> {
    /// The arguments of a call as JSON text; empty for an empty object, which is how a stream begins
    /// a call.
    pub(crate) fn arguments(&self) -> &'a str {
        let raw = self.input.map_or("", |input| input.0);
        let inside = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}'));
        let empty = raw == "null" || inside.is_some_and(|inside| inside.trim().is_empty());
        if empty { "" } else { raw }
    }
}
