//! What a simulator is told to do, in code or in a file.

use crate::rule::Rule;
use std::time::Duration;
use towline_core::Secret;

/// A list of rules, and settings that go with them.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) rules: Vec<Rule>,
    pub(crate) keys: Vec<Secret>,
    pub(crate) models: Vec<String>,
    pub(crate) pace: Option<Duration>,
    pub(crate) seed: Option<u64>,
}

// === impl Script ===

impl Script {
    /// An empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule behind those that are there.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}
