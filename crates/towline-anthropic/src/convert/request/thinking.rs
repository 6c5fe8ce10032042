//! Whether and how much the model thinks, and the limit of output tokens that goes with it.

use crate::{
    convert::rules::{Ask, ModelRules},
    wire::request::ThinkingBody,
};
use towline_core::{CompletionOptions, Error, ErrorKind, ReasoningEffort};
use towline_transport::compose::Fields;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Thinking {
    pub(super) body: Option<ThinkingBody>,
    /// The word for `output_config.effort`.
    pub(super) effort: Option<&'static str>,
    pub(super) max_tokens: u64,
}

/// The API takes no smaller budget.
///
/// Source: <https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking> (November 2026).
const LEAST_BUDGET: u64 = 1024;

// === impl Thinking ===

impl Thinking {
    /// What `options` mean for a model with these rules.
    ///
    /// Where no limit of output tokens is set, `default` is for the answer, and thinking gets what it
    /// may use on top: the API counts both into one limit.
    pub(super) fn plan(
        fields: &mut Fields<'_>,
        rules: ModelRules,
        default: u64,
        options: &CompletionOptions,
    ) -> Result<Self, Error> {
        let none = Self {
            body: None,
            effort: None,
            max_tokens: options.max_tokens().unwrap_or(default),
        };
        let effort = options.reasoning();
        let Some(budget) = options.reasoning_budget() else {
            return Ok(none);
        };
        if rules.thinking == Ask::Never {
            if budget > 0 {
                fields.refuse("reasoning", "this model cannot think")?;
            }
            return Ok(none);
        }
        if budget == 0 {
            let body = Some(ThinkingBody::Disabled);
            return Ok(Self { body, ..none });
        }
        let numbered = Some(budget) != effort.map(ReasoningEffort::budget);
        match (rules.thinking, effort) {
            (Ask::Effort, None) => {
                fields.refuse(
                    "reasoning_budget",
                    "this model takes an effort and no number of tokens; set `reasoning`",
                )?;
                Ok(none)
            }
            (Ask::Effort, Some(effort)) => Ok(none.with_effort(effort, default, options)),
            (Ask::Either, Some(effort)) if !numbered => {
                Ok(none.with_effort(effort, default, options))
            }
            (Ask::Either | Ask::Budget | Ask::Never, _) => {
                none.with_budget(budget, default, options)
            }
        }
    }

    /// Whether the model thinks.
    pub(super) const fn is_on(&self) -> bool {
        matches!(
            self.body,
            Some(ThinkingBody::Enabled { .. } | ThinkingBody::Adaptive)
        )
    }

    /// Whether it thinks with a budget.
    pub(super) const fn has_budget(&self) -> bool {
        matches!(self.body, Some(ThinkingBody::Enabled { .. }))
    }

    fn with_effort(
        mut self,
        effort: ReasoningEffort,
        default: u64,
        options: &CompletionOptions,
    ) -> Self {
        self.body = Some(ThinkingBody::Adaptive);
        self.effort = Some(match effort {
            // The API has no word below `low`.
            ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
            ReasoningEffort::Medium => "medium",
            _ => "high",
        });
        let room = default.saturating_add(effort.budget());
        self.max_tokens = options.max_tokens().unwrap_or(room);
        self
    }

    fn with_budget(
        mut self,
        budget: u64,
        default: u64,
        options: &CompletionOptions,
    ) -> Result<Self, Error> {
        let limit = options.max_tokens();
        self.max_tokens = limit.unwrap_or_else(|| default.saturating_add(budget));
        let fault = if budget < LEAST_BUDGET {
            format!(
                "the reasoning budget of {budget} tokens is below the least that Anthropic takes; raise it to {LEAST_BUDGET} or more"
            )
        } else if budget >= self.max_tokens {
            let limit = self.max_tokens;
            format!(
                "the reasoning budget of {budget} tokens leaves no room for an answer in `max_tokens` {limit}; raise `max_tokens` above {budget}, or lower the budget or the effort"
            )
        } else {
            self.body = Some(ThinkingBody::Enabled {
                budget_tokens: budget,
            });
            return Ok(self);
        };
        Err(Error::new(ErrorKind::InvalidRequest).with_message(fault))
    }
}
