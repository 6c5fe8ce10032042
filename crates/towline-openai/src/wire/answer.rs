//! A complete answer.

use super::{
    content::Content,
    tool::{FunctionWire, ToolCallWire},
    usage::UsageWire,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};
use towline_transport::lax::{LaxCount, LaxList, LaxObject, LaxText, Raw, skip_map};

/// The body of an answer with status 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) model: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) choices: FirstChoice<Choice<'a>>,
    pub(crate) usage: LaxObject<UsageWire>,
    #[serde(borrow)]
    pub(crate) error: Option<Raw<'a>>,
}

/// One choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Choice<'a> {
    index: LaxCount,
    #[serde(borrow)]
    pub(crate) message: LaxObject<MessageWire<'a>>,
    #[serde(borrow)]
    pub(crate) finish_reason: LaxText<'a>,
}

/// What the model said: a whole message, or the delta of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MessageWire<'a> {
    #[serde(borrow)]
    pub(crate) content: Content<'a>,
    #[serde(borrow)]
    pub(crate) refusal: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) reasoning_content: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) reasoning: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) reasoning_details: LaxList<ReasoningDetail<'a>>,
    #[serde(borrow)]
    pub(crate) tool_calls: LaxList<ToolCallWire<'a>>,
    /// The form before tools.
    #[serde(borrow)]
    pub(crate) function_call: LaxObject<FunctionWire<'a>>,
}

/// One of `OpenRouter`'s `reasoning_details`: text, a summary, or data that only the provider reads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReasoningDetail<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) id: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) format: LaxText<'a>,
    pub(crate) index: LaxCount,
    #[serde(borrow)]
    pub(crate) text: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) summary: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) data: LaxText<'a>,
    #[serde(borrow)]
    pub(crate) signature: LaxText<'a>,
}

/// The choice with index 0 of a list; others, which only a raw `n` above 1 brings, are skipped.
#[derive(Debug)]
pub(crate) struct FirstChoice<T>(pub(crate) Option<T>);

/// What has an index in a list of choices.
pub(crate) trait Indexed {
    fn index(&self) -> LaxCount;
}

// === impl Choice ===

impl Indexed for Choice<'_> {
    fn index(&self) -> LaxCount {
        self.index
    }
}

// === impl FirstChoice ===

impl<T> Default for FirstChoice<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de> + Indexed> Deserialize<'de> for FirstChoice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor(PhantomData))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Indexed> Visitor<'de> for FirstVisitor<T> {
    type Value = FirstChoice<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(choice) = seq.next_element::<LaxObject<T>>()? {
            let Some(choice) = choice.0 else { continue };
            if first.is_none() && choice.index().0.unwrap_or(0) == 0 {
                first = Some(choice);
            }
        }
        Ok(FirstChoice(first))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(FirstChoice(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map).map(|()| FirstChoice(None))
    }
}
