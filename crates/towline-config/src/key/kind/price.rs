//! What models cost.

use super::{Mismatch, list_or_none};
use figment::value::Value;
use std::fmt;
use towline_core::{Cost, NoCost, Prices};

/// What one model costs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PriceEntry {
    /// Provider and model.
    pub(crate) target: String,
    pub(crate) prices: Prices,
}

/// Texts such as `openai/gpt-4o = input 2.50, output 10`. `none` empties the list of a lower layer; blank
/// entries do not count.
pub(super) fn prices(value: &Value) -> Result<Vec<PriceEntry>, Mismatch> {
    let entries = list_or_none(value, &[';', '\n', '\r'])?;
    let entries = entries.iter().enumerate();
    entries
        .map(|(index, text)| {
            let wrong = |what| Mismatch::found(format!("entry {} {what}", index + 1));
            entry(text).map_err(wrong)
        })
        .collect()
}

/// One entry, or what it is like. Its words are not repeated: they may be a secret in the wrong place.
fn entry(text: &str) -> Result<PriceEntry, &'static str> {
    let (target, parts) = text.split_once('=').ok_or("without `=`")?;
    let target = target.trim().to_owned();
    let mut prices = Prices::unknown();
    for part in parts.split(',') {
        let mut words = part.split_whitespace();
        let (Some(name), Some(amount), None) = (words.next(), words.next(), words.next()) else {
            return Err("with a part that is no name and price");
        };
        prices = with(prices, name, amount.parse().map_err(no_price)?)?;
    }
    Ok(PriceEntry { target, prices })
}

fn with(prices: Prices, name: &str, price: Cost) -> Result<Prices, &'static str> {
    let (known, priced) = match name {
        "input" => (prices.input(), prices.with_input(price)),
        "output" => (prices.output(), prices.with_output(price)),
        "cache_read" => (prices.cache_read(), prices.with_cache_read(price)),
        "cache_write" => (prices.cache_write(), prices.with_cache_write(price)),
        _ => return Err("with a name that is not input, output, cache_read or cache_write"),
    };
    match known {
        None => Ok(priced),
        Some(_) => Err("with two prices of one name"),
    }
}

const fn no_price(no_cost: NoCost) -> &'static str {
    match no_cost {
        NoCost::Negative => "with a price below 0",
        NoCost::Above => "with a price above 18 million",
        NoCost::TooFine => "with a price of more than twelve decimals",
        _ => "with a price that is no number such as 2.50",
    }
}

/// As it is written in the settings.
impl fmt::Display for PriceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("input", self.prices.input()),
            ("output", self.prices.output()),
            ("cache_read", self.prices.cache_read()),
            ("cache_write", self.prices.cache_write()),
        ];
        write!(f, "{} =", self.target)?;
        let mut between = "";
        for (name, price) in parts {
            if let Some(price) = price {
                write!(f, "{between} {name} {price}")?;
                between = ",";
            }
        }
        Ok(())
    }
}
