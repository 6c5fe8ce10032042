//! Level 4: failures are of the kind, and carry the wait, that their provider means.

use crate::{
    select::{Api, Ask, cases},
    watch::{Failure, Seen, see_whole},
};
use serde_json::Value;
use std::time::Duration;
use towline_core::ErrorKind::{
    self, Auth, ContentFilter, ContextLength, InvalidRequest, NotFound, Overloaded, Quota,
    RateLimit, Server, TooLarge, ToolGeneration, Unsupported,
};
use towline_testkit::corpus::{Case, Corpus, Difference, Documented, Suite};

/// What a documented answer has to come to.
enum Expect {
    Error(ErrorKind, Option<Duration>),
    Text(&'static str),
    /// The answer's body is a placeholder: only its headers say something.
    UnknownLimits,
    /// Not a failure of this dialect.
    OtherDialect,
}

/// The documented answers by name.
fn documented(id: &str) -> Expect {
    use Expect::{Error, OtherDialect, Text, UnknownLimits};
    let seconds = Duration::from_secs;
    match id {
        "openai-429-tpm" => Error(RateLimit, Some(Duration::from_millis(644))),
        "openai-429-slow-down"
        | "openai-429-headers-without-ratelimit"
        | "azure-responses-stream-ratelimit-in-200" => Error(RateLimit, None),
        "azure-429-no-retry-after" => Error(RateLimit, Some(seconds(55))),
        "azure-429-with-retry-after-text" => Error(RateLimit, Some(seconds(45))),
        "openai-429-insufficient-quota" => Error(Quota, None),
        "azure-429-retry-after-86400" => Error(Quota, Some(seconds(86_400))),
        "openai-429-request-too-large-never-succeeds" => Error(TooLarge, None),
        // The second of the two says `server_error`; the first is the one that counts.
        "openai-503-overloaded-new" | "openai-responses-stream-error-then-failed" => {
            Error(Overloaded, None)
        }
        "openai-500-server-error"
        | "openai-502-cloudflare-html"
        | "openai-chat-stream-midstream-error"
        | "openrouter-midstream-empty-choices-error"
        | "openrouter-midstream-finish-error" => Error(Server, None),
        "azure-400-content-filter" => Error(ContentFilter, None),
        "azure-200-ratelimit-minus-one" => UnknownLimits,
        "deepseek-keepalive-nonstream" | "deepseek-keepalive-stream" => Text("ok"),
        _ if ["anthropic-", "gemini-", "ollama-"]
            .iter()
            .any(|p| id.starts_with(p)) =>
        {
            OtherDialect
        }
        _ => panic!("documented case {id} has no expectation here"),
    }
}

#[test]
fn corpus_documented_failures_are_of_the_kind_their_provider_means() {
    let Some(corpus) = Corpus::open() else { return };
    let cases = corpus.documented().unwrap();
    let of_dialect = |case: &&Documented| !matches!(documented(&case.id), Expect::OtherDialect);
    let of_dialect: Vec<_> = cases.iter().filter(of_dialect).collect();
    let mut suite = Suite::new(
        "openai dialect, documented failures",
        &corpus,
        of_dialect.len(),
    );
    for case in &of_dialect {
        suite.handled(&case.id, true, check_documented(case));
    }
    suite.note(format!(
        "{} of other dialects",
        cases.len() - of_dialect.len()
    ));
    suite.finish();
}

fn check_documented(case: &Documented) -> Option<Difference> {
    let stream = case.is_event_stream();
    let api = if case.id.contains("-responses-") {
        Api::Responses
    } else {
        Api::Chat
    };
    let ask = Ask::complete(api, &case.provider, stream);
    let seen = see_whole(&ask, &case.answer);
    match documented(&case.id) {
        Expect::Error(kind, wait) => {
            let Some(failure) = seen.failure() else {
                return Some(Difference::new(
                    "result",
                    kind.as_str(),
                    format!("{seen:?}"),
                ));
            };
            check_failure(failure, kind).or_else(|| {
                let (expected, found) = (format!("{wait:?}"), format!("{:?}", failure.retry_after));
                (failure.retry_after != wait).then(|| Difference::new("wait", expected, found))
            })
        }
        Expect::Text(text) => {
            let good = seen.failure().is_none() && seen.text() == text;
            (!good).then(|| Difference::new("text", text, format!("{seen:?}")))
        }
        Expect::UnknownLimits => check_limits(&ask, case),
        Expect::OtherDialect => None,
    }
}

/// `-1` means unknown, never used up.
fn check_limits(ask: &Ask, case: &Documented) -> Option<Difference> {
    let body = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    let answer = case.answer.with_body(body);
    let http = towline_testkit::corpus::Canned::new(&answer);
    let response = crate::watch::now(crate::watch::call(ask.client(http), ask)).unwrap();
    let tokens = response.head().rate_limits().tokens;
    let unknown = tokens.limit.is_none() && tokens.remaining.is_none();
    (!unknown).then(|| Difference::new("limits", "unknown", format!("{tokens:?}")))
}

fn check_failure(failure: &Failure, kind: ErrorKind) -> Option<Difference> {
    if failure.kind != kind {
        return Some(Difference::new(
            "kind",
            kind.as_str(),
            format!("{failure:?}"),
        ));
    }
    let retryable = kind.repeat() != towline_core::error::Repeat::Never;
    let differs = failure.retryable != retryable;
    differs.then(|| Difference::new("retryable", retryable.to_string(), format!("{failure:?}")))
}

#[test]
fn corpus_recorded_failures_are_of_the_kind_their_provider_means() {
    let Some((corpus, cases)) = cases() else {
        return;
    };
    let failed: Vec<_> = cases
        .into_iter()
        .filter(|(case, _)| case.answer.status >= 400 || has_error(case))
        .collect();
    let mut suite = Suite::new("openai dialect, recorded failures", &corpus, failed.len());
    for (case, ask) in &failed {
        let seen = see_whole(ask, &case.answer);
        let kind = meant(case);
        let difference = match seen.failure() {
            Some(failure) => check_recorded(case, failure, kind),
            None => Some(Difference::new(
                "result",
                kind.as_str(),
                format!("{seen:?}"),
            )),
        };
        suite.handled(&case.id, case.expected.is_some(), difference);
    }
    suite.finish();
}

fn check_recorded(case: &Case, failure: &Failure, kind: ErrorKind) -> Option<Difference> {
    if failure.kind != kind {
        let found = format!("{}, {failure:?}", failure.kind);
        return Some(Difference::new("kind", kind.as_str(), found));
    }
    let id = case.answer.headers.contains_key("x-request-id");
    let missing = id && failure.request_id.is_none();
    missing.then(|| Difference::new("request id", "some", format!("{failure:?}")))
}

/// Whether an answer with status 200 holds an error, whole or in its stream.
fn has_error(case: &Case) -> bool {
    let in_body = case.answer.json().is_some_and(|body| is_error(&body));
    let text = String::from_utf8_lossy(&case.answer.body);
    let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut events = events.filter_map(|data| serde_json::from_str(data).ok());
    in_body || (case.is_event_stream() && events.any(|event: Value| is_error(&event)))
}

fn is_error(body: &Value) -> bool {
    body.get("error").is_some_and(|error| !error.is_null())
}

/// What the failure means, read from the recording without the client's table.
fn meant(case: &Case) -> ErrorKind {
    let text = String::from_utf8_lossy(&case.answer.body).to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match case.answer.status {
        401 => Auth,
        404 => NotFound,
        429 => RateLimit,
        501 => Unsupported,
        _ if says(&["tool_use_failed"]) => ToolGeneration,
        _ if says(&["content_filter", "responsibleaipolicyviolation"]) => ContentFilter,
        _ if says(&[
            "maximum context length",
            "context size",
            "context window",
            "max context",
            "too_many_prompt_tokens",
        ]) =>
        {
            ContextLength
        }
        400 if says(&["\"3210\""]) => TooLarge,
        // The Responses API, and xAI, say both with this status.
        400 if says(&["model_not_found"]) => NotFound,
        400 if says(&["incorrect api key"]) => Auth,
        // OpenRouter repeats the number that its upstream gave.
        200 if says(&["\"code\":400", "\"code\": 400"]) => InvalidRequest,
        400 => InvalidRequest,
        _ => Server,
    }
}

/// An error inside a stream keeps what was delivered before it.
#[test]
fn corpus_failures_inside_a_stream_keep_what_was_delivered() {
    let Some((_, cases)) = cases() else { return };
    let streams = cases
        .iter()
        .filter(|(case, _)| case.is_event_stream() && has_error(case));
    for (case, ask) in streams {
        let seen = see_whole(ask, &case.answer);
        let Seen::Stream(_, Some(failure)) = &seen else {
            panic!("{}: {seen:?}", case.id);
        };
        let partial = failure
            .partial
            .as_ref()
            .map(|partial| partial.text().into_owned());
        assert_eq!(partial.unwrap_or_default(), seen.text(), "{}", case.id);
    }
}
