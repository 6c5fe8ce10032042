//! Models: the list, and what is known of one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use towline_transport::lax::{LaxList, LaxText};

/// What `/api/tags` sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelList<'a> {
    #[serde(borrow)]
    pub(crate) models: LaxList<ModelWire<'a>>,
}

/// One model of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ModelWire<'a> {
    #[serde(borrow)]
    pub(crate) model: LaxText<'a>,
    /// The same; older servers send only this.
    #[serde(borrow)]
    pub(crate) name: LaxText<'a>,
}

/// What `/api/show` and `/api/pull` are asked.
#[derive(Debug, Serialize)]
pub(crate) struct ModelBody<'a> {
    pub(crate) model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
}

/// What `/api/show` sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ShowAnswer<'a> {
    /// Lines of a name, blanks and a value.
    #[serde(borrow)]
    pub(crate) parameters: LaxText<'a>,
    pub(crate) model_info: Option<Map<String, Value>>,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}
