//! The dialects of the providers: what is asked and answered in each, with the same texts.

use crate::{
    BoxError,
    workload::{
        MODEL, Prompt, REPLY_TEXT, REPLY_TOKENS, Role, STREAM_TOKENS, conversation, escape,
        reply_json, request_json, stream_events, words,
    },
};
use std::str::FromStr;

/// Input tokens of the unary reply and of the stream.
const INPUT: (u64, u64) = (143, 112);
/// Where events are small, a delta carries its word this often, so that each has about 300 bytes.
const REPEATS: usize = 35;

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Chat completions of OpenAI.
    #[default]
    OpenAi,
    /// Messages of Anthropic.
    Anthropic,
    /// `/api/chat` of Ollama.
    Ollama,
    /// Chat completions by deployment of Azure.
    Azure,
    /// Responses of OpenAI.
    Responses,
}

// === impl Dialect ===

impl Dialect {
    /// The one that the arguments of the program name.
    #[must_use]
    pub fn asked() -> Self {
        let given: Vec<String> = std::env::args().collect();
        let mut pairs = given.iter().zip(given.iter().skip(1));
        let named = pairs.find(|(key, _)| *key == "--dialect");
        named
            .and_then(|(_, name)| name.parse().ok())
            .unwrap_or_default()
    }

    /// The one that is answered at `path`.
    #[must_use]
    pub fn at(path: &str) -> Self {
        match path {
            path if path.ends_with("/messages") => Self::Anthropic,
            path if path.ends_with("/api/chat") => Self::Ollama,
            path if path.contains("/openai/deployments/") => Self::Azure,
            path if path.ends_with("/responses") => Self::Responses,
            _ => Self::OpenAi,
        }
    }

    /// The path and query of a completion, behind the address of the server.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::OpenAi => "/v1/chat/completions".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Ollama => "/api/chat".to_owned(),
            Self::Azure => format!(
                "/openai/deployments/{MODEL}/chat/completions?api-version=2025-01-01-preview"
            ),
            Self::Responses => "/v1/responses".to_owned(),
        }
    }

    /// The media type of a stream.
    #[must_use]
    pub const fn stream_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            _ => "text/event-stream; charset=utf-8",
        }
    }

    /// The body that a row without a codec sends.
    #[must_use]
    pub fn request(self, prompt: Prompt, stream: bool) -> String {
        let rest = match self {
            Self::OpenAi | Self::Azure => return request_json(prompt, stream),
            Self::Anthropic => ",\"max_tokens\":2048",
            Self::Ollama => "",
            Self::Responses => ",\"store\":false",
        };
        let list = if self == Self::Responses {
            "input"
        } else {
            "messages"
        };
        let own = |role| self == Self::Anthropic && role == Role::System;
        let (system, said): (Vec<_>, Vec<_>) = conversation(prompt)
            .into_iter()
            .partition(|message| own(message.role));
        let system = system
            .iter()
            .map(|message| format!(",\"system\":\"{}\"", escape(&message.text)));
        let said = said.iter().map(|message| {
            let (role, text) = (message.role.name(), escape(&message.text));
            format!("{{\"role\":\"{role}\",\"content\":\"{text}\"}}")
        });
        let (system, said) = (
            system.collect::<String>(),
            said.collect::<Vec<_>>().join(","),
        );
        format!("{{\"model\":\"{MODEL}\"{system},\"{list}\":[{said}]{rest},\"stream\":{stream}}}")
    }

    /// The unary reply.
    #[must_use]
    pub fn reply(self) -> String {
        let (text, input) = (escape(REPLY_TEXT), INPUT.0);
        let output = REPLY_TOKENS - input;
        match self {
            Self::OpenAi | Self::Azure => reply_json(),
            Self::Anthropic => format!(
                r#"{{"model":"{MODEL}","id":"msg_01AbCdEfGhIjKlMnOpQrStUv","type":"message","role":"assistant","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}}}"#
            ),
            Self::Ollama => format!(
                r#"{{"model":"{MODEL}","created_at":"2026-11-25T03:00:00.123456789Z","message":{{"role":"assistant","content":"{text}"}},"done":true,"done_reason":"stop","total_duration":5191566416,"load_duration":2154458,"prompt_eval_count":{input},"prompt_eval_duration":383809000,"eval_count":{output},"eval_duration":4799921000}}"#
            ),
            Self::Responses => answer("completed", &item("completed", &text), input, output),
        }
    }

    /// The events of one stream, each with its frame.
    #[must_use]
    pub fn events(self) -> Vec<String> {
        let deltas = self.deltas();
        match self {
            Self::OpenAi | Self::Azure => stream_events(),
            Self::Anthropic => anthropic(&deltas),
            Self::Ollama => ollama(&deltas),
            Self::Responses => responses(&deltas),
        }
    }

    /// Length of the streamed text, in bytes.
    #[must_use]
    pub fn stream_text_len(self) -> usize {
        self.deltas().iter().map(String::len).sum()
    }

    fn deltas(self) -> Vec<String> {
        let repeats = match self {
            Self::Anthropic | Self::Ollama => REPEATS,
            Self::OpenAi | Self::Azure | Self::Responses => 1,
        };
        words().map(|word| word.repeat(repeats)).collect()
    }
}

impl FromStr for Dialect {
    type Err = BoxError;

