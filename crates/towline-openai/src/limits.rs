//! Rate limits in the headers of an answer.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;
use towline_core::RateLimits;
use towline_transport::hint::parse_duration;

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as `6m0s`.
pub(crate) fn openai(headers: &HeaderMap) -> RateLimits {
    read(headers, |limits, name, value| match name {
        "limit-requests" => set(&mut limits.requests.limit, count(value)),
        "remaining-requests" => set(&mut limits.requests.remaining, count(value)),
        "reset-requests" => set(&mut limits.requests.reset, duration(value)),
        "limit-tokens" => set(&mut limits.tokens.limit, count(value)),
        "remaining-tokens" => set(&mut limits.tokens.remaining, count(value)),
        "reset-tokens" => set(&mut limits.tokens.reset, duration(value)),
        _ => {}
    })
}

/// The same without resets: Azure sends some, in a unit that changes.
pub(crate) fn without_reset(headers: &HeaderMap) -> RateLimits {
    let mut limits = openai(headers);
    limits.requests.reset = None;
    limits.tokens.reset = None;
    limits
}

/// Mistral's own names.
pub(crate) fn mistral(headers: &HeaderMap) -> RateLimits {
    read(headers, |limits, name, value| match name {
        "limit-req-minute" => set(&mut limits.requests.limit, count(value)),
        "remaining-req-minute" => set(&mut limits.requests.remaining, count(value)),
        "limit-tokens-minute" => set(&mut limits.tokens.limit, count(value)),
        "remaining-tokens-minute" => set(&mut limits.tokens.remaining, count(value)),
        _ => {}
    })
}

/// Shows every `x-ratelimit-` header to `take`, without that beginning. One look at each header is
/// cheaper than to search for six.
fn read(headers: &HeaderMap, take: impl Fn(&mut RateLimits, &str, &HeaderValue)) -> RateLimits {
    let mut limits = RateLimits::default();
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("x-ratelimit-") {
            take(&mut limits, name, value);
        }
    }
    limits
}

/// Of a header that comes twice the first counts.
fn set<T>(known: &mut Option<T>, value: Option<T>) {
    if known.is_none() {
        *known = value;
    }
}

/// A count. What does not parse or is negative is unknown, never exhausted.
fn count(value: &HeaderValue) -> Option<u64> {
    // A header holds no other blanks than those of ASCII.
    value.to_str().ok()?.trim_ascii().parse().ok()
}

fn duration(value: &HeaderValue) -> Option<Duration> {
    parse_duration(value.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{mistral, openai, without_reset};
    use http::HeaderMap;
    use std::time::Duration;
    use towline_core::RateLimit;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn limits_are_read_with_their_resets() {
        let limits = openai(&headers(&[
            ("x-ratelimit-limit-requests", " 500 "),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-reset-tokens", "1m13.588s"),
        ]));
        let reset = Some(Duration::from_millis(120));
        assert_eq!(limits.requests, RateLimit::new(Some(500), Some(499), reset));
        let reset = Some(Duration::from_millis(73_588));
        assert_eq!(limits.tokens, RateLimit::new(None, None, reset));
    }

    #[test]
    fn minus_one_is_unknown_and_not_exhausted() {
        let limits = without_reset(&headers(&[
            ("x-ratelimit-remaining-requests", "-1"),
            ("x-ratelimit-remaining-tokens", "soon"),
            ("x-ratelimit-limit-requests", ""),
            ("x-ratelimit-limit-tokens", "99999999999999999999"),
        ]));
        assert!(limits.is_unknown());
    }

    #[test]
    fn mistral_has_names_of_its_own() {
        let limits = mistral(&headers(&[("x-ratelimit-remaining-tokens-minute", "7")]));
        assert_eq!(limits.tokens.remaining, Some(7));
    }
}
