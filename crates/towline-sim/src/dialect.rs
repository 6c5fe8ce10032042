//! The wire dialects. A dialect is one file that implements [`Dialect`] and a line in [`TABLE`].

mod openai;

use crate::{call::Call, journal::lock, plan::Plan, reply::Turn, script::Script, seed};
use http::{HeaderMap, StatusCode};
use std::{collections::HashMap, fmt, sync::Mutex, time::Duration};
use towline_core::Secret;

/// All dialects; the first that knows a path speaks there, the last speaks everywhere else.
const TABLE: &[&dyn Dialect] = &[&openai::OpenAi];

/// How one provider speaks.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// Whether this dialect speaks on `path`.
    fn speaks_on(&self, path: &str) -> bool;

    /// The headers that the provider adds to every answer.
    fn headers(&self, scene: &Scene<'_>) -> HeaderMap;

    /// Refuses a call whose credential is not among the keys.
    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan>;

    /// The provider's error answer for `status`.
    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan;

    /// Puts a scripted turn of the model into an answer to the call.
    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan;

    /// Answers the call as a well-behaved provider with the default assistant does.
    fn answer(&self, scene: &Scene<'_>) -> Plan;
}

/// A call, and what is known around it.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) memory: &'a Memory,
    pub(crate) call: &'a Call,
}

/// What a simulator was told when it was built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) keys: Vec<Secret>,
    pub(crate) models: Vec<String>,
    pub(crate) pace: Duration,
    pub(crate) seed: u64,
}

/// The beginnings of the conversations seen so far, for a prompt cache like the real ones.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    prefixes: Mutex<HashMap<u64, u64>>,
}

/// The dialect for `call`.
pub(crate) fn of(call: &Call) -> &'static dyn Dialect {
    let speaks = TABLE.iter().find(|d| d.speaks_on(call.path()));
    *speaks.unwrap_or(&(&openai::OpenAi as &dyn Dialect))
}

// === impl Scene ===

impl Scene<'_> {
    /// A number for this exchange that looks random and is the same on every run.
    pub(crate) fn number(&self, what: &str) -> u64 {
        seed::hash(self.settings.seed ^ self.call.id(), what.as_bytes())
    }

    /// Whether the call carries one of the keys, if keys are asked for.
    pub(crate) fn has_key(&self, credential: Option<&str>) -> bool {
        let keys = &self.settings.keys;
        keys.is_empty()
            || credential.is_some_and(|sent| keys.iter().any(|key| *key == Secret::new(sent)))
    }
}

// === impl Settings ===

impl Settings {
    /// Takes over what a script sets.
    pub(crate) fn apply(&mut self, script: &Script) {
        self.keys.extend(script.keys.iter().cloned());
        self.models.extend(script.models.iter().cloned());
        self.pace = script.pace.unwrap_or(self.pace);
        self.seed = script.seed.unwrap_or(self.seed);
    }
}

// === impl Memory ===

impl Memory {
    /// Entries kept; then it starts afresh.
    const LIMIT: usize = 100_000;
    /// Shorter beginnings are not cached, and longer ones in steps of [`Self::STEP`]: as OpenAI does.
    /// Source: <https://platform.openai.com/docs/guides/prompt-caching>, as of 2026-01.
    const LEAST: u64 = 1024;
    const STEP: u64 = 128;

    /// How many tokens of a conversation come from the cache. `prefixes` has, per message, the hash
    /// of the conversation up to it and its tokens up to it. They are remembered for the next call.
    pub(crate) fn cached_tokens(&self, prefixes: &[(u64, u64)]) -> u64 {
        let mut seen = lock(&self.prefixes);
        let known = prefixes.iter().rev().find_map(|(hash, _)| seen.get(hash));
        let known = known.copied().unwrap_or(0);
        if seen.len() + prefixes.len() > Self::LIMIT {
            seen.clear();
        }
        seen.extend(prefixes.iter().copied());
        if known < Self::LEAST {
            return 0;
        }
        known - known % Self::STEP
    }
}
