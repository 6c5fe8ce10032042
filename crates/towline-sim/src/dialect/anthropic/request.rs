//! Reads a messages request, and refuses what the provider would refuse, naming the field.

mod cache;
mod message;
mod option;

use super::Fail;
use crate::{
    assistant::{Prompt, tokens},
    dialect::{
        Scene,
        field::{Wrong, body, count as number, flag, text},
    },
};
use serde_json::Value;

/// The fields of a request; any other is refused.
///
/// Source: the request types of the official SDK, as of 2026-11.
const FIELDS: [&str; 28] = [
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "thread",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user_profile_id",
];

/// A messages request, read.
#[derive(Debug, Default)]
pub(super) struct MessagesRequest {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) prompt: Prompt,
    pub(super) show_thinking: bool,
    /// Whether what is cached is to stay for an hour.
    pub(super) long_lived_cache: bool,
}

pub(super) fn messages(scene: &Scene<'_>) -> Result<MessagesRequest, Fail> {
    let body = body(scene)?;
    let mut request = shared(scene)?;
    let Some(max_tokens) = number(body, "max_tokens", 1)? else {
        return Err(Wrong::missing("max_tokens", "how many tokens to write at most").into());
    };
    let thinking = option::thinking(body, max_tokens)?;
    request.stream = flag(body, "stream")?.unwrap_or(false);
    request.show_thinking = thinking.as_ref().is_none_or(|thinking| thinking.shown);
    request.prompt.max_tokens = Some(max_tokens);
    request.prompt.stop = option::stop_sequences(body)?;
    if let Some(thinking) = thinking {
        if thinking.budgeted {
            message::check_thinking_first(body)?;
        }
        request.prompt.effort = Some(thinking.effort);
    }
    option::check_numbers(body)?;
    let cache = cache::read(scene, body, &request.model);
    request.prompt.cached_tokens = cache.read;
    request.prompt.written_tokens = cache.written;
    request.long_lived_cache = cache.long_lived;
    Ok(request)
}

/// What is to be counted: a request without the fields of the answer.
pub(super) fn count(scene: &Scene<'_>) -> Result<MessagesRequest, Fail> {
    shared(scene)
}

fn shared(scene: &Scene<'_>) -> Result<MessagesRequest, Fail> {
    let body = body(scene)?;
    let Some(model) = text(body, "model")? else {
        return Err(Wrong::missing("model", "the name of a model").into());
    };
    let fields = body.as_object().into_iter().flatten();
    for (name, _) in fields {
        if !FIELDS.contains(&name.as_str()) {
            return Err(Wrong::value(name, "is no field of this request").into());
        }
    }
    option::check_system(body)?;
    let messages = message::checked(body)?;
    let mut prompt = Prompt {
        format: option::format(body)?,
        ..Prompt::default()
    };
    option::read_tools(&mut prompt, body)?;
    message::read(&mut prompt, messages);
    prompt.input_tokens = cache::prefixes(body, model)
        .last()
        .map_or(0, |(_, tokens)| *tokens);
    Ok(MessagesRequest {
        model: model.to_owned(),
        prompt,
        ..MessagesRequest::default()
    })
}

/// The tokens of a part of the request.
fn tokens_of(part: Option<&Value>) -> u64 {
    part.map_or(0, |part| tokens(&part.to_string()))
}
