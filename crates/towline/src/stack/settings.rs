//! From settings to layers.

use std::{
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    time::Duration,
};
use towline_config::{
    ProviderSettings,
    stack::{
        self, AdaptiveSignal, GuardSettings, HedgeSettings, LimitSettings, Rates, RetrySettings,
        StackSettings, TimeoutSettings,
    },
};
use towline_core::Request;
use towline_layers::{
    adaptive::{Adaptive, Gradient},
    breaker::{Breaker, BreakerConfig},
    budget::Budget,
    concurrency::ConcurrencyLayer,
    guard::Guard,
    hedge::HedgePolicy,
    limit::{
        Charge, Dimension, LimitConfig, LimitKey, LimitLayer, Mode, Quota, Quotas, Refund, Rules,
    },
    overload::AgeBound,
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
    let million = NonZeroU32::new(1_000_000)?;
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

/// How many calls are under way at once, where that is to be found out.
pub(super) fn adaptive(
    settings: &ProviderSettings,
    age: Option<Duration>,
) -> Option<ConcurrencyLayer> {
    let (slots, values) = (settings.concurrency(), settings.limit());
    if !slots.adaptive() {
        return None;
    }
    // What is not set follows what is, so that the three are always in order.
    let least = count(slots.min());
    let begin = slots.initial().map(count);
    let most = slots.max().map(count);
    let most = most.unwrap_or_else(|| ADAPTIVE_MAX.max(least).max(begin.unwrap_or(0)));
    let begin = begin.unwrap_or_else(|| ADAPTIVE_INITIAL.clamp(least, most.max(least)));
    let adaptive = Adaptive::builder().min(least).max(most).initial(begin);
    let adaptive = match slots.signal() {
        AdaptiveSignal::FirstToken => adaptive.gradient(Gradient::default()),
        _ => adaptive,
    };
    let layer = match adaptive.build() {
        Ok(adaptive) => ConcurrencyLayer::adaptive(adaptive),
        // Never without a bound, whatever is wrong: the least is held.
        Err(_) => ConcurrencyLayer::new(NonZeroUsize::new(least).unwrap_or(NonZeroUsize::MIN)),
    };
    // None is to wait where what does not fit is to be refused.
    let most = match mode(values) {
        Mode::Reject => 0,
        _ => queued(values),
    };
    let mut layer = layer.with_max_queued(most);
    if let Some(wait) = values.max_wait() {
        layer = layer.with_max_wait(wait);
    }
    Some(match age {
        Some(age) => layer.with_age_bound(AgeBound::new(age)),
        None => layer,
    })
}

/// The most slots of an adaptive limit, and those that it begins with, where nothing is set.
const ADAPTIVE_MAX: usize = 200;
const ADAPTIVE_INITIAL: usize = 20;

/// Requests and tokens per minute of a deployment, and its slots where they are fixed.
pub(super) fn limit(settings: &ProviderSettings, age: Option<Duration>) -> LimitLayer {
    let values = settings.limit();
    let charge = match settings.vendor().as_str() {
        "anthropic" => Charge::anthropic(),
        "openai" | "azure" => Charge::openai(),
        _ => Charge::most(),
    };
    let config = LimitConfig::new(settings.name())
        .with_key(LimitKey::Model)
        .with_charge(charge)
        .with_learn(values.learn());
    let slots = settings.concurrency();
    let quotas = match (slots.max(), slots.adaptive()) {
        (Some(most), false) => quotas(values.rates(), values).with_slots(count(most)),
        _ => quotas(values.rates(), values),
    };
    LimitLayer::new(waiting(config, values, age), rules(quotas, values))
}

/// Requests and tokens per minute of each tenant, counted in calls and not in attempts.
pub(super) fn per_tenant(settings: &StackSettings) -> LimitLayer {
    let values = settings.limit();
    let config = LimitConfig::new("tenant")
        .with_key(LimitKey::Tenant)
        .with_learn(false);
    let quotas = quotas(settings.per_tenant(), values);
    let age = settings.max_queue_age();
    LimitLayer::new(waiting(config, values, age), rules(quotas, values))
}

/// What becomes of a call that does not fit.
fn waiting(config: LimitConfig, values: &LimitSettings, age: Option<Duration>) -> LimitConfig {
    let config = match age {
        Some(age) => config.with_age_bound(AgeBound::new(age)),
        None => config,
    };
    config
        .with_mode(mode(values))
        .with_max_wait(values.max_wait())
        .with_max_queued(queued(values))
}

const fn mode(values: &LimitSettings) -> Mode {
    match values.mode() {
        stack::LimitMode::Reject => Mode::Reject,
        _ => Mode::Wait,
    }
}

/// How many calls may wait.
fn queued(values: &LimitSettings) -> usize {
    usize::try_from(values.max_queued()).unwrap_or(usize::MAX)
}

fn rules(quotas: Quotas, values: &LimitSettings) -> Rules {
    Rules::new(quotas).with_refund(match values.refund() {
        stack::Refund::MinDeficit => Refund::MinDeficit,
        stack::Refund::Naive => Refund::Naive,
        _ => Refund::Replay,
    })
}

fn quotas(rates: &Rates, values: &LimitSettings) -> Quotas {
    let rows = [
        (Dimension::Requests, rates.requests_per_minute()),
        (Dimension::Tokens, rates.tokens_per_minute()),
        (Dimension::InputTokens, rates.input_tokens_per_minute()),
        (Dimension::OutputTokens, rates.output_tokens_per_minute()),
    ];
    let rows = rows.into_iter();
    rows.fold(Quotas::unlimited(), |quotas, (dimension, amount)| {
        let Some(amount) = amount else {
            return quotas;
        };
        let burst = NonZeroU64::new(values.burst().of(amount.get())).unwrap_or(NonZeroU64::MIN);
        quotas.with(dimension, Quota::per_minute(amount).with_burst(burst))
    })
}

fn count(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}

/// Who is asked twice.
pub(super) fn hedge(settings: &HedgeSettings) -> HedgePolicy {
    if !settings.enabled() {
        return HedgePolicy::never();
    }
    let policy = HedgePolicy::default()
        .with_percentile(settings.percentile().millionths())
        .with_max_extra(settings.max_extra().millionths(), HEDGE_RESERVE);
    match settings.delay() {
        Some(delay) => policy.with_delay(delay),
        None => policy,
    }
}

/// Tokens that second attempts may use whatever their share says: else none would be made before
/// twenty times as many were used by first ones. No setting: each is paid from the budget of the
/// retries too, whose reserve is one.
const HEDGE_RESERVE: u64 = 100_000;

#[cfg(test)]
mod tests;