    fn from_str(name: &str) -> Result<Self, BoxError> {
        match name {
            "openai" => Ok(Self::OpenAi),
            "anthropic" => Ok(Self::Anthropic),
            "ollama" => Ok(Self::Ollama),
            "azure" => Ok(Self::Azure),
            "responses" => Ok(Self::Responses),
            other => Err(format!("no such dialect: {other}").into()),
        }
    }
}

fn named(event: &str, rest: &str) -> String {
    format!("event: {event}\ndata: {{\"type\":\"{event}\",{rest}}}\n\n")
}

fn anthropic(deltas: &[String]) -> Vec<String> {
    let input = INPUT.1;
    let mut events = vec![
        named(
            "message_start",
            &format!(
                r#""message":{{"model":"{MODEL}","id":"msg_01AbCdEfGhIjKlMnOpQrStUv","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}}"#
            ),
        ),
        named(
            "content_block_start",
            r#""index":0,"content_block":{"type":"text","text":""}"#,
        ),
    ];
    for delta in deltas {
        let rest = format!(
            r#""index":0,"delta":{{"type":"text_delta","text":"{}"}}"#,
            escape(delta)
        );
        events.push(named("content_block_delta", &rest));
    }
    events.push(named("content_block_stop", r#""index":0"#));
    events.push(named(
        "message_delta",
        &format!(
            r#""delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{}}}"#,
            STREAM_TOKENS - input
        ),
    ));
    events.push("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".to_owned());
    events
}

fn ollama(deltas: &[String]) -> Vec<String> {
    let line = |text: &str, rest: &str| {
        format!(
            r#"{{"model":"{MODEL}","created_at":"2026-11-25T03:00:00.123456789Z","message":{{"role":"assistant","content":"{}"}},{rest}}}"#,
            escape(text)
        ) + "\n"
    };
    let mut events: Vec<String> = deltas
        .iter()
        .map(|delta| line(delta, "\"done\":false"))
        .collect();
    let input = INPUT.1;
    let rest = format!(
        r#""done":true,"done_reason":"stop","total_duration":5191566416,"load_duration":2154458,"prompt_eval_count":{input},"prompt_eval_duration":383809000,"eval_count":{},"eval_duration":4799921000"#,
        STREAM_TOKENS - input
    );
    events.push(line("", &rest));
    events
}

fn responses(deltas: &[String]) -> Vec<String> {
    const ID: &str = "msg_0123456789abcdef0123456789abcdef0123456789abcdef";
    let (text, input) = (escape(&deltas.concat()), INPUT.1);
    let mut number = 0;
    let mut event = |kind: &str, rest: &str| {
        number += 1;
        named(kind, &format!("\"sequence_number\":{number},{rest}"))
    };
    let begun = format!("\"response\":{}", answer("in_progress", "", 0, 0));
    let part = |text: &str| {
        format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
    };
    let place = format!(r#""item_id":"{ID}","output_index":0,"content_index":0"#);
    let added = format!(
        r#""output_index":0,"item":{{"id":"{ID}","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#
    );
    let mut events = vec![
        event("response.created", &begun),
        event("response.in_progress", &begun),
        event("response.output_item.added", &added),
        event(
            "response.content_part.added",
            &format!("{place},\"part\":{}", part("")),
        ),
    ];
    for delta in deltas {
        let rest = format!(
            r#"{place},"delta":"{}","logprobs":[],"obfuscation":"aB3dE5fG7hJ9kL1""#,
            escape(delta)
        );
        events.push(event("response.output_text.delta", &rest));
    }
    let whole = item("completed", &text);
    let done = answer("completed", &whole, input, STREAM_TOKENS - input);
    events.extend([
        event(
            "response.output_text.done",
            &format!("{place},\"text\":\"{text}\",\"logprobs\":[]"),
        ),
        event(
            "response.content_part.done",
            &format!("{place},\"part\":{}", part(&text)),
        ),
        event(
            "response.output_item.done",
            &format!("\"output_index\":0,\"item\":{whole}"),
        ),
        event("response.completed", &format!("\"response\":{done}")),
    ]);
    events
}

fn item(status: &str, text: &str) -> String {
    format!(
        r#"{{"id":"msg_0123456789abcdef0123456789abcdef0123456789abcdef","type":"message","status":"{status}","content":[{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}],"role":"assistant"}}"#
    )
}

/// A response with one item, or none.
fn answer(status: &str, item: &str, input: u64, output: u64) -> String {
    let usage = match output {
        0 => "null".to_owned(),
        _ => format!(
            r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":0}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}}"#,
            input + output
        ),
    };
    format!(
        r#"{{"id":"resp_0123456789abcdef0123456789abcdef0123456789abcdef","object":"response","created_at":1760000000,"status":"{status}","background":false,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"gpt-4o-mini-2024-07-18","output":[{item}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"service_tier":"default","store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}},"verbosity":"medium"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"user":null,"metadata":{{}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn each_stream_has_chunks_of_about_300_bytes() {
        for dialect in [
            Dialect::OpenAi,
            Dialect::Anthropic,
            Dialect::Ollama,
            Dialect::Azure,
            Dialect::Responses,
        ] {
            let events = dialect.events();
            let bytes: usize = events.iter().map(String::len).sum();
            let mean = bytes / events.len();
            assert!((250..360).contains(&mean), "{dialect:?}: {mean} bytes");
            assert!((198..=206).contains(&events.len()), "{dialect:?}");
        }
    }
}
