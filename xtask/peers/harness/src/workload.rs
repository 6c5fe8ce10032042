//! What is sent, and what comes back: the same for every row.
//!
//! Both ends are built from the same constants, so a row that skips part of a reply is found out.

use std::fmt::Write as _;

/// The model that every row asks for. OpenAI's name, since some rivals route by name.
pub const MODEL: &str = "gpt-4o-mini";
/// The key that every row sends.
pub const API_KEY: &str = "sk-benchmark";
/// Tokens in all, as the unary reply reports them.
pub const REPLY_TOKENS: u64 = 243;
/// Tokens in all, as the usage chunk of the stream reports them.
pub const STREAM_TOKENS: u64 = 310;
/// Chunks of one stream: the role, the deltas, the stop and the usage. `[DONE]` is not counted.
pub const CHUNKS: u64 = 200;
/// Chunks of one stream that carry text.
pub const DELTAS: u64 = CHUNKS - 3;

/// Text of the unary reply. Holds characters that JSON must escape.
pub(crate) const REPLY_TEXT: &str = "A runtime sits between a service and the models it calls.\n\n\
    It keeps connections warm, decodes what arrives and hands over \"typed\" values. When a \
    provider is slow it waits no longer than it was told to; when one fails it tries another.\n\n\
    The cost of that should be small beside the call itself, which is why it is measured here: \
    time on the processor, allocations and instructions for each request, \"bare\" and typed. \
    Nothing is left out: the reply is read to its last byte, and what was decoded is held against \
    what was sent, for each library alike and for every call.";

/// Words of the streamed text, in turn. Two of the ten need an escape in JSON.
const WORDS: [&str; 10] = [
    "The", " tower", " of", " \"old\"", " is", " a", " stack", ",\n", " so", " on",
];

/// Sentences of the conversation, in turn.
const SENTENCES: [&str; 8] = [
    "The third retry reached the second deployment and came back within its deadline. ",
    "Which of the two limits was hit first, the one on requests or the one on tokens? ",
    "Please write the summary as a list, and keep each line under eighty characters.\n",
    "A queue that is never full hides the moment at which the consumer fell behind. ",
    "In the log it says \"connection closed before the message completed\" four times. ",
    "We moved the deadline into the request, so each layer sees how much is left. ",
    "That holds on one machine; across several the budget has to be shared somehow.\n",
    "The numbers of the last week look the same apart from the night of the upgrade. ",
];

/// Which conversation is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A system and a user message, about 0.6 kB on the wire.
    Small,
    /// A system message, fifty exchanges and a question: 102 messages, about 55 kB on the wire.
    Long,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The instructions.
    System,
    /// The person.
    User,
    /// The model, in an earlier turn.
    Assistant,
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// Builds the conversation of `prompt`.
#[must_use]
pub fn conversation(prompt: Prompt) -> Vec<Message> {
    let mut messages = vec![message(Role::System, 0, 230)];
    if prompt == Prompt::Long {
        for turn in 0..50 {
            messages.push(message(Role::User, 2 * turn + 1, 360));
            messages.push(message(Role::Assistant, 2 * turn + 2, 560));
        }
    }
    messages.push(message(Role::User, 5, 190));
    messages
}

