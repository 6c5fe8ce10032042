//! How long a provider asks to wait, as its headers say it.
//!
//! Durations come as seconds, as an HTTP date, as seconds since 1970, or the way Go prints them. What cannot
//! be right (negative, not a number, a wait beyond a year) is no hint.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::time::Duration;

/// A duration longer than this is nonsense.
const MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A wait longer than this is nonsense, and a number of seconds that is larger a moment.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 3600);

/// As many digits always fit into 64 bits.
const MAX_DIGITS: usize = 19;

/// The wait in the headers `retry-after-ms`, `x-ms-retry-after-ms` and `retry-after`, the largest of those
/// that are there. Zero is no hint. A date, or a number of seconds since 1970, is measured against the `date`
/// of the same answer, so that the clocks of the two machines need not agree; without one it is no hint.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const MILLIS: [HeaderName; 2] = [
        HeaderName::from_static("retry-after-ms"),
        HeaderName::from_static("x-ms-retry-after-ms"),
    ];
    let text = |name| headers.get(name)?.to_str().ok();
    let number = |text, unit| parse_number(text, unit).filter(|wait| *wait <= LONGEST_WAIT);
    let millis = MILLIS.map(|name| text(name).and_then(|text| number(text, 1e-3)));
    let seconds = text(header::RETRY_AFTER).and_then(|value| {
        let date = || text(header::DATE).and_then(http_date);
        number(value, 1.0).or_else(|| until(value, date()?))
    });
    let waits = millis.into_iter().chain([seconds]).flatten();
    waits.max().filter(|wait| !wait.is_zero())
}

/// A count, as limits say what is left: up to 19 digits, with blanks around them or without. What is
/// negative, or longer, is unknown.
#[must_use]
pub fn parse_count(value: &HeaderValue) -> Option<u64> {
    let digits = value.as_bytes().trim_ascii();
    if !(1..=MAX_DIGITS).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |count: u64, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(count * 10 + digit)
    })
}

/// A duration as Go prints it (`6m0s`, `120ms`, `1m13.588s`), or a number of seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Some(seconds) = parse_number(text, 1.0) {
        return Some(seconds);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        total = total.checked_add(parse_number(number, unit_seconds(unit)?)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

/// A plain decimal number of `unit` seconds.
fn parse_number(text: &str, unit: f64) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let seconds = text.parse::<f64>().ok()? * unit;
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    (wait <= MAX).then_some(wait)
}

/// From `date`, in seconds since 1970, to `later`, which is an HTTP date or such a number.
fn until(later: &str, date: u64) -> Option<Duration> {
    let later = http_date(later).or_else(|| later.trim().parse().ok())?;
    let wait = Duration::from_secs(later.checked_sub(date)?);
    (wait <= LONGEST_WAIT).then_some(wait)
}

/// Seconds since 1970 of a date like `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that RFC 9110
/// lets a server send.
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.trim().split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let hour = clock.next()?.ok()?;
    let minute = clock.next()?.ok()?;
    let second = clock.next()?.ok()?;
    let valid = words.next() == Some("GMT")
        && (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = (hour * 60 + minute) * 60 + second;
    valid.then(|| days(year, month, day) * 86_400 + seconds)
}

fn month(name: &str) -> Option<u64> {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let place = NAMES.iter().zip(1..);
    place
        .filter(|(n, _)| **n == name)
        .map(|(_, number)| number)
        .next()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that the
/// leap day comes last.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests;
