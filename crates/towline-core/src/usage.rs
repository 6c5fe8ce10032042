//! What a call used, in tokens.

use bytes::Bytes;

/// Tokens of one call, normalised over providers. A number that the provider did not give is
/// `None`, never zero.
///
/// Input *includes* cached tokens and output *includes* reasoning tokens; [`uncached_input`] and
/// [`visible_output`] leave them out. Providers differ in both, which is why there is one
/// constructor for each reading.
///
/// [`uncached_input`]: Usage::uncached_input
/// [`visible_output`]: Usage::visible_output
///
/// # Examples
///
/// ```
/// use towline_core::Usage;
///
/// // OpenAI counts cached tokens into the input, Anthropic does not: the same call.
/// let openai = Usage::inclusive(1000, 50).with_cache_read(900);
/// let anthropic = Usage::exclusive(100, 900, 0, 50);
/// assert_eq!(openai.input(), anthropic.input());
/// assert_eq!(openai.uncached_input(), Some(100));
/// assert_eq!(anthropic.total(), Some(1050));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Usage {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    raw: Option<Bytes>,
}

// === impl Usage ===

impl Usage {
    /// Nothing known yet.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            input: None,
            output: None,
            cache_read: None,
            cache_write: None,
            reasoning: None,
            raw: None,
        }
    }

    /// From a provider whose input includes cached tokens.
    #[must_use]
    pub const fn inclusive(input: u64, output: u64) -> Self {
        let mut usage = Self::unknown();
        usage.input = Some(input);
        usage.output = Some(output);
        usage
    }

    /// From a provider whose input leaves out what was read from and written to the cache.
    #[must_use]
    pub const fn exclusive(uncached: u64, cache_read: u64, cache_write: u64, output: u64) -> Self {
        let input = uncached
            .saturating_add(cache_read)
            .saturating_add(cache_write);
        let mut usage = Self::inclusive(input, output);
        usage.cache_read = Some(cache_read);
        usage.cache_write = Some(cache_write);
        usage
    }

    /// Sets the input, cached tokens included.
    #[must_use]
    pub const fn with_input(mut self, tokens: u64) -> Self {
        self.input = Some(tokens);
        self
    }

    /// Sets the output, reasoning tokens included.
    #[must_use]
    pub const fn with_output(mut self, tokens: u64) -> Self {
        self.output = Some(tokens);
        self
    }

    /// Sets the input tokens that came from the provider's cache.
    #[must_use]
    pub const fn with_cache_read(mut self, tokens: u64) -> Self {
        self.cache_read = Some(tokens);
        self
    }

    /// Sets the input tokens that were written to the provider's cache.
    #[must_use]
    pub const fn with_cache_write(mut self, tokens: u64) -> Self {
        self.cache_write = Some(tokens);
        self
    }

    /// Sets the output tokens spent on reasoning.
    #[must_use]
    pub const fn with_reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = Some(tokens);
        self
    }

    /// Keeps the JSON in which the provider sent the numbers.
    #[must_use]
    pub fn with_raw(mut self, json: Bytes) -> Self {
        self.raw = Some(json);
        self
    }

    /// What two calls used together. A number that only one of them has is taken as it is; the JSON
    /// is that of neither.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input: add(self.input, other.input),
            output: add(self.output, other.output),
            cache_read: add(self.cache_read, other.cache_read),
            cache_write: add(self.cache_write, other.cache_write),
            reasoning: add(self.reasoning, other.reasoning),
            raw: None,
        }
    }

    /// Input tokens, cached ones included.
    #[must_use]
    pub const fn input(&self) -> Option<u64> {
        self.input
    }

    /// Input tokens that were neither read from nor written to the cache.
    #[must_use]
    pub fn uncached_input(&self) -> Option<u64> {
        let cached = self.cache_read.unwrap_or(0);
        let cached = cached.saturating_add(self.cache_write.unwrap_or(0));
        Some(self.input?.saturating_sub(cached))
    }

    /// Output tokens, reasoning included.
    #[must_use]
    pub const fn output(&self) -> Option<u64> {
        self.output
    }

    /// Output tokens without reasoning. Zero where a provider reports more reasoning than output,
    /// as some do.
    #[must_use]
    pub fn visible_output(&self) -> Option<u64> {
        Some(self.output?.saturating_sub(self.reasoning.unwrap_or(0)))
    }

    /// Input tokens read from the cache.
    #[must_use]
    pub const fn cache_read(&self) -> Option<u64> {
        self.cache_read
    }

    /// Input tokens written to the cache.
    #[must_use]
    pub const fn cache_write(&self) -> Option<u64> {
        self.cache_write
    }

    /// Output tokens spent on reasoning.
    #[must_use]
    pub const fn reasoning(&self) -> Option<u64> {
        self.reasoning
    }

    /// Input and output together. Unknown when either is.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        Some(self.input?.saturating_add(self.output?))
    }

    /// The JSON that held the numbers: the body of a complete answer, or the chunk of a stream.
    /// Costs and other extras of a provider can be read from it.
    #[must_use]
    pub const fn raw(&self) -> Option<&Bytes> {
        self.raw.as_ref()
    }
}

/// Compares the numbers; where they stood does not matter.
impl PartialEq for Usage {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |u: &Self| (u.input, u.output, u.cache_read, u.cache_write, u.reasoning);
        numbers(self) == numbers(other)
    }
}

impl Eq for Usage {}

fn add(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (known, None) | (None, known) => known,
    }
}
