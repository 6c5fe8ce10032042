//! Tool calls in answers, whole or in fragments.

use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use towline_transport::lax::{self, LaxCount, LaxObject, LaxText, Raw};

/// A tool call, or a fragment of one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolCallWire<'a> {
    pub(crate) index: LaxCount,
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) function: LaxObject<FunctionWire<'a>>,
}

/// The function that is called.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FunctionWire<'a> {
    #[serde(borrow)]
    pub(crate) name: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) arguments: Arguments<'a>,
}

/// JSON text. Most servers send it as a string, some as the object itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments<'a>(pub(crate) Cow<'a, str>);

// === impl Arguments ===

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw(raw) = Raw::deserialize(deserializer)?;
        if raw.starts_with('"') {
            let text = lax::unescape(raw).map_err(serde::de::Error::custom)?;
            return Ok(Self(text));
        }
        let text = if raw == "null" { "" } else { raw };
        Ok(Self(Cow::Borrowed(text)))
    }
}
