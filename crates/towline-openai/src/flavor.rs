//! How the servers that speak this dialect differ.

mod table;

use crate::limits;
use http::HeaderMap;
use std::fmt;
use towline_core::{Capabilities, Capability, RateLimits};

/// The ways of one server, or family of servers, that speaks the `OpenAI` dialect.
///
/// # Examples
///
/// ```
/// use towline_openai::Flavor;
///
/// let groq = Flavor::by_name("groq").unwrap_or(Flavor::COMPATIBLE);
/// assert_eq!(groq.name(), "groq");
/// assert_eq!(Flavor::by_host("api.deepseek.com").map(Flavor::name), Some("deepseek"));
/// ```
#[derive(Clone, Copy)]
pub struct Flavor {
    traits: &'static Traits,
}

/// One row of the table.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about a server, set by name in one table"
)]
pub(crate) struct Traits {
    pub(crate) name: &'static str,
    /// Ends of host names that give the flavor away.
    hosts: &'static [&'static str],
    /// Whose messages of errors and delays the texts are.
    pub(crate) texts: Texts,
    /// Reasoning models of the vendor's own refuse sampling options and want other field names.
    pub(crate) own_reasoning_models: bool,
    /// How to ask for reasoning.
    pub(crate) reasoning: ReasoningAsk,
    /// Which reasoning goes back with the history.
    pub(crate) replay: Replay,
    /// The word that makes a tool call mandatory.
    pub(crate) required: &'static str,
    /// The name of the seed.
    pub(crate) seed: &'static str,
    /// The ids of tool calls that the server takes back.
    pub(crate) call_ids: CallIds,
    /// In which form the server takes files.
    pub(crate) files: Files,
    /// What the server cannot do, beyond what the other fields say.
    lacks: &'static [Capability],
    /// Whether the server takes a JSON schema for the answer.
    pub(crate) json_schema: bool,
    /// Whether `stream_options.include_usage` is understood, and needed to get the usage.
    pub(crate) stream_options: bool,
    /// Whether a refusal has a field of its own in the history.
    pub(crate) refusal_field: bool,
    /// Whether `completion_tokens` leaves reasoning out.
    pub(crate) reasoning_apart: bool,
    /// Whether a vector in base64 is of signed bytes, and not of floats.
    pub(crate) byte_vectors: bool,
    /// What ends a stream.
    pub(crate) terminal: Terminal,
    /// How the headers tell the limits.
    pub(crate) limits: fn(&HeaderMap) -> RateLimits,
}

/// Whose error texts are worth reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Texts {
    OpenAi,
    Azure,
    DeepSeek,
    OpenRouter,
    Xai,
    LlamaCpp,
    Ollama,
    Vllm,
    Other,
}

/// How to ask for reasoning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ReasoningAsk {
    /// `reasoning_effort`.
    Effort,
    /// `reasoning: {effort | max_tokens}`.
    Object,
    /// `thinking: {type}`, with `reasoning_effort` beside it.
    Thinking,
}

/// Which reasoning goes back with the history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Replay {
    Never,
    /// As `reasoning_content`, with every turn.
    Always,
    /// As `reasoning_content`, with turns that call tools.
    WithToolCalls,
    /// As `reasoning_details`, unchanged.
    Details,
}

/// The ids of tool calls that a server takes back: they may have been made by another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallIds {
    Any,
    /// At most this many bytes.
    Short(usize),
    /// Nine letters and digits.
    Nine,
}

/// In which form a server takes files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Files {
    Never,
    /// A part `file` with the content or an id.
    Part,
    /// A part `file` with the content or an address.
    PartOrUrl,
    /// A part `document_url`, whose address may be a `data:` URL.
    DocumentUrl,
}

/// What ends a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Terminal {
    /// `data: [DONE]`.
    Done,
    /// A chunk whose object is `chat.completion.done`.
    DoneObject,
}

// === impl Flavor ===

impl Flavor {
    /// `OpenAI` itself.
    pub const OPENAI: Self = Self::of(&table::OPENAI);

    /// Azure OpenAI: content filters, and rate limits whose resets cannot be trusted.
    pub const AZURE: Self = Self::of(&table::AZURE);

    /// A server of which nothing else is known. It is taken at the word of the dialect.
    pub const COMPATIBLE: Self = Self::of(&table::COMPATIBLE);

    const fn of(traits: &'static Traits) -> Self {
        Self { traits }
    }

    /// The flavor `name`: `openai`, `azure`, `openrouter`, `deepseek`, `groq`, `mistral`, `xai`,
    /// `together`, `perplexity`, `cerebras`, `huggingface`, `ollama`, `llamacpp`, `vllm`,
    /// `lmstudio`, `mistralrs`, `requesty`, `zai` or `openai-compatible`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|flavor| flavor.name() == name)
    }

    /// The flavor of the vendor whose API lives at `host`.
    #[must_use]
    pub fn by_host(host: &str) -> Option<Self> {
        Self::all().find(|flavor| {
            let mut ends = flavor.traits.hosts.iter();
            ends.any(|end| {
                host.strip_suffix(end)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        })
    }

    /// Every flavor of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        table::ALL.iter().map(|traits| Self::of(traits))
    }

    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.traits.name
    }

    /// What the server can do through this crate, as far as known in November 2026. A model may do
    /// less; a server of one's own is taken at the word of the dialect.
    ///
    /// # Examples
    ///
    /// ```
    /// use towline_core::Capability;
    /// use towline_openai::Flavor;
    ///
    /// assert!(Flavor::OPENAI.capabilities().has(Capability::SchemaOutput));
    /// let deepseek = Flavor::by_name("deepseek").unwrap_or(Flavor::COMPATIBLE);
    /// assert!(!deepseek.capabilities().has(Capability::SchemaOutput));
    /// ```
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        let lacks = self.traits.lacks.iter();
        let mut can = lacks.fold(ALL, |can, lacking| can.without(*lacking));
        if self.traits.files == Files::Never {
            can = can.without(Capability::Files);
        }
        if !self.traits.json_schema {
            can = can.without(Capability::SchemaOutput);
        }
        // OpenAI's own goes back through the Responses API.
        if self.traits.replay == Replay::Never && !self.traits.own_reasoning_models {
            can = can.without(Capability::ReasoningReplay);
        }
        can
    }

    pub(crate) const fn traits(self) -> &'static Traits {
        self.traits
    }

    /// Where the flavor stands in the table; part of the key under which messages are cached.
    pub(crate) fn index(self) -> u32 {
        let place = table::ALL.iter().zip(0..);
        place
            .filter(|(traits, _)| traits.name == self.name())
            .map(|(_, index)| index)
            .next()
            .unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flavor").field(&self.name()).finish()
    }
}

impl PartialEq for Flavor {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Flavor {}

/// All that the dialect has.
const ALL: Capabilities = Capabilities::of(&Capability::ALL);

/// The row of a server that follows the dialect to the letter.
const PLAIN: Traits = Traits {
    name: "openai-compatible",
    hosts: &[],
    texts: Texts::Other,
    own_reasoning_models: false,
    reasoning: ReasoningAsk::Effort,
    replay: Replay::Never,
    required: "required",
    seed: "seed",
    call_ids: CallIds::Any,
    files: Files::Never,
    lacks: &[],
    json_schema: true,
    stream_options: true,
    refusal_field: false,
    reasoning_apart: false,
    byte_vectors: false,
    terminal: Terminal::Done,
    limits: limits::openai,
};
