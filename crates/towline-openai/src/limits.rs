//! Rate limits in the headers of an answer.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;
use towline_core::RateLimits;
use towline_transport::hint::{parse_count, parse_duration};

/// Where a header's value belongs.
enum Slot<'a> {
    Count(&'a mut Option<u64>),
    Time(&'a mut Option<Duration>),
}

/// `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as `6m0s`.
pub(crate) fn openai(headers: &HeaderMap) -> RateLimits {
    read(headers, |limits, name| {
        Some(match name {
            "limit-requests" => Slot::Count(&mut limits.requests.limit),
            "remaining-requests" => Slot::Count(&mut limits.requests.remaining),
            "reset-requests" => Slot::Time(&mut limits.requests.reset),
            "limit-tokens" => Slot::Count(&mut limits.tokens.limit),
            "remaining-tokens" => Slot::Count(&mut limits.tokens.remaining),
            "reset-tokens" => Slot::Time(&mut limits.tokens.reset),
            _ => return None,
        })
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
    read(headers, |limits, name| {
        Some(Slot::Count(match name {
            "limit-req-minute" => &mut limits.requests.limit,
            "remaining-req-minute" => &mut limits.requests.remaining,
            "limit-tokens-minute" => &mut limits.tokens.limit,
            "remaining-tokens-minute" => &mut limits.tokens.remaining,
            _ => return None,
        }))
    })
}

/// Reads every `x-ratelimit-` header into the slot that its name has, without that beginning. One look
/// at each header is cheaper than to search for six.
fn read(
    headers: &HeaderMap,
    slot: impl for<'a> Fn(&'a mut RateLimits, &str) -> Option<Slot<'a>>,
) -> RateLimits {
    let mut limits = RateLimits::default();
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("x-ratelimit-")
            && let Some(slot) = slot(&mut limits, name)
        {
            slot.set(value);
        }
    }
    limits
}

// === impl Slot ===

impl Slot<'_> {
    /// Of a header that comes twice the first counts. What does not parse or is negative is unknown,
    /// never exhausted.
    fn set(self, value: &HeaderValue) {
        match self {
            Self::Count(count) => *count = count.or_else(|| parse_count(value)),
            Self::Time(time) => *time = time.or_else(|| parse_duration(value.to_str().ok()?)),
        }
    }
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
