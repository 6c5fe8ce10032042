//! What calls cost, in money.

use crate::Usage;
use std::{fmt, str::FromStr};

/// An amount of US dollars, exact to a millionth of a millionth: the price of one token has up to ten
/// decimals. At most some 18 million dollars.
///
/// # Examples
///
/// ```
/// use towline_core::Cost;
///
/// let cost: Cost = "2.50".parse()?;
/// assert_eq!(cost.picodollars(), 2_500_000_000_000);
/// assert_eq!(cost.to_string(), "$2.50");
/// # Ok::<(), towline_core::NoCost>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cost {
    pico: u64,
}

/// Why a text is no [`Cost`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NoCost {
    /// It is no decimal number.
    Not,
    /// It is below zero.
    Negative,
    /// It is above what a [`Cost`] can be.
    Above,
    /// It has more than twelve decimals.
    TooFine,
}

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

/// Picodollars of a dollar.
const DOLLAR: u64 = 1_000_000_000_000;
const DECIMALS: usize = 12;

/// Tokens that a price is for.
const MILLION: u128 = 1_000_000;

// === impl Cost ===

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self { pico: 0 };

    /// So many millionths of a millionth of a dollar.
    #[must_use]
    pub const fn from_picodollars(pico: u64) -> Self {
        Self { pico }
    }

    /// The amount in millionths of a millionth of a dollar.
    #[must_use]
    pub const fn picodollars(self) -> u64 {
        self.pico
    }

    /// Both amounts together, at most what a [`Cost`] can be.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self {
            pico: self.pico.saturating_add(other.pico),
        }
    }

    /// What `tokens` cost at this price for a million, in picodollars for a million.
    const fn times(self, tokens: u64) -> u128 {
        self.pico as u128 * tokens as u128
    }
}

/// All decimals that say something, and at least two: `$0.0064`, `$2.50`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:012}", self.pico % DOLLAR);
        let said = decimals.trim_end_matches('0');
        write!(f, "${}.{said:0<2}", self.pico / DOLLAR)
    }
}

/// Reads `2.50` or `0.0000025`, with a `$` before it or not. Nothing is rounded.
impl FromStr for Cost {
    type Err = NoCost;

    fn from_str(text: &str) -> Result<Self, NoCost> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        if text.starts_with('-') {
            return Err(NoCost::Negative);
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(NoCost::Not);
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > DECIMALS {
            return Err(NoCost::TooFine);
        }
        let pico = format!("{whole}{decimals:0<DECIMALS$}").parse();
        pico.map(Self::from_picodollars)
            .map_err(|_too_many_digits| NoCost::Above)
    }
}

// === impl NoCost ===

impl fmt::Display for NoCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Not => "not an amount of dollars such as 2.50",
            Self::Negative => "an amount below zero",
            Self::Above => "an amount above 18 million dollars",
            Self::TooFine => "an amount with more than twelve decimals",
        })
    }
}

impl std::error::Error for NoCost {}

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

    /// What a call cost that used this. Unknown where a number of tokens is, or the price of some.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<Cost> {
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
        tokens => Some(price?.times(tokens)),
    }
}

/// To the nearest picodollar, once for the whole sum.
fn rounded(sum: u128) -> Cost {
    let pico = sum.saturating_add(MILLION / 2) / MILLION;
    Cost::from_picodollars(u64::try_from(pico).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Cost, NoCost, Prices};
    use crate::Usage;
    use proptest::prelude::*;

    fn dollars(text: &str) -> Cost {
        text.parse().unwrap()
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(pico: u64) {
            let cost = Cost::from_picodollars(pico);
            prop_assert_eq!(cost.to_string().parse(), Ok(cost));
        }

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

    #[test]
    fn what_is_no_amount_says_why() {
        let fault = |text: &str| text.parse::<Cost>().unwrap_err();
        for text in [
            "", ".", "1.", ".5", "1e3", "two", "1,5", "1.2.3", "+1", "0x1", "$",
        ] {
            assert_eq!(fault(text), NoCost::Not, "{text}");
        }
        assert_eq!(fault("-1"), NoCost::Negative);
        assert_eq!(fault("0.0000000000001"), NoCost::TooFine);
        assert_eq!(fault("18446745"), NoCost::Above);
        assert_eq!(dollars("0.0000000000010"), Cost::from_picodollars(1));
        assert_eq!(dollars(" $3 ").to_string(), "$3.00");
        assert_eq!(Cost::ZERO.to_string(), "$0.00");
        assert_eq!(Cost::from_picodollars(1).to_string(), "$0.000000000001");
    }
}
