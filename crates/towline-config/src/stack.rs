//! Settings of the layers around a model call: clocks, retries, limits, breaker, fallback and more.
//!
//! [`Settings::stack`](crate::Settings::stack) gives those of the whole program. A provider section
//! may have keys of its own for `timeout`, `retry`, `limit`, `concurrency`, `breaker` and
//! `balance.weight`: what is in force for one provider, the program's keys and the defaults included,
//! comes from [`ProviderSettings::retry`](crate::ProviderSettings::retry) and its neighbours.
//!
//! These are plain values. What they mean in motion is told by the layers that take them.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use towline_config::Loader;
//!
//! let settings = Loader::new()
//!     .env([("LLM_MODEL", "openai/gpt-4o"), ("OPENAI_API_KEY", "sk-test")])
//!     .env([("GROQ_API_KEY", "gsk-test"), ("TOWLINE_FALLBACK", "groq/llama-3.3-70b-versatile")])
//!     .set("towline.retry.preset=aggressive")
//!     .set("towline.openai.limit.tokens_per_minute=450_000")
//!     .load()?;
//!
//! let stack = settings.stack()?;
//! assert_eq!(stack.retry().max_attempts().get(), 5);
//! assert_eq!(stack.timeout().total(), Some(Duration::from_secs(600)));
//! assert_eq!(stack.fallback().first().map(|target| target.name()), Some("groq"));
//! assert!(stack.lints().is_empty());
//!
//! let openai = settings.llm()?.expect("a model is set");
//! let tokens = openai.limit().rates().tokens_per_minute();
//! assert_eq!(tokens.map(|tokens| tokens.get()), Some(450_000));
//! # Ok::<(), towline_config::ConfigError>(())
//! ```

mod breaker;
mod concurrency;
mod guard;
mod hedge;
mod limit;
mod lint;
pub(crate) mod ratio;
mod retry;
mod timeout;

pub use self::{
    breaker::BreakerSettings,
    concurrency::{AdaptiveSignal, ConcurrencySettings},
    guard::GuardSettings,
    hedge::HedgeSettings,
    limit::{LimitMode, LimitSettings, Rates, Refund},
    lint::Lint,
    ratio::Ratio,
    retry::{Jitter, RetrySettings},
    timeout::TimeoutSettings,
};

pub(crate) use self::{
    lint::LINTS,
    timeout::{FIRST_TOKEN, REASONING_FIRST_TOKEN},
};

use crate::provider::ProviderSettings;
use std::{num::NonZeroU32, time::Duration};

/// The settings of the whole program for the layers around a model call.
#[derive(Clone, Debug)]
pub struct StackSettings {
    pub(crate) target: TargetSettings,
    /// The selected provider, where it is complete.
    pub(crate) selected: Option<ProviderSettings>,
    pub(crate) fallback: Vec<ProviderSettings>,
    pub(crate) moves: Moves,
    pub(crate) hedge: HedgeSettings,
    pub(crate) deployments: Vec<ProviderSettings>,
    pub(crate) sticky: bool,
    pub(crate) per_tenant: Rates,
    pub(crate) max_queue_age: Option<Duration>,
    pub(crate) coalesce: bool,
    pub(crate) guard: GuardSettings,
    pub(crate) drain_timeout: Duration,
    pub(crate) hearsay: Hearsay,
}

/// What moves a call to the next target, beside what always does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moves {
    /// A stream that broke off, `fallback_continue`.
    pub(crate) broken: bool,
    /// The refusal of a content filter, `fallback_filtered`.
    pub(crate) filtered: bool,
}

/// The groups that a provider section may have for itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TargetSettings {
    pub(crate) timeout: TimeoutSettings,
    pub(crate) retry: RetrySettings,
    pub(crate) limit: LimitSettings,
    pub(crate) concurrency: ConcurrencySettings,
    pub(crate) breaker: BreakerSettings,
    /// `balance.weight`.
    pub(crate) weight: NonZeroU32,
    /// `timeouts.stream`, the older clock of one exchange.
    pub(crate) exchange_pause: Duration,
}

/// What lints want to know beyond the values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearsay {
    /// The keys of the breaker that somebody set, with their root.
    pub(crate) breaker_keys: Vec<String>,
    /// The deployments that share the calls of the selected provider and stand in no other list, with
    /// the keys of their retries that somebody set for them alone.
    pub(crate) retry_keys: Vec<(String, Vec<String>)>,
    /// Targets that are named twice, with the key that names them.
    pub(crate) repeated: Vec<(&'static str, String)>,
}

// === impl StackSettings ===

impl StackSettings {
    /// The clocks of a call, `timeout.*`.
    #[must_use]
    pub const fn timeout(&self) -> &TimeoutSettings {
        &self.target.timeout
    }

