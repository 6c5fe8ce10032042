//! Rate limits in the headers of an answer.

use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;
use towline_core::{RateLimit, RateLimits};
use towline_transport::hint;

/// `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, resets
/// as moments like `2025-11-15T00:56:36Z`.
pub(crate) fn parse(headers: &HeaderMap) -> RateLimits {
    let mut limits = RateLimits::default();
    // One look at each header is cheaper than to search for twelve.
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("anthropic-ratelimit-")
            && let Some((what, field)) = name.rsplit_once('-')
            && let Some(limit) = named(&mut limits, what)
        {
            set(limit, field, value, headers);
        }
    }
    limits
}

fn named<'a>(limits: &'a mut RateLimits, what: &str) -> Option<&'a mut RateLimit> {
    match what {
        "requests" => Some(&mut limits.requests),
        "tokens" => Some(&mut limits.tokens),
        "input-tokens" => Some(&mut limits.input_tokens),
        "output-tokens" => Some(&mut limits.output_tokens),
        _ => None,
    }
}

/// Of a header that comes twice the first counts.
fn set(limit: &mut RateLimit, field: &str, value: &HeaderValue, headers: &HeaderMap) {
    let count = || hint::parse_count(value);
    let reset = || until(value.to_str().ok()?, headers);
    match field {
        "limit" => limit.limit = limit.limit.or_else(count),
        "remaining" => limit.remaining = limit.remaining.or_else(count),
        "reset" => limit.reset = limit.reset.or_else(reset),
        _ => {}
    }
}

/// From the `date` of the answer to `moment`; nothing where it is past. The transport measures HTTP
/// dates against that header, for the standard way to name a moment to wait for; here the moment is
/// put into that form.
fn until(moment: &str, headers: &HeaderMap) -> Option<Duration> {
    let date = headers.get(header::DATE)?;
    let moment = HeaderValue::from_str(&http_date(moment)?).ok()?;
    let wait = [(header::RETRY_AFTER, moment), (header::DATE, date.clone())];
    hint::retry_after(&HeaderMap::from_iter(wait))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` of `1994-11-06T08:49:37Z`. The name of the day says nothing and is
/// not worked out; a fraction of a second is dropped.
fn http_date(moment: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (date, clock) = moment.trim().strip_suffix('Z')?.split_once('T')?;
    let mut numbers = date.splitn(3, '-');
    let (year, month, day) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let month = month.parse::<usize>().ok()?.checked_sub(1)?;
    let month = MONTHS.get(month)?;
    let clock = clock.split('.').next()?;
    Some(format!("Sun, {day} {month} {year} {clock} GMT"))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use http::HeaderMap;
    use std::time::Duration;
    use towline_core::RateLimit;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    const DATE: (&str, &str) = ("date", "Sat, 28 Feb 2026 23:59:30 GMT");

    #[test]
    fn resets_are_measured_against_the_date_of_the_answer() {
        let limits = parse(&headers(&[
            DATE,
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-03-01T00:00:01Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "2026-02-28T23:59:31Z",
            ),
        ]));
        let reset = Some(Duration::from_secs(31));
        let requests = RateLimit::new(Some(4000), Some(3999), reset);
        assert_eq!(limits.requests, requests);
        assert_eq!(limits.input_tokens, RateLimit::new(None, Some(0), None));
        assert_eq!(limits.output_tokens.reset, Some(Duration::from_secs(1)));
        assert_eq!(limits.tokens, RateLimit::default());
    }

    #[test]
    fn a_moment_that_is_past_or_none_is_unknown() {
        for moment in [
            "2026-02-28T23:59:29Z",
            "2026-02-28T23:59:30Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "tomorrow",
            "60",
            "",
        ] {
            let limits = parse(&headers(&[
                DATE,
                ("anthropic-ratelimit-tokens-reset", moment),
            ]));
            assert!(limits.is_unknown(), "{moment}: {limits:?}");
        }
        let limits = parse(&headers(&[(
            "anthropic-ratelimit-tokens-reset",
            "2026-03-01T00:00:01Z",
        )]));
        assert!(
            limits.is_unknown(),
            "without a date nothing can be measured"
        );
    }

    #[test]
    fn a_negative_count_is_unknown_and_not_exhausted() {
        let limits = parse(&headers(&[(
            "anthropic-ratelimit-requests-remaining",
            "-1",
        )]));
        assert!(limits.is_unknown());
    }
}