/// Builds the request body that the rows without a codec send.
#[must_use]
pub fn request_json(prompt: Prompt, stream: bool) -> String {
    let mut json = format!("{{\"model\":\"{MODEL}\",\"messages\":[");
    for (index, message) in conversation(prompt).iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let (role, text) = (message.role.name(), escape(&message.text));
        push(
            &mut json,
            format_args!("{comma}{{\"role\":\"{role}\",\"content\":\"{text}\"}}"),
        );
    }
    json.push(']');
    if stream {
        json.push_str(",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    }
    json.push('}');
    json
}

/// Builds the unary reply: 1.4 kB, indented as OpenAI sends it.
#[must_use]
pub fn reply_json() -> String {
    format!(
        r#"{{
  "id": "chatcmpl-CAb12Cd34Ef56Gh78Ij90Kl12",
  "object": "chat.completion",
  "created": 1760000000,
  "model": "gpt-4o-mini-2024-07-18",
  "choices": [
    {{
      "index": 0,
      "message": {{
        "role": "assistant",
        "content": "{}",
        "refusal": null,
        "annotations": []
      }},
      "logprobs": null,
      "finish_reason": "stop"
    }}
  ],
  "usage": {{
    "prompt_tokens": 143,
    "completion_tokens": 100,
    "total_tokens": {REPLY_TOKENS},
    "prompt_tokens_details": {{
      "cached_tokens": 0,
      "audio_tokens": 0
    }},
    "completion_tokens_details": {{
      "reasoning_tokens": 0,
      "audio_tokens": 0,
      "accepted_prediction_tokens": 0,
      "rejected_prediction_tokens": 0
    }}
  }},
  "service_tier": "default",
  "system_fingerprint": "fp_560af6e559"
}}
"#,
        escape(REPLY_TEXT)
    )
}

/// Length of the text in the unary reply, in bytes.
#[must_use]
pub const fn reply_text_len() -> usize {
    REPLY_TEXT.len()
}

/// Builds the server-sent events of one stream, [`CHUNKS`] of them and `[DONE]`.
#[must_use]
pub fn stream_events() -> Vec<String> {
    let mut events = vec![event(
        r#"{"role":"assistant","content":"","refusal":null}"#,
        "null",
    )];
    for word in words() {
        events.push(event(
            &format!(r#"{{"content":"{}"}}"#, escape(word)),
            "null",
        ));
    }
    events.push(event("{}", "\"stop\""));
    events.push(frame(&format!(
        r#""choices":[],"usage":{{"prompt_tokens":112,"completion_tokens":198,"total_tokens":{STREAM_TOKENS},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// The words of one stream.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    let count = usize::try_from(DELTAS).unwrap_or(usize::MAX);
    WORDS.iter().copied().cycle().take(count)
}

fn event(delta: &str, finish_reason: &str) -> String {
    frame(&format!(
        r#""choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish_reason}}}],"usage":null"#
    ))
}

fn frame(rest: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-CAb12Cd34Ef56Gh78Ij90Kl12\",\
         \"object\":\"chat.completion.chunk\",\"created\":1760000000,\
         \"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\
         \"system_fingerprint\":\"fp_560af6e559\",{rest}}}\n\n"
    )
}

fn message(role: Role, first: usize, length: usize) -> Message {
    let mut text = String::with_capacity(length + 100);
    for sentence in SENTENCES.iter().cycle().skip(first % SENTENCES.len()) {
        if text.len() >= length {
            break;
        }
        text.push_str(sentence);
    }
    text.truncate(text.trim_end().len());
    Message { role, text }
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _written = text.write_fmt(arguments);
}

// === impl Role ===

impl Role {
    /// The name of the role in OpenAI's dialect.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNKS, Prompt, conversation, reply_json, request_json, stream_events};

    #[test]
    fn sizes_are_those_of_the_setup() {
        assert_eq!(conversation(Prompt::Small).len(), 2);
        assert_eq!(conversation(Prompt::Long).len(), 102);
        let (small, long) = (
            request_json(Prompt::Small, false),
            request_json(Prompt::Long, false),
        );
        assert!(
            (550..700).contains(&small.len()),
            "small request: {} bytes",
            small.len()
        );
        assert!(
            (53_000..57_000).contains(&long.len()),
            "long request: {} bytes",
            long.len()
        );
        let reply = reply_json();
        assert!(
            (1_360..1_400).contains(&reply.len()),
            "reply: {} bytes",
            reply.len()
        );
        let events = stream_events();
        assert_eq!(u64::try_from(events.len()), Ok(CHUNKS + 1));
        let bytes: usize = events.iter().map(String::len).sum();
        assert!((59_000..61_500).contains(&bytes), "stream: {bytes} bytes");
    }
}
