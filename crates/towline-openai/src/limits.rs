//! Rate limits in the headers of an answer.

use http::HeaderMap;
use std::time::Duration;
use towline_core::{RateLimit, RateLimits};
use towline_transport::hint::parse_duration;

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as `6m0s`.
pub(crate) fn openai(headers: &HeaderMap) -> RateLimits {
    let mut limits = without_reset(headers);
    limits.requests.reset = duration(headers, "x-ratelimit-reset-requests");
    limits.tokens.reset = duration(headers, "x-ratelimit-reset-tokens");
    limits
}

/// The same without resets: Azure sends some, in a unit that changes.
pub(crate) fn without_reset(headers: &HeaderMap) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.requests = RateLimit::new(
        count(headers, "x-ratelimit-limit-requests"),
        count(headers, "x-ratelimit-remaining-requests"),
        None,
    );
    limits.tokens = RateLimit::new(
        count(headers, "x-ratelimit-limit-tokens"),
        count(headers, "x-ratelimit-remaining-tokens"),
        None,
    );
    limits
}

/// Mistral's own names.
pub(crate) fn mistral(headers: &HeaderMap) -> RateLimits {
    let mut limits = RateLimits::default();
    limits.requests = RateLimit::new(
        count(headers, "x-ratelimit-limit-req-minute"),
        count(headers, "x-ratelimit-remaining-req-minute"),
        None,
    );
    limits.tokens = RateLimit::new(
        count(headers, "x-ratelimit-limit-tokens-minute"),
        count(headers, "x-ratelimit-remaining-tokens-minute"),
        None,
    );
    limits
}

/// A count. What does not parse or is negative is unknown, never exhausted.
fn count(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn duration(headers: &HeaderMap, name: &str) -> Option<Duration> {
    parse_duration(headers.get(name)?.to_str().ok()?)
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
            ("x-ratelimit-limit-requests", "500"),
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
        ]));
        assert!(limits.is_unknown());
    }

    #[test]
    fn mistral_has_names_of_its_own() {
        let limits = mistral(&headers(&[("x-ratelimit-remaining-tokens-minute", "7")]));
        assert_eq!(limits.tokens.remaining, Some(7));
    }
}
