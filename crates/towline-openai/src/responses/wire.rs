//! The shapes of answers.

use serde::Deserialize;
use towline_core::Usage;
use towline_transport::lax::{LaxCount, LaxList, LaxObject, LaxText, Raw};

/// A whole answer, and what the first and the last event of a stream carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) id: LaxText<'a>,
    #[serde(borrow)]
    pub(super) model: LaxText<'a>,
    #[serde(borrow)]
    pub(super) status: LaxText<'a>,
    #[serde(borrow)]
    pub(super) output: LaxList<Item<'a>>,
    #[serde(borrow)]
    pub(super) incomplete_details: LaxObject<Incomplete<'a>>,
    pub(super) usage: LaxObject<UsageWire>,
    #[serde(borrow)]
    pub(super) error: Option<Raw<'a>>,
}

/// Why an answer is not complete.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow)]
    pub(super) reason: LaxText<'a>,
}

/// An item of the output. Kinds that are not known have none of the fields that are read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(super) id: LaxText<'a>,
    #[serde(borrow)]
    pub(super) call_id: LaxText<'a>,
    #[serde(borrow)]
    pub(super) name: LaxText<'a>,
    #[serde(borrow)]
    pub(super) arguments: LaxText<'a>,
    #[serde(borrow)]
    pub(super) content: LaxList<ItemPart<'a>>,
    #[serde(borrow)]
    pub(super) summary: LaxList<ItemPart<'a>>,
    #[serde(borrow)]
    pub(super) encrypted_content: LaxText<'a>,
}

/// A part of an item.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ItemPart<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(super) text: LaxText<'a>,
    #[serde(borrow)]
    pub(super) refusal: LaxText<'a>,
}

/// One event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventWire<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: LaxText<'a>,
    #[serde(borrow)]
    pub(super) item_id: LaxText<'a>,
    pub(super) output_index: LaxCount,
    pub(super) summary_index: LaxCount,
    #[serde(borrow)]
    pub(super) delta: LaxText<'a>,
    #[serde(borrow)]
    pub(super) arguments: LaxText<'a>,
    #[serde(borrow)]
    pub(super) item: LaxObject<Item<'a>>,
    #[serde(borrow)]
    pub(super) response: LaxObject<Answer<'a>>,
    /// In the event `error`; gateways send it alone, in the form of chat completions.
    #[serde(borrow)]
    pub(super) error: Option<Raw<'a>>,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageWire {
    input_tokens: LaxCount,
    output_tokens: LaxCount,
    input_tokens_details: LaxObject<InputDetails>,
    output_tokens_details: LaxObject<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: LaxCount,
    cache_write_tokens: LaxCount,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: LaxCount,
}

// === impl UsageWire ===

impl UsageWire {
    /// The canonical form; `None` where no number is known.
    pub(super) fn to_usage(self) -> Option<Usage> {
        let input = self.input_tokens_details.0.unwrap_or_default();
        let output = self.output_tokens_details.0.unwrap_or_default();
        type Set = fn(Usage, u64) -> Usage;
        let numbers: [(LaxCount, Set); 5] = [
            (self.input_tokens, Usage::with_input),
            (self.output_tokens, Usage::with_output),
            (input.cached_tokens, Usage::with_cache_read),
            (input.cache_write_tokens, Usage::with_cache_write),
            (output.reasoning_tokens, Usage::with_reasoning),
        ];
        let known = numbers
            .iter()
            .filter_map(|(count, set)| Some((count.0?, set)));
        let usage = known.fold(Usage::unknown(), |usage, (tokens, set)| set(usage, tokens));
        (usage != Usage::unknown()).then_some(usage)
    }
}