    /// Trying again, `retry.*`.
    #[must_use]
    pub const fn retry(&self) -> &RetrySettings {
        &self.target.retry
    }

    /// Rates of a provider, `limit.*`.
    #[must_use]
    pub const fn limit(&self) -> &LimitSettings {
        &self.target.limit
    }

    /// Rates of one tenant, `limit.per_tenant.*`, counted in calls of the program and not in attempts.
    /// Default unlimited.
    #[must_use]
    pub const fn per_tenant(&self) -> &Rates {
        &self.per_tenant
    }

    /// Calls at once, `concurrency.*`.
    #[must_use]
    pub const fn concurrency(&self) -> &ConcurrencySettings {
        &self.target.concurrency
    }

    /// Leaving a provider alone that is down, `breaker.*`.
    #[must_use]
    pub const fn breaker(&self) -> &BreakerSettings {
        &self.target.breaker
    }

    /// A second attempt beside a slow one, `hedge.*`.
    #[must_use]
    pub const fn hedge(&self) -> &HedgeSettings {
        &self.hedge
    }

    /// The targets to go to when the selected one fails, in this order. Complete; none is there
    /// twice. The selected one may be among them: see [`fallback_after`](Self::fallback_after).
    /// Default empty.
    #[must_use]
    pub fn fallback(&self) -> &[ProviderSettings] {
        &self.fallback
    }

    /// The targets to go to when `first` fails: the list without `first` itself.
    pub fn fallback_after<'a>(
        &'a self,
        first: &'a ProviderSettings,
    ) -> impl Iterator<Item = &'a ProviderSettings> {
        without(&self.fallback, first)
    }

    /// Whether a stream that breaks is continued by the next target, the delivered part as its
    /// beginning. Default false: the caller gets the error.
    #[must_use]
    pub const fn fallback_continue(&self) -> bool {
        self.moves.broken
    }

    /// Whether the next target is asked too where the content filter of one refused the call. Default
    /// false: whether a refusal may be shopped around is for the application to say.
    #[must_use]
    pub const fn fallback_filtered(&self) -> bool {
        self.moves.filtered
    }

    /// The deployments that share the calls of the selected provider, as they are listed. The
    /// selected one is one of them whether it is in the list or not. Complete; none is there twice.
    /// Default empty.
    #[must_use]
    pub fn deployments(&self) -> &[ProviderSettings] {
        &self.deployments
    }

    /// The deployments that share the calls of `first`: the list without `first` itself.
    pub fn deployments_beside<'a>(
        &'a self,
        first: &'a ProviderSettings,
    ) -> impl Iterator<Item = &'a ProviderSettings> {
        without(&self.deployments, first)
    }

    /// Whether calls that begin alike go to the same deployment, whose cache knows the beginning.
    /// Default true.
    #[must_use]
    pub const fn sticky(&self) -> bool {
        self.sticky
    }

    /// The longest that a call waits for admission before it is shed. None: nothing is shed.
    #[must_use]
    pub const fn max_queue_age(&self) -> Option<Duration> {
        self.max_queue_age
    }

    /// Whether equal calls of one tenant at one time are made once. Default false.
    #[must_use]
    pub const fn coalesce(&self) -> bool {
        self.coalesce
    }

    /// Bounds on prompts, `guard.*`.
    #[must_use]
    pub const fn guard(&self) -> &GuardSettings {
        &self.guard
    }

    /// How long a shutdown waits for calls and streams under way. Default 30 s.
    #[must_use]
    pub const fn drain_timeout(&self) -> Duration {
        self.drain_timeout
    }

    /// What is allowed and probably not meant. Warnings, never a reason to stop; empty for the
    /// defaults.
    #[must_use]
    pub fn lints(&self) -> Vec<Lint> {
        lint::of(self)
    }

    /// How many deployments share the calls of the selected provider, itself included.
    fn group_size(&self) -> usize {
        match &self.selected {
            Some(selected) => self.deployments_beside(selected).count() + 1,
            None => self.deployments.len().max(1),
        }
    }

    /// The values of the selected provider, else those of the whole program.
    fn first_target(&self) -> &TargetSettings {
        let selected = self.selected.as_ref();
        selected.map_or(&self.target, ProviderSettings::target)
    }

    /// The targets that come after the selected one.
    fn later_targets(&self) -> Vec<&ProviderSettings> {
        match &self.selected {
            Some(selected) => self.fallback_after(selected).collect(),
            None => self.fallback.iter().collect(),
        }
    }
}

/// The targets that are not `first`.
fn without<'a>(
    targets: &'a [ProviderSettings],
    first: &'a ProviderSettings,
) -> impl Iterator<Item = &'a ProviderSettings> {
    targets
        .iter()
        .filter(|target| !target.is_same_target(first))
}
