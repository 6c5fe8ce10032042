//! What models cost.

use crate::{Cost, Usage};

/// What a model costs, in US dollars for a million tokens, as price lists give it.
///
/// Reasoning is paid as output, of which it is a part. A price that is not known makes the cost of a call with
/// such tokens unknown, never less.
///
/// # Examples
///
/// ```
/// use towline_core::{Prices, Usage};
///
/// let prices = Prices::new("2.50".parse()?, "10".parse()?);
/// let cost = prices.cost(&Usage::inclusive(1_200, 300));
/// assert_eq!(cost.map(|cost| cost.to_string()).as_deref(), Some("$0.006"));
///
/// // The price of what was read from the cache is not known.
/// let cached = Usage::inclusive(1_200, 300).with_cache_read(1_000);
/// assert_eq!(prices.cost(&cached), None);
/// # Ok::<(), towline_core::NoCost>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prices {
    input: Option<Cost>,
    output: Option<Cost>,
    cache_read: Option<Cost>,
    cache_write: Option<Cost>,
}

/// Tokens that a price is for.
const MILLION: u128 = 1_000_000;

// === impl Prices ===

impl Prices {
    /// No price is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            input: None,
            output: None,
            cache_read: None,
            cache_write: None,
        }
    }

    /// What a million tokens of input and of output cost. The prices of the cache are not known.
    #[must_use]
    pub const fn new(input: Cost, output: Cost) -> Self {
        Self::unknown().with_input(input).with_output(output)
    }

    /// What a million tokens of input cost that no cache has to do with.
    #[must_use]
    pub const fn with_input(mut self, price: Cost) -> Self {
        self.input = Some(price);
        self
    }

    /// What a million tokens of output cost, reasoning among them.
    #[must_use]
    pub const fn with_output(mut self, price: Cost) -> Self {
        self.output = Some(price);
        self
    }

    /// What a million tokens of input cost that are read from the provider's cache.
    #[must_use]
    pub const fn with_cache_read(mut self, price: Cost) -> Self {
        self.cache_read = Some(price);
        self
    }

    /// What a million tokens of input cost that are written to the provider's cache.
    #[must_use]
    pub const fn with_cache_write(mut self, price: Cost) -> Self {
        self.cache_write = Some(price);
        self
    }

    /// What a million tokens of input cost.
    #[must_use]
    pub const fn input(&self) -> Option<Cost> {
        self.input
    }

    /// What a million tokens of output cost.
    #[must_use]
    pub const fn output(&self) -> Option<Cost> {
        self.output
    }

    /// What a million tokens of input cost that are read from the cache.
    #[must_use]
    pub const fn cache_read(&self) -> Option<Cost> {
        self.cache_read
    }

    /// What a million tokens of input cost that are written to the cache.
    #[must_use]
    pub const fn cache_write(&self) -> Option<Cost> {
        self.cache_write
    }

    /// What a call cost that used this. Unknown where input or output is, where the price of some tokens is, and
    /// where a part is larger than its whole, as some servers count. Who says nothing of a cache has none.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<Cost> {
        let cached = usage.cache_read().into_iter().chain(usage.cache_write());
        let cached = cached.fold(0, u64::saturating_add);
        if cached > usage.input()? || usage.reasoning().unwrap_or(0) > usage.output()? {
            return None;
        }
        let parts = [
            part(self.input, usage.uncached_input()?)?,
            part(self.cache_read, usage.cache_read().unwrap_or(0))?,
            part(self.cache_write, usage.cache_write().unwrap_or(0))?,
            part(self.output, usage.output()?)?,
        ];
        Some(rounded(parts.into_iter().fold(0, u128::saturating_add)))
    }
}

/// What one kind of tokens costs. Where there are none their price does not matter.
fn part(price: Option<Cost>, tokens: u64) -> Option<u128> {
    match tokens {
        0 => Some(0),
        tokens => Some(u128::from(price?.picodollars()) * u128::from(tokens)),
    }
}

