//! One line of a pull.

use serde::Deserialize;
use serde_json::value::RawValue;
use towline_transport::lax::{LaxCount, LaxText};

/// How far it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Progress<'a> {
    #[serde(borrow)]
    pub(crate) status: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) digest: LaxText<'a>,
    pub(crate) total: LaxCount,
    pub(crate) completed: LaxCount,
    #[serde(borrow)]
    pub(crate) error: Option<&'a RawValue>,
}
