//! Durations as people write them: `30 s`, `500ms`, `1.5 min`, `1h 30m`.

use std::time::Duration;

/// What a text is, read as a duration.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Span {
    Of(Duration),
    /// A number without a unit.
    Bare,
    Not,
    TooLong,
}

/// A thousand years in nanoseconds. Beyond that a clock overflows sooner than the limit is reached.
const MOST: u128 = 1_000 * 366 * 86_400 * 1_000_000_000;

/// Reads one or more terms of number and unit. Numbers may have decimals; the result is exact to
/// the nanosecond, rounded down.
pub(super) fn parse(text: &str) -> Span {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Span::Not;
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if unit.is_empty() && !number.is_empty() && after.is_empty() {
            return Span::Bare;
        }
        let Some(nanos) = unit_nanos(unit).and_then(|unit| scale(number, unit)) else {
            return Span::Not;
        };
        total = total.saturating_add(nanos);
        rest = after.trim_start();
    }
    if total > MOST {
        return Span::TooLong;
    }
    let (seconds, nanos) = (total / 1_000_000_000, total % 1_000_000_000);
    match (u64::try_from(seconds), u32::try_from(nanos)) {
        (Ok(seconds), Ok(nanos)) => Span::Of(Duration::new(seconds, nanos)),
        _ => Span::TooLong,
    }
}

fn split(text: &str, take: impl Fn(char) -> bool) -> (&str, &str) {
    let at = text.find(|c| !take(c)).unwrap_or(text.len());
    text.split_at(at)
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * 1_000_000_000,
        "h" | "hour" | "hours" => 3_600 * 1_000_000_000,
        "d" | "day" | "days" => 86_400 * 1_000_000_000,
        _ => return None,
    })
}

/// `number` times `unit`, in whole nanoseconds. None where `number` is not one; saturates.
fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || decimals.contains('.') || number.ends_with('.') {
        return None;
    }
    let whole: u128 = whole.parse().unwrap_or(u128::MAX);
    // Nine decimals are more than a nanosecond of a second needs; those of a day are cut.
    let kept = decimals.get(..decimals.len().min(15)).unwrap_or_default();
    let power = 10_u128.pow(u32::try_from(kept.len()).unwrap_or(15));
    let part: u128 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    Some(
        whole
            .saturating_mul(unit)
            .saturating_add(part.saturating_mul(unit) / power),
    )
}

#[cfg(test)]
mod tests;
