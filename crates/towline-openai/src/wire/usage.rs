//! Token counts in answers.

use serde::Deserialize;
use towline_core::Usage;
use towline_transport::lax::{LaxCount, LaxObject};

/// The `usage` object, over all servers that speak the dialect.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UsageWire {
    prompt_tokens: LaxCount,
    completion_tokens: LaxCount,
    total_tokens: LaxCount,
    /// `DeepSeek`.
    prompt_cache_hit_tokens: LaxCount,
    /// Mistral.
    num_cached_tokens: LaxCount,
    prompt_tokens_details: LaxObject<InputDetails>,
    completion_tokens_details: LaxObject<OutputDetails>,
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
    pub(crate) fn to_usage(self, reasoning_apart: bool) -> Option<Usage> {
        let input = self.prompt_tokens.0;
        let details = self.prompt_tokens_details.0.unwrap_or_default();
        let reasoning = self.completion_tokens_details.0.unwrap_or_default();
        let reasoning = reasoning.reasoning_tokens.0;
        let cached = details.cached_tokens.0;
        let cached = cached.or(self.prompt_cache_hit_tokens.0);
        let cached = cached.or(self.num_cached_tokens.0);
        let mut usage = Usage::unknown();
        if let Some(tokens) = input {
            usage = usage.with_input(tokens);
        }
        if let Some(tokens) = self.output(reasoning_apart) {
            usage = usage.with_output(tokens);
        }
        if let Some(tokens) = cached {
            usage = usage.with_cache_read(tokens);
        }
        if let Some(tokens) = details.cache_write_tokens.0 {
            usage = usage.with_cache_write(tokens);
        }
        if let Some(tokens) = reasoning {
            usage = usage.with_reasoning(tokens);
        }
        (usage != Usage::unknown()).then_some(usage)
    }

    /// Output with reasoning. xAI leaves reasoning out of `completion_tokens` and counts it into
    /// the total.
    fn output(self, reasoning_apart: bool) -> Option<u64> {
        let output = self.completion_tokens.0?;
        let total = self.total_tokens.0.zip(self.prompt_tokens.0);
        match total {
            Some((total, input)) if reasoning_apart => {
                Some(total.saturating_sub(input).max(output))
            }
            _ => Some(output),
        }
    }
}
