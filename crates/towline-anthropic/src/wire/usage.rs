//! Token counts in answers.

use serde::Deserialize;
use towline_core::Usage;
use towline_transport::lax::LaxCount;

/// The `usage` object.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub(crate) struct UsageWire {
    /// Without what was read from or written to the cache.
    input_tokens: LaxCount,
    output_tokens: LaxCount,
    cache_read_input_tokens: LaxCount,
    cache_creation_input_tokens: LaxCount,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: LaxCount,
}

// === impl UsageWire ===

impl UsageWire {
    /// What is known once `later` has come. The counts of a stream run on: a later one stands in
    /// place of the one before, it is not added to it.
    pub(crate) fn updated(self, later: Self) -> Self {
        let newer = |new: LaxCount, old: LaxCount| LaxCount(new.0.or(old.0));
        Self {
            input_tokens: newer(later.input_tokens, self.input_tokens),
            output_tokens: newer(later.output_tokens, self.output_tokens),
            cache_read_input_tokens: newer(
                later.cache_read_input_tokens,
                self.cache_read_input_tokens,
            ),
            cache_creation_input_tokens: newer(
                later.cache_creation_input_tokens,
                self.cache_creation_input_tokens,
            ),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        }
    }

    /// The canonical form, whose input includes the cache; `None` where no number is known.
    pub(crate) fn to_usage(self) -> Option<Usage> {
        let (read, written) = (
            self.cache_read_input_tokens.0,
            self.cache_creation_input_tokens.0,
        );
        let mut usage = Usage::unknown();
        if let Some(uncached) = self.input_tokens.0 {
            let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
            usage = usage.with_input(uncached.saturating_add(cached));
        }
        if let Some(tokens) = self.output_tokens.0 {
            usage = usage.with_output(tokens);
        }
        if let Some(tokens) = read {
            usage = usage.with_cache_read(tokens);
        }
        if let Some(tokens) = written {
            usage = usage.with_cache_write(tokens);
        }
        let thinking = self.output_tokens_details.unwrap_or_default();
        if let Some(tokens) = thinking.thinking_tokens.0 {
            usage = usage.with_reasoning(tokens);
        }
        (usage != Usage::unknown()).then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::UsageWire;
    use towline_core::Usage;

    fn wire(json: &str) -> UsageWire {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn input_leaves_the_cache_out_on_the_wire_and_includes_it_here() {
        let json = r#"{"input_tokens":2,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":7,"output_tokens_details":{"thinking_tokens":3}}"#;
        let expected = Usage::exclusive(2, 100, 10, 7).with_reasoning(3);
        assert_eq!(wire(json).to_usage(), Some(expected));
    }

    #[test]
    fn what_was_not_said_is_unknown_and_not_zero() {
        let usage = wire(r#"{"input_tokens":2,"cache_read_input_tokens":null}"#).to_usage();
        assert_eq!(usage, Some(Usage::unknown().with_input(2)));
        assert_eq!(wire("{}").to_usage(), None);
    }

    #[test]
    fn a_later_count_replaces_the_one_before() {
        let start = wire(r#"{"input_tokens":43,"output_tokens":1}"#);
        let delta = wire(r#"{"input_tokens":61,"output_tokens":2}"#);
        let usage = start.updated(delta).to_usage();
        assert_eq!(usage, Some(Usage::inclusive(61, 2)));
        let only_output = wire(r#"{"output_tokens":9}"#);
        let usage = start.updated(only_output).to_usage();
        assert_eq!(usage, Some(Usage::inclusive(43, 9)));
    }
}
