//! What a model takes.

use crate::Flavor;

/// What one model of one server takes. It decides the names of fields and which options have to
/// stay out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ModelRules {
    /// The field for the limit of output tokens.
    pub(crate) max_tokens: &'static str,
    /// The role of the application's instructions.
    pub(crate) system_role: &'static str,
    /// Whether temperature and the like are taken, also where they are not the default.
    pub(crate) sampling: bool,
}

// === impl ModelRules ===

impl ModelRules {
    /// The rules for `model`.
    ///
    /// Source: the error codes `unsupported_parameter` and `unsupported_value` of the chat
    /// completions API, and the `OpenAI` guide on reasoning models, read in November 2026.
    pub(crate) fn of(flavor: Flavor, model: &str) -> Self {
        if !flavor.traits().own_reasoning_models || !is_reasoning(model) {
            return Self {
                max_tokens: "max_tokens",
                system_role: "system",
                sampling: true,
            };
        }
        let no_instructions = model.starts_with("o1-mini") || model.starts_with("o1-preview");
        Self {
            max_tokens: "max_completion_tokens",
            system_role: if no_instructions { "user" } else { "developer" },
            sampling: false,
        }
    }

    /// Whether a sampling option may have the value `number`, of which `default` is the default.
    pub(crate) fn takes(self, number: f64, default: f64) -> bool {
        self.sampling || (number - default).abs() < f64::EPSILON
    }

    /// Tells apart the ways to write a message, for the cache of written messages.
    pub(crate) fn variant(self, flavor: Flavor) -> u32 {
        let role = match self.system_role {
            "system" => 0,
            "developer" => 1,
            _ => 2,
        };
        flavor.index() * 4 + role
    }
}

/// `o1`, `o3-mini`, `gpt-5.1-codex`; not `gpt-5-chat-latest`.
fn is_reasoning(model: &str) -> bool {
    let o_series = model
        .strip_prefix('o')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let gpt5 = model.starts_with("gpt-5") && !model.contains("-chat");
    o_series || gpt5
}

#[cfg(test)]
mod tests {
    use super::ModelRules;
    use crate::Flavor;

    #[test]
    fn reasoning_models_are_told_by_their_names() {
        for model in [
            "o1",
            "o3-mini",
            "o4-mini-2025-04-16",
            "gpt-5",
            "gpt-5.1-codex",
        ] {
            assert!(!ModelRules::of(Flavor::OPENAI, model).sampling, "{model}");
        }
        for model in ["gpt-4o", "gpt-5-chat-latest", "omni", "openai/o1", ""] {
            assert!(ModelRules::of(Flavor::OPENAI, model).sampling, "{model}");
        }
        assert!(
            ModelRules::of(Flavor::COMPATIBLE, "o1").sampling,
            "only the vendor's own"
        );
    }

    #[test]
    fn instructions_go_by_the_name_the_model_takes() {
        let role = |model| ModelRules::of(Flavor::OPENAI, model).system_role;
        assert_eq!(
            [role("gpt-4o"), role("o3"), role("o1-mini")],
            ["system", "developer", "user"]
        );
    }
}
