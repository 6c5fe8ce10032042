//! A model provider simulator with scripted faults, real HTTP on loopback.
//!
//! It speaks the dialects of several providers, all at once, well enough for official clients. Without
//! rules it answers as a helpful assistant that says it is simulated. With rules it answers what a
//! test needs, and breaks what a test needs broken: on a real socket, so that the client under test is
//! tested whole.
//!
//! # Dialects
//!
//! The path says which one it is; a path that none knows is answered in OpenAI's.
//!
//! | dialect | paths | base URL |
//! |---|---|---|
//! | OpenAI chat | `/v1/chat/completions`, `/v1/embeddings`, `/v1/models` | [`base_url`](Simulator::base_url) |
//! | OpenAI Responses | `/v1/responses`, `/v1/responses/{id}` | [`base_url`](Simulator::base_url) |
//! | Anthropic | `/v1/messages`, `/v1/messages/count_tokens`; `/v1/models` with the header `anthropic-version` | [`origin`](Simulator::origin) |
//! | Ollama | `/api/chat`, `/api/embed`, `/api/tags`, `/api/show`, `/api/pull`, `/api/version` | [`origin`](Simulator::origin) |
//! | Azure | `/openai/deployments/{name}/chat/completions` and `/embeddings`, `/openai/v1/..`, `/openai/responses`, `/models/..` | [`origin`](Simulator::origin) |
//!
//! A [`Reply`] that says what the model says, and the error of a [`Fault`], are put into the words of
//! the dialect that was spoken. A refusal has no field in Ollama's, where it is text.
//!
//! # In a test
//!
//! ```
//! use towline_sim::{Fault, Outcome, Reply, Rule, Simulator};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), towline_core::Error> {
//! let sim = Simulator::start().await?;
//! sim.on(Rule::any().times(2).fault(Fault::status(503)));
//! sim.on(Rule::path("/v1/chat/completions").respond(Reply::text("Paris.")));
//! // ... run the client under test against `sim.base_url()` ...
//! assert!(sim.journal().iter().all(|exchange| exchange.outcome() == Outcome::Complete));
//! # Ok(())
//! # }
//! ```
//!
//! [`Simulator::journal`] tells what arrived and how each answer ended, [`Simulator::stats`] counts
//! connections and streams, and [`Simulator::wait_for`] waits for either without a sleep.
//!
//! # The default assistant
//!
//! - A prompt is answered with a short text that says it is simulated and repeats the prompt.
//! - `response_format` with a JSON schema is answered with JSON that is valid for it; `pattern` and
//!   `not` are not looked at.
//! - Tools are called when `tool_choice` asks for it, or when the last user message says "use the
//!   tool NAME". After a tool's result the answer repeats the result.
//! - `reasoning_effort`, `thinking`, `think` or `reasoning` adds reasoning text and reasoning tokens.
//!   What Anthropic's dialect signs and Responses seals is taken back unchanged, and no other.
//! - A token is four characters. A conversation of at least 1,024 tokens whose beginning was seen
//!   before has cached tokens; in Anthropic's dialect the beginning has to be marked.
//! - A response that was stored can be gone on with. A model that was pulled is served.
//! - On Azure, a prompt with the words "trigger the content filter" is stopped by the filter.
//! - An embedding depends on the words of the text, so texts with words in common are near.
//! - Everything is derived from the seed and the order of the requests; no clock is read, except for
//!   the `date` header.
//!
//! # Script files
//!
//! A script is one JSON file. Unknown fields are refused, by name. All fields are optional:
//!
//! ```
//! # let script = towline_sim::Script::from_json(r#"
//! {
//!   "keys": ["sk-sim"],
//!   "models": ["sim-chat"],
//!   "pace_ms": 20,
//!   "seed": 7,
//!   "rules": [
//!     {
//!       "match": {"user_message_contains": "flaky"},
//!       "times": 2,
//!       "faults": [{"status": {"status": 429, "headers": {"retry-after": "1"}}}]
//!     },
//!     {
//!       "match": {"path": "/v1/chat/completions", "stream": true, "user_message_contains": "cut"},
//!       "respond": {"text": "This will not arrive whole.", "finish": "length"},
//!       "faults": [{"delay_per_event_ms": 10}, {"cut_after_events": 3}]
//!     },
//!     {
//!       "match": {"user_message_contains": "weather"},
//!       "respond": {"tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}}]}
//!     }
//!   ]
//! }
//! # "#)?;
//! # Ok::<(), towline_core::Error>(())
//! ```
//!
//! | place | fields |
//! |---|---|
//! | top | `keys` (accepted keys and bearer tokens), `models` (served names), `pace_ms` (per word), `seed`, `rules` |
//! | rule | `match`, `after` (let so many pass first), `times` (apply so often), `respond`, `faults` |
//! | `match` | `path` (a `*` at the end stands for any rest), `method`, `model`, `user_message_contains`, `stream`, `headers` |
//! | `respond`, the model | `text`, `refusal`, `tool_calls` (`name`, `arguments`, `id`), with them `reasoning`, `finish`, `usage` (`input`, `output`, `cached`, `written`, `reasoning`) |
//! | `respond`, the server | one of `json` (`status`, `body`), `raw` (`status`, `headers`, `body` or `body_base64`), `sse` (a list of `data` with or without `event`, or `raw`, or `raw_base64`), `ndjson` (a list of values) |
//!
//! Faults, each an element of `faults`; [`Fault`] says what they do:
//!
//! | fault | value |
//! |---|---|
//! | `status` | `{"status": 429, "headers": {..}, "body": ..}` |
//! | `header` | `{"name": "retry-after", "value": "3"}` |
//! | `stall_head` | `"forever"` or `{"ms": 100}` |
//! | `stall_after_bytes` | `{"bytes": 10, "stall": "forever"}` |
//! | `stall_after_events` | `{"events": 2, "stall": {"ms": 100}}` |
//! | `delay_per_event_ms`, `cut_after_bytes`, `cut_after_events`, `clean_end_after_events`, `reset_after_bytes`, `duplicate_event`, `bad_utf8_after_events`, `malformed_json`, `wrong_content_length`, `one_byte_every_ms` | a number |
//! | `swap_events` | `[1, 2]` |
//! | `in_band_error` | `{"after_events": 2, "body": {..}, "event": "error", "goes_on": false}`, or with `status` in place of `body` and `event`: the dialect's own error |
//! | `"reset_head"`, `"one_byte_at_a_time"`, `"close_after"` | none: the name alone |

mod assistant;
mod call;
mod dialect;
mod fault;
mod journal;
mod plan;
mod reply;
mod rule;
mod script;
mod seed;
mod server;
mod simulator;

pub use self::{
    fault::{Fault, Gate, Stall},
    journal::{Exchange, Outcome, Stats},
    reply::{Reply, SseEvent, TokenUsage, ToolCall},
    rule::Rule,
    script::Script,
    simulator::{Simulator, SimulatorBuilder},
};

/// The chat model that the simulator lists when it was given no names.
pub const DEFAULT_MODEL: &str = "sim-chat";

/// The embedding model that the simulator lists when it was given no names.
pub const DEFAULT_EMBEDDING_MODEL: &str = "sim-embedding";