/// To the nearest picodollar, once for the whole sum.
fn rounded(sum: u128) -> Cost {
    let pico = sum.saturating_add(MILLION / 2) / MILLION;
    Cost::from_picodollars(u64::try_from(pico).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Prices;
    use crate::{Cost, Usage};
    use proptest::prelude::*;

    fn dollars(text: &str) -> Cost {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn the_cost_of_a_whole_is_that_of_its_parts(
            [uncached, read, written, output] in [0..1_u64 << 40, 0..1_u64 << 40, 0..1_u64 << 40, 0..1_u64 << 40],
            [input_price, read_price, written_price, output_price] in [0..1_000_u64, 0..1_000, 0..1_000, 0..1_000_u64],
        ) {
            // Whole picodollars a token, so that there is nothing to round.
            let price = |pico: u64| Cost::from_picodollars(pico * 1_000_000);
            let prices = Prices::new(price(input_price), price(output_price))
                .with_cache_read(price(read_price))
                .with_cache_write(price(written_price));
            let usage = Usage::exclusive(uncached, read, written, output);
            let sum = uncached * input_price + read * read_price + written * written_price + output * output_price;
            prop_assert_eq!(prices.cost(&usage), Some(Cost::from_picodollars(sum)));
        }
    }

    /// Figures of the price lists of 2026: gpt-4o at 2.50, 1.25 and 10; claude-sonnet-4-5 at 3, 0.30, 3.75
    /// and 15.
    #[test]
    fn the_lists_of_two_providers_give_what_they_bill() {
        let openai = Prices::new(dollars("2.50"), dollars("10")).with_cache_read(dollars("1.25"));
        let usage = Usage::inclusive(1_000, 50).with_cache_read(900);
        assert_eq!(openai.cost(&usage), Some(dollars("0.001875")));
        let anthropic = Prices::new(dollars("3"), dollars("15"))
            .with_cache_read(dollars("0.30"))
            .with_cache_write(dollars("3.75"));
        let usage = Usage::exclusive(100, 900, 200, 50);
        assert_eq!(anthropic.cost(&usage), Some(dollars("0.00207")));
    }

    #[test]
    fn what_is_not_known_is_not_nothing() {
        let prices = Prices::new(dollars("1"), dollars("2"));
        assert_eq!(prices.cost(&Usage::unknown()), None);
        assert_eq!(prices.cost(&Usage::unknown().with_input(5)), None);
        let usage = Usage::inclusive(10, 10);
        assert_eq!(prices.cost(&usage.clone().with_cache_read(1)), None);
        assert_eq!(prices.cost(&usage.clone().with_cache_write(1)), None);
        assert_eq!(
            prices.cost(&usage.with_cache_read(0)),
            Some(dollars("0.00003"))
        );
        // Parts that are larger than the whole: nobody knows what was billed.
        let all = prices
            .with_cache_read(dollars("1"))
            .with_cache_write(dollars("1"));
        let usage = Usage::inclusive(10, 10);
        assert!(all.cost(&usage.clone().with_cache_read(10)).is_some());
        assert_eq!(all.cost(&usage.clone().with_cache_read(11)), None);
        assert_eq!(
            all.cost(&usage.clone().with_cache_read(6).with_cache_write(5)),
            None
        );
        let most = usage.clone().with_cache_read(u64::MAX).with_cache_write(1);
        assert_eq!((all.cost(&most), most.uncached_input()), (None, Some(0)));
        assert!(all.cost(&usage.clone().with_reasoning(10)).is_some());
        assert_eq!(all.cost(&usage.with_reasoning(11)), None);
        // As for embeddings.
        let prices = Prices::unknown().with_input(dollars("1"));
        assert_eq!(
            prices.cost(&Usage::inclusive(10, 0)),
            Some(dollars("0.00001"))
        );
        assert_eq!(prices.cost(&Usage::inclusive(10, 1)), None);
    }

    #[test]
    fn a_part_of_a_picodollar_is_rounded_once() {
        let prices = Prices::new(
            Cost::from_picodollars(300_000),
            Cost::from_picodollars(300_000),
        );
        let cost = |input, output| prices.cost(&Usage::inclusive(input, output));
        assert_eq!(cost(1, 0), Some(Cost::ZERO));
        assert_eq!(cost(1, 1), Some(Cost::from_picodollars(1)));
        let most = Prices::new(
            Cost::from_picodollars(u64::MAX),
            Cost::from_picodollars(u64::MAX),
        );
        let all = most.cost(&Usage::inclusive(u64::MAX, u64::MAX));
        assert_eq!(all, Some(Cost::from_picodollars(u64::MAX)));
    }
}
