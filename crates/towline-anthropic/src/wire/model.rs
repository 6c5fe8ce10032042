//! The list of models.

use serde::Deserialize;
use serde_json::value::RawValue;
use towline_transport::lax::{LaxCount, LaxList, LaxText};

/// A page of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelList<'a> {
    #[serde(borrow)]
    pub(crate) data: LaxList<ModelWire<'a>>,
    pub(crate) has_more: Option<bool>,
    #[serde(borrow)]
    pub(crate) last_id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}

/// One model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelWire<'a> {
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    pub(crate) max_input_tokens: LaxCount,
}
