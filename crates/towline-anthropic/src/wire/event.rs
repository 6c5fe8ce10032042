//! One event of a streamed answer.

use super::{
    answer::{Answer, Block, StopDetails},
    usage::UsageWire,
};
use serde::Deserialize;
use towline_transport::lax::{LaxCount, LaxText, Raw};

/// The data of one event. Which fields are filled the type says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventWire<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: LaxText<'a>,
    pub(crate) index: LaxCount,
    #[serde(borrow)]
    pub(crate) message: Option<Answer<'a>>,
    #[serde(borrow)]
    pub(crate) content_block: Option<Block<'a>>,
    #[serde(borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    pub(crate) usage: Option<UsageWire>,
    #[serde(borrow)]
    pub(crate) error: Option<Raw<'a>>,
}

/// More of a block, or the end of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) text: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) thinking: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) signature: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) partial_json: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) stop_reason: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) stop_details: Option<StopDetails<'a>>,
}
