//! A share of a whole, exact.

use std::fmt;

/// A share from 0 to 1, exact to the millionth.
///
/// Settings write it as a decimal such as `0.05`, or as a percentage such as `5%`.
///
/// # Examples
///
/// ```
/// use towline_config::Loader;
///
/// let stack = Loader::new().set("towline.hedge.max_extra=2.5%").load()?.stack()?;
/// let extra = stack.hedge().max_extra();
/// assert_eq!(extra.millionths(), 25_000);
/// assert_eq!(extra.of(1_000), 25);
/// assert_eq!(extra.to_string(), "0.025");
/// # Ok::<(), towline_config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ratio {
    millionths: u32,
}

/// Why a text is no [`Ratio`].
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum NoRatio {
    Not,
    Negative,
    Above,
    TooFine,
}

const WHOLE: u32 = 1_000_000;
const DECIMALS: usize = 6;

/// Reads `0.05`, `1` or `5%`. Nothing is rounded: more decimals than fit are refused.
pub(crate) fn parse(text: &str) -> Result<Ratio, NoRatio> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(NoRatio::Negative);
    }
    let (number, shift) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 2),
        None => (text, 0),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(NoRatio::Not);
    }
    let whole = whole.trim_start_matches('0');
    let decimals = decimals.trim_end_matches('0');
    // Three digits are the most that a percentage up to 100 has.
    if whole.len() > 3 {
        return Err(NoRatio::Above);
    }
    let places = decimals.len() + shift;
    if places > DECIMALS {
        return Err(NoRatio::TooFine);
    }
    let padding = "0".repeat(DECIMALS - places);
    let millionths: u64 = format!("0{whole}{decimals}{padding}")
        .parse()
        .map_err(|_| NoRatio::Above)?;
    match u32::try_from(millionths) {
        Ok(millionths) if millionths <= WHOLE => Ok(Ratio { millionths }),
        _ => Err(NoRatio::Above),
    }
}

// === impl Ratio ===

impl Ratio {
    /// All of it.
    pub const ONE: Self = Self { millionths: WHOLE };

    /// Nothing of it.
    pub const ZERO: Self = Self { millionths: 0 };

    /// The share in millionths, 0 to 1,000,000.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    /// The share as a float, 0.0 to 1.0, for statistics. The nearest one: not exact.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.millionths) / f64::from(WHOLE)
    }

    /// This share of `amount`, exact, rounded down.
    #[must_use]
    pub fn of(self, amount: u64) -> u64 {
        let part = u128::from(amount) * u128::from(self.millionths) / u128::from(WHOLE);
        // Never above `amount`, so it always fits.
        u64::try_from(part).unwrap_or(amount)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.millionths / WHOLE, self.millionths % WHOLE);
        let decimals = format!("{part:06}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

#[cfg(test)]
mod tests;
