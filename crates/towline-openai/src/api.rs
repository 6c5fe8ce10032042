//! The two APIs through which `OpenAI` offers the same models.

use crate::Flavor;

/// Which API a completion goes through.
///
/// # Examples
///
/// ```
/// use towline_openai::{Api, Flavor};
///
/// assert_eq!(Api::by_name("responses"), Some(Api::Responses));
/// assert_eq!(Api::default_for(Flavor::OPENAI, "gpt-4o"), Api::Chat);
/// assert_eq!(Api::default_for(Flavor::OPENAI, "o3-pro"), Api::Responses);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Api {
    /// `/chat/completions`, which every server of the dialect has.
    Chat,
    /// `/responses`, which keeps the reasoning of a turn for the next one.
    Responses,
}

/// Beginnings and ends of the names of models that have no chat completions.
///
/// Source: the endpoint lists of the `OpenAI` model pages, read in November 2026.
const RESPONSES_ONLY: ([&str; 2], [&str; 3]) = (
    ["codex-", "computer-use-preview"],
    ["-pro", "-codex", "-deep-research"],
);

// === impl Api ===

impl Api {
    /// The API of this name in a configuration: `chat` or `responses`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "chat" => Some(Self::Chat),
            "responses" => Some(Self::Responses),
            _ => None,
        }
    }

    /// The API for `model` where none is set: chat completions, but for the models of the vendor's
    /// own that have none (`o3-pro`, `gpt-5-codex`, `o4-mini-deep-research` and the like).
    #[must_use]
    pub fn default_for(flavor: Flavor, model: &str) -> Self {
        let (beginnings, ends) = RESPONSES_ONLY;
        let base = undated(model);
        let only = beginnings.iter().any(|start| model.starts_with(start))
            || ends.iter().any(|end| base.ends_with(end));
        if flavor.traits().own_reasoning_models && only {
            Self::Responses
        } else {
            Self::Chat
        }
    }
}

/// `o3-pro` of `o3-pro-2025-06-10`.
fn undated(model: &str) -> &str {
    model
        .find("-20")
        .and_then(|at| model.get(..at))
        .unwrap_or(model)
}
