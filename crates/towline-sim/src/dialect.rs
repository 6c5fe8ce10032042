//! The wire dialects. A dialect is one file that implements [`Dialect`] and a line in [`TABLE`].

mod anthropic;
mod azure;
mod field;
mod ollama;
mod openai;
mod piece;
mod responses;
#[cfg(test)]
mod tests;
mod vector;

use self::responses::Stored;
use crate::{
    DEFAULT_EMBEDDING_MODEL, DEFAULT_MODEL,
    call::Call,
    journal::lock,
    plan::Plan,
    reply::{ToolCall, Turn},
    script::Script,
    seed,
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Mutex,
    time::Duration,
};
use towline_core::Secret;

/// All dialects; the first that knows a call answers it, the last answers everything else.
const TABLE: &[&dyn Dialect] = &[
    &anthropic::Anthropic,
    &ollama::Ollama,
    &azure::Azure,
    &responses::Responses,
    &openai::OpenAi,
];

/// How one provider speaks.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    /// Whether this dialect answers `call`.
    fn speaks_to(&self, call: &Call) -> bool;

    /// The headers that the provider adds to every answer.
    fn headers(&self, scene: &Scene<'_>) -> HeaderMap;

    /// Refuses a call whose credential is not among the keys.
    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan>;

    /// The provider's error answer for `status`.
    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan;

    /// The provider's error for `status`, told inside an answer.
    fn in_band(&self, scene: &Scene<'_>, status: StatusCode) -> Value {
        self.error(scene, status).json_body()
    }

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

/// What a simulator remembers from one call to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The beginnings of the conversations seen so far, for a prompt cache like the real ones.
    prefixes: Mutex<HashMap<u64, u64>>,
    /// Models that were pulled.
    pulled: Mutex<Vec<String>>,
    /// Responses that were stored, the newest last.
    stored: Mutex<VecDeque<(String, Stored)>>,
}

/// The dialect for `call`.
pub(crate) fn of(call: &Call) -> &'static dyn Dialect {
    let speaks = TABLE.iter().find(|d| d.speaks_to(call));
    *speaks.unwrap_or(&(&openai::OpenAi as &dyn Dialect))
}

// === impl Scene ===

impl<'a> Scene<'a> {
    /// The same around another form of the call.
    pub(crate) const fn with_call<'b>(&self, call: &'b Call) -> Scene<'b>
    where
        'a: 'b,
    {
        Scene {
            settings: self.settings,
            memory: self.memory,
            call,
        }
    }

    /// A number for this exchange that looks random and is the same on every run.
    pub(crate) fn number(&self, what: &str) -> u64 {
        seed::hash(self.settings.seed ^ self.call.id(), what.as_bytes())
    }

    /// An id for this exchange: `prefix`, then a number that stands for `what`.
    pub(crate) fn make_id(&self, prefix: &str, what: &str) -> String {
        format!("{prefix}_sim_{:016x}", self.number(what))
    }

    /// Gives an id to every call that has none.
    pub(crate) fn name_calls(&self, calls: &mut [ToolCall], prefix: &str) {
        for (index, call) in calls.iter_mut().enumerate() {
            let what = format!("call {index}");
            call.id.get_or_insert_with(|| self.make_id(prefix, &what));
        }
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
    /// Whether requests for the model are answered.
    pub(crate) fn serves(&self, name: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|model| model == name)
    }

    /// The models to list.
    pub(crate) fn listed(&self) -> Vec<&str> {
        if self.models.is_empty() {
            return vec![DEFAULT_MODEL, DEFAULT_EMBEDDING_MODEL];
        }
        self.models.iter().map(String::as_str).collect()
    }

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
    /// Entries kept; then the cache starts afresh.
    const LIMIT: usize = 100_000;
    /// Responses kept.
    const RESPONSES: usize = 1_000;
    /// Shorter beginnings are not cached, and longer ones in steps of [`Self::STEP`]: as OpenAI does.
    /// Source: <https://platform.openai.com/docs/guides/prompt-caching>, as of 2026-01.
    pub(crate) const LEAST: u64 = 1024;
    const STEP: u64 = 128;

    /// From now on the model is there.
    pub(crate) fn pull(&self, name: &str) {
        let mut pulled = lock(&self.pulled);
        if !pulled.iter().any(|known| known == name) && pulled.len() < Self::LIMIT {
            pulled.push(name.to_owned());
        }
    }

    /// Keeps a response; the oldest make room.
    pub(crate) fn store(&self, id: &str, response: Stored) {
        let mut stored = lock(&self.stored);
        if stored.len() >= Self::RESPONSES {
            stored.pop_front();
        }
        stored.push_back((id.to_owned(), response));
    }

    /// A response that was kept.
    pub(crate) fn stored(&self, id: &str) -> Option<Stored> {
        let stored = lock(&self.stored);
        let found = stored.iter().rev().find(|(known, _)| known == id);
        found.map(|(_, response)| response.clone())
    }

    /// Whether a response that was kept has this item.
    pub(crate) fn has_item(&self, id: &str) -> bool {
        let stored = lock(&self.stored);
        let is_it = |item: &Value| item.get("id").is_some_and(|known| known == id);
        stored
            .iter()
            .any(|(_, response)| response.items.iter().any(is_it))
    }

    /// Drops a response; whether there was one.
    pub(crate) fn forget(&self, id: &str) -> bool {
        let mut stored = lock(&self.stored);
        let before = stored.len();
        stored.retain(|(known, _)| known != id);
        stored.len() < before
    }

    /// The models that were pulled.
    pub(crate) fn pulled(&self) -> Vec<String> {
        lock(&self.pulled).clone()
    }

    /// How many tokens of a conversation come from a cache like OpenAI's.
    pub(crate) fn cached_tokens(&self, prefixes: &[(u64, u64)]) -> u64 {
        let known = self.known_tokens(prefixes);
        known - known % Self::STEP
    }

    /// How many tokens of a conversation were seen before. `prefixes` has, per message, the hash of
    /// the conversation up to it and its tokens up to it. They are remembered for the next call.
    pub(crate) fn known_tokens(&self, prefixes: &[(u64, u64)]) -> u64 {
        let mut seen = lock(&self.prefixes);
        let known = prefixes.iter().rev().find_map(|(hash, _)| seen.get(hash));
        let known = known.copied().unwrap_or(0);
        if seen.len() + prefixes.len() > Self::LIMIT {
            seen.clear();
        }
        seen.extend(prefixes.iter().copied());
        if known < Self::LEAST { 0 } else { known }
    }
}
