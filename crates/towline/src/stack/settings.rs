//! From settings to layers.

use std::{num::NonZeroUsize, time::Duration};
use towline_config::{
    ProviderSettings,
    stack::{self, ConcurrencySettings, GuardSettings, RetrySettings, TimeoutSettings},
};
use towline_core::Request;
use towline_layers::{
    adaptive::Adaptive,
    breaker::{Breaker, BreakerConfig},
    budget::Budget,
    concurrency::ConcurrencyLayer,
    guard::Guard,
    retry::{Jitter, RetryPolicy},
    timeout::{Clocks, TotalLayer},
};

/// The clocks of one exchange. Of the newer `timeout.*` and the older `timeouts.*` the shorter ends it.
pub(super) fn clocks(settings: &ProviderSettings) -> Clocks {
    let timeout = settings.timeout();
    let exchange = settings.timeouts();
    let within = |limit: Option<Duration>| limit.unwrap_or(Duration::MAX).min(exchange.stream());
    Clocks::default()
        .with_whole(exchange.request())
        .with_first_token(within(timeout.first_token()))
        .with_reasoning_first_token(within(timeout.reasoning_first_token()))
        .with_idle(within(timeout.idle()))
        .with_progress(timeout.progress())
        .with_attempt(timeout.attempt())
}

/// The clock of a whole call.
pub(super) fn total(settings: &TimeoutSettings) -> TotalLayer {
    let total = match settings.total() {
        Some(limit) => TotalLayer::new(limit),
        None => TotalLayer::deadline_only(),
    };
    total.with_streamed(settings.stream_total())
}

/// The rules for prompts.
pub(super) fn guard(settings: &GuardSettings) -> Guard<Request> {
    let guard = Guard::new().with_forbidden(settings.forbidden());
    match settings.max_prompt_bytes() {
        Some(bytes) => guard.with_max_bytes(bytes.get()),
        None => guard,
    }
}

/// What is tried again.
pub(super) fn retry(settings: &RetrySettings) -> RetryPolicy {
    RetryPolicy::default()
        .with_max_attempts(settings.max_attempts().get())
        .with_base_delay(settings.base_delay())
        .with_max_delay(settings.max_delay())
        .with_jitter(match settings.jitter() {
            stack::Jitter::Decorrelated => Jitter::Decorrelated,
            _ => Jitter::Full,
        })
        .with_hint_cap(settings.hint_cap())
        .with_min_attempt(settings.min_attempt())
        .with_budget(budget(settings))
}

/// What retries may spend.
pub(super) fn budget(settings: &RetrySettings) -> Budget {
    let ratio = settings.budget_ratio().millionths();
    Budget::new(ratio, settings.budget_reserve())
}

/// The breaker of a deployment.
pub(super) fn breaker(settings: &ProviderSettings) -> Option<Breaker> {
    let values = settings.breaker();
    let million = std::num::NonZeroU32::new(1_000_000)?;
    let config = BreakerConfig::new()
        .with_failures(Some(values.failures()))
        .with_ratio(values.ratio().millionths(), million)
        .with_window(values.window())
        .with_min_requests(values.min_requests())
        .with_cooldown(values.cooldown(), values.max_cooldown())
        .with_probes(values.probes())
        .with_successes(values.successes());
    values
        .enabled()
        .then(|| Breaker::new(settings.name(), config))
}

/// How many calls are under way at once.
pub(super) fn concurrency(settings: &ConcurrencySettings) -> Option<ConcurrencyLayer> {
    let count = |number: std::num::NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    if !settings.adaptive() {
        let most = NonZeroUsize::new(count(settings.max()?))?;
        return Some(ConcurrencyLayer::new(most));
    }
    let mut adaptive = Adaptive::builder().min(count(settings.min()));
    if let Some(most) = settings.max() {
        adaptive = adaptive.max(count(most));
    }
    if let Some(initial) = settings.initial() {
        adaptive = adaptive.initial(count(initial));
    }
    // The settings were checked when they were loaded: they are in order.
    adaptive.build().ok().map(ConcurrencyLayer::adaptive)
}
