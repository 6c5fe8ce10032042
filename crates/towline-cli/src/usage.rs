//! Token counts, as they are printed.

use serde::Serialize;
use std::fmt;
use towline_core::Usage;

/// Token counts. Input includes cached tokens, output includes reasoning. `null` is unknown.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct UsageObject {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

// === impl UsageObject ===

impl UsageObject {
    pub(crate) fn of(usage: Option<&Usage>) -> Self {
        let Some(usage) = usage else {
            return Self::default();
        };
        Self {
            input_tokens: usage.input(),
            output_tokens: usage.output(),
            cached_tokens: usage.cache_read(),
            cache_write_tokens: usage.cache_write(),
            reasoning_tokens: usage.reasoning(),
            total_tokens: usage.total(),
        }
    }
}

impl fmt::Display for UsageObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), |n| n.to_string());
        write!(f, "{} in", count(self.input_tokens))?;
        if let Some(cached) = self.cached_tokens.filter(|n| *n > 0) {
            write!(f, " ({cached} cached)")?;
        }
        write!(f, ", {} out", count(self.output_tokens))?;
        if let Some(reasoning) = self.reasoning_tokens.filter(|n| *n > 0) {
            write!(f, " ({reasoning} reasoning)")?;
        }
        Ok(())
    }
}
