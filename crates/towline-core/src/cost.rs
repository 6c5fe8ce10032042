//! Amounts of money.

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

/// Picodollars of a dollar.
const DOLLAR: u64 = 1_000_000_000_000;
const DECIMALS: usize = 12;

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

#[cfg(test)]
mod tests {
    use super::{Cost, NoCost};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(pico: u64) {
            let cost = Cost::from_picodollars(pico);
            prop_assert_eq!(cost.to_string().parse(), Ok(cost));
        }
    }

    #[test]
    fn what_is_no_amount_says_why() {
        let dollars = |text: &str| text.parse::<Cost>().unwrap();
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
