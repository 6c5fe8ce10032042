//! What a provider can do.

use std::fmt;

/// What a provider can do through its crate here. A model may do less.
///
/// # Examples
///
/// ```
/// use towline_core::{Capabilities, Capability};
///
/// let can = Capabilities::of(&[Capability::Tools, Capability::Vision]);
/// assert!(can.has(Capability::Vision));
/// assert!(!can.has(Capability::Embeddings));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    bits: u16,
}

/// One thing that a provider may be able to do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Capability {
    /// The model can call tools.
    Tools,
    /// It can call several in one turn, and be told not to.
    ParallelTools,
    /// It can be told which tool to call, or that it must call one.
    ToolChoice,
    /// Messages may hold images.
    Vision,
    /// Messages may hold files, such as a PDF.
    Files,
    /// The answer can be held to a JSON schema.
    SchemaOutput,
    /// The model's reasoning can be asked for, and is kept apart from the text.
    Reasoning,
    /// Reasoning can be sent back with the next turn.
    ReasoningReplay,
    /// Streams end with the usage of the call.
    StreamingUsage,
    /// Cached input is reported, or can be asked for.
    PromptCache,
    /// Texts can be turned into vectors.
    Embeddings,
    /// The models that are offered can be listed.
    ModelList,
}

// === impl Capabilities ===

impl Capabilities {
    /// These and no others.
    #[must_use]
    pub const fn of(list: &[Capability]) -> Self {
        let mut bits = 0;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        Self { bits }
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self {
            bits: self.bits | capability.bit(),
        }
    }

    /// These but one.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self {
            bits: self.bits & !capability.bit(),
        }
    }

    /// Whether it is one of these.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.bits & capability.bit() != 0
    }

    /// Those of [`Capability::ALL`] that are there.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |one| self.has(*one))
    }
}

// === impl Capability ===

impl Capability {
    /// Every capability, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::Tools,
        Self::ParallelTools,
        Self::ToolChoice,
        Self::Vision,
        Self::Files,
        Self::SchemaOutput,
        Self::Reasoning,
        Self::ReasoningReplay,
        Self::StreamingUsage,
        Self::PromptCache,
        Self::Embeddings,
        Self::ModelList,
    ];

    /// What it is called in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::ParallelTools => "parallel tools",
            Self::ToolChoice => "tool choice",
            Self::Vision => "vision",
            Self::Files => "files",
            Self::SchemaOutput => "schema output",
            Self::Reasoning => "reasoning",
            Self::ReasoningReplay => "reasoning replay",
            Self::StreamingUsage => "streaming usage",
            Self::PromptCache => "prompt cache",
            Self::Embeddings => "embeddings",
            Self::ModelList => "model list",
        }
    }

    const fn bit(self) -> u16 {
        match self {
            Self::Tools => 1,
            Self::ParallelTools => 1 << 1,
            Self::ToolChoice => 1 << 2,
            Self::Vision => 1 << 3,
            Self::SchemaOutput => 1 << 4,
            Self::Reasoning => 1 << 5,
            Self::ReasoningReplay => 1 << 6,
            Self::StreamingUsage => 1 << 7,
            Self::PromptCache => 1 << 8,
            Self::Embeddings => 1 << 9,
            Self::ModelList => 1 << 10,
            Self::Files => 1 << 11,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
