//! Which failure is of which kind.
//!
//! Rows are tried in order, the first that fits decides; where none fits, the status does. Codes
//! and types are read from every server, texts only from the one whose texts they are.
//!
//! Source: the error pages of the vendors and recorded answers, checked in November 2026.

use super::body::ErrorBody;
use crate::{
    Flavor,
    flavor::Texts::{self, Azure, DeepSeek, LlamaCpp, Ollama, OpenAi, OpenRouter, Vllm, Xai},
};
use towline_core::ErrorKind::{
    self, Auth, ContentFilter, ContextLength, InvalidRequest, NotFound, Overloaded, Permission,
    Quota, RateLimit, Server, Timeout, TooLarge, ToolGeneration, Unsupported,
};

/// What a row asks for: all of it has to fit.
struct Row {
    /// The code or the type.
    word: Option<&'static str>,
    /// Whose text, and what it holds in lower case.
    text: Option<(&'static [Texts], &'static str)>,
    kind: ErrorKind,
}

const fn word(word: &'static str, kind: ErrorKind) -> Row {
    Row {
        word: Some(word),
        text: None,
        kind,
    }
}

const fn text(whose: &'static [Texts], text: &'static str, kind: ErrorKind) -> Row {
    Row {
        word: None,
        text: Some((whose, text)),
        kind,
    }
}

const fn both(
    word: &'static str,
    whose: &'static [Texts],
    text: &'static str,
    kind: ErrorKind,
) -> Row {
    Row {
        word: Some(word),
        text: Some((whose, text)),
        kind,
    }
}

const ANY: &[Texts] = &[
    OpenAi,
    Azure,
    DeepSeek,
    OpenRouter,
    Xai,
    LlamaCpp,
    Ollama,
    Vllm,
    Texts::Other,
];

static ROWS: &[Row] = &[
    // Too long for the window, whoever says it.
    word("context_length_exceeded", ContextLength),
    word("exceed_context_size_error", ContextLength),
    word("too_many_prompt_tokens", ContextLength),
    // Money.
    word("insufficient_quota", Quota),
    word("billing_hard_limit_reached", Quota),
    word("billing_not_active", Quota),
    // Content.
    word("content_filter", ContentFilter),
    word("ResponsibleAIPolicyViolation", ContentFilter),
    word("content_policy_violation", ContentFilter),
    // Who asks.
    word("invalid_api_key", Auth),
    word("authentication_error", Auth),
    // What is asked for.
    word("model_not_found", NotFound),
    word("DeploymentNotFound", NotFound),
    word("previous_response_not_found", NotFound),
    word("not_found_error", NotFound),
    word("invalid_model", NotFound),
    word("not_supported_error", Unsupported),
    // One request that is more than a minute's limit will never pass.
    both("rate_limit_exceeded", ANY, "request too large", TooLarge),
    word("rate_limit_exceeded", RateLimit),
    word("RateLimitReached", RateLimit),
    word("slow_down", RateLimit),
    word("server_is_overloaded", Overloaded),
    word("service_unavailable_error", Overloaded),
    word("overloaded_error", Overloaded),
    word("tool_use_failed", ToolGeneration),
    // Mistral: too many inputs.
    word("3210", TooLarge),
    // Texts.
    text(
        &[DeepSeek, OpenRouter, Vllm],
        "maximum context length",
        ContextLength,
    ),
    text(&[Ollama], "max context length", ContextLength),
    text(&[DeepSeek], "supported api model names", NotFound),
    text(&[DeepSeek], "model not exist", NotFound),
    text(&[OpenRouter], "not a valid model id", NotFound),
    text(&[OpenRouter], "does not exist", NotFound),
    text(&[Xai], "incorrect api key", Auth),
    text(&[Xai], "model not found", NotFound),
    text(&[LlamaCpp, Vllm], "mmproj", Unsupported),
    text(&[LlamaCpp, Vllm], "--jinja", Unsupported),
    text(&[LlamaCpp], "json_schema", InvalidRequest),
    text(&[LlamaCpp], "batch size", InvalidRequest),
    text(&[LlamaCpp], "too large to process", InvalidRequest),
];

/// The kind of a failure.
pub(super) fn classify(flavor: Flavor, status: Option<u16>, body: &ErrorBody) -> ErrorKind {
    let lower = body.message.to_ascii_lowercase();
    let texts = flavor.traits().texts;
    let row = ROWS.iter().find(|row| {
        let word = row
            .word
            .is_none_or(|word| is(&body.code, word) || is(&body.kind, word));
        let text = row
            .text
            .is_none_or(|(whose, text)| whose.contains(&texts) && lower.contains(text));
        word && text
    });
    row.map_or_else(|| by_status(status), |row| row.kind)
}

fn is(field: &Option<String>, word: &str) -> bool {
    field.as_deref() == Some(word)
}

/// The kind by the status alone. An error under status 200 that names none is the server's.
const fn by_status(status: Option<u16>) -> ErrorKind {
    let Some(status) = status else {
        return Server;
    };
    match status {
        401 => Auth,
        402 => Quota,
        403 => Permission,
        404 => NotFound,
        408 | 504 => Timeout,
        // The official clients take a conflict for a lock that passes.
        409 | 424 => Server,
        413 => TooLarge,
        429 => RateLimit,
        501 => Unsupported,
        503 | 529 => Overloaded,
        400..=499 => InvalidRequest,
        _ => Server,
    }
}
