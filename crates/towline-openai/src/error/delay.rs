//! How long the server asks to wait, from wherever it says so.

use super::body::ErrorBody;
use crate::{Flavor, flavor::Texts};
use http::HeaderMap;
use std::time::Duration;
use towline_transport::hint::{parse_duration, retry_after};

/// The wait, by the most reliable source that names one: the standard headers, the reset of the
/// limit that is used up, the text.
pub(super) fn find(flavor: Flavor, headers: &HeaderMap, body: &ErrorBody) -> Option<Duration> {
    retry_after(headers)
        .or_else(|| reset(flavor, headers))
        .or_else(|| from_text(flavor, &body.message))
        .filter(|wait| !wait.is_zero())
}

/// The reset of the limit of which nothing remains.
fn reset(flavor: Flavor, headers: &HeaderMap) -> Option<Duration> {
    if flavor.traits().texts == Texts::Azure {
        // The unit of Azure's usual reset headers changes; of this older one it is seconds.
        let value = headers.get("x-rate-limit-reset-tokens")?;
        return parse_duration(value.to_str().ok()?);
    }
    let limits = (flavor.traits().limits)(headers);
    let spent = [limits.requests, limits.tokens].into_iter();
    spent
        .filter(|limit| limit.remaining == Some(0))
        .filter_map(|limit| limit.reset)
        .max()
}

/// `Please try again in 1m13.588s`, `retry after 45 seconds`.
fn from_text(flavor: Flavor, text: &str) -> Option<Duration> {
    let before = match flavor.traits().texts {
        Texts::OpenAi | Texts::Other | Texts::Vllm => "try again in ",
        Texts::Azure => "after ",
        Texts::DeepSeek | Texts::OpenRouter | Texts::Xai | Texts::LlamaCpp | Texts::Ollama => {
            return None;
        }
    };
    let lower = text.to_ascii_lowercase();
    let mut places = lower.match_indices(before);
    places.find_map(|(at, _)| wait(lower.get(at + before.len()..)?))
}

/// `1m13.588s`, `45 seconds`, `5 minutes`, `2`. A number before a word that is no unit is no wait.
fn wait(text: &str) -> Option<Duration> {
    let mut words = text.split([' ', ',', '!', '(', ')']);
    let first = words.next()?.trim_end_matches('.');
    let Ok(number) = first.parse::<f64>() else {
        return parse_duration(first);
    };
    let unit = words.next().unwrap_or_default().trim_end_matches('.');
    let seconds = match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}
