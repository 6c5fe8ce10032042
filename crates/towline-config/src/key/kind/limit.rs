//! Bounds that may be `off`, and shares of a whole.

use super::{Mismatch, Typed, count, shape, span, text};
use crate::stack::{
    Ratio,
    ratio::{self, NoRatio},
};
use figment::value::Value;

/// A number from 1 to `most`, or `off`.
pub(super) fn cap(value: &Value, most: u64) -> Result<Typed, Mismatch> {
    if is_off(value) {
        return Ok(Typed::Off);
    }
    match count(value, 0, most)? {
        0 => Err(Mismatch::found("zero").hint("off means no limit")),
        number => Ok(Typed::Count(number)),
    }
}

/// A duration, or `off`.
pub(super) fn clock(value: &Value) -> Result<Typed, Mismatch> {
    if is_off(value) {
        return Ok(Typed::Off);
    }
    match span(value) {
        Err(mismatch) if mismatch.found == "zero" => {
            Err(mismatch.hint("off means that there is no limit"))
        }
        outcome => outcome.map(Typed::Duration),
    }
}

/// Whether a value turns a limit off.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Bool(_, flag) => !flag,
        Value::String(_, text) => {
            let word = text.trim().to_lowercase();
            matches!(word.as_str(), "off" | "none" | "unlimited" | "false")
        }
        _ => false,
    }
}

/// A share of at least so many millionths. A number of a file is taken as it was written: its
/// shortest decimal form.
pub(super) fn ratio(value: &Value, least: u32) -> Result<Ratio, Mismatch> {
    let written = match value {
        Value::Num(_, number) => match number.to_f64() {
            Some(float) => float.to_string(),
            None => text(value)?,
        },
        value => text(value)?,
    };
    match ratio::parse(&written) {
        Ok(ratio) if ratio.millionths() >= least => Ok(ratio),
        Ok(_) => Err(Mismatch::found("zero")),
        Err(NoRatio::Not) => Err(Mismatch::found(shape(value))),
        Err(NoRatio::Negative) => Err(Mismatch::found("a number below 0")),
        Err(NoRatio::Above) => {
            Err(Mismatch::found("a number above 1").hint("for a percentage write the sign: 20%"))
        }
        Err(NoRatio::TooFine) => {
            Err(Mismatch::found("more than six decimals").hint("round it to the millionth"))
        }
    }
}
