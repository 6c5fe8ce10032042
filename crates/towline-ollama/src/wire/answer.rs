//! An answer: whole, or one line of a stream.

use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use towline_core::Usage;
use towline_transport::lax::{self, LaxCount, LaxList, LaxText, Raw};

/// The body of a whole answer, or a line of a stream: they have the same shape.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) model: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) created_at: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) message: Option<MessageWire<'a>>,
    pub(crate) done: Option<bool>,
    #[serde(borrow)]
    pub(crate) done_reason: LaxText<'a>,
    prompt_eval_count: LaxCount,
    eval_count: LaxCount,
    #[serde(borrow)]
    pub(crate) error: Option<Raw<'a>>,
}

/// What the model said, or more of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageWire<'a> {
    #[serde(borrow)]
    pub(crate) content: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) thinking: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) tool_calls: LaxList<ToolCallWire<'a>>,
}

/// A tool call. In a stream it comes whole, too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolCallWire<'a> {
    /// Servers of before 2026 send none.
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    function: Option<FunctionWire<'a>>,
}

/// The function that is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FunctionWire<'a> {
    #[serde(borrow)]
    name: LaxText<'a>,
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

/// JSON text. It is sent as the object itself; gateways send it as a string.
#[derive(Debug, Default)]
struct Arguments<'a>(Cow<'a, str>);

// === impl Answer ===

impl Answer<'_> {
    /// What the call used; `None` where no number is known. A prompt that the server has cached may
    /// come without its number.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let mut usage = Usage::unknown();
        if let Some(tokens) = self.prompt_eval_count.0 {
            usage = usage.with_input(tokens);
        }
        if let Some(tokens) = self.eval_count.0 {
            usage = usage.with_output(tokens);
        }
        (usage != Usage::unknown()).then_some(usage)
    }
}

// === impl ToolCallWire ===

impl ToolCallWire<'_> {
    /// The name of the tool.
    pub(crate) fn name(&self) -> &str {
        self.function
            .as_ref()
            .map_or("", |function| &function.name.0)
    }

    /// The arguments as JSON text.
    pub(crate) fn arguments(&self) -> &str {
        self.function
            .as_ref()
            .map_or("", |function| &function.arguments.0)
    }
}

// === impl Arguments ===

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?.0;
        if raw.starts_with('"') {
            let text: LaxText<'a> = lax::from_str(raw).map_err(serde::de::Error::custom)?;
            return Ok(Self(text.0));
        }
        let text = if raw == "null" { "" } else { raw };
        Ok(Self(Cow::Borrowed(text)))
    }
}
