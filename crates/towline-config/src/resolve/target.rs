//! The settings of the layers around a call that one provider may have for itself, and hedging.

use super::{book::of_key, section::Sections, select::key};
use crate::{
    error::Fault,
    key::Typed,
    stack::{
        AdaptiveSignal, BreakerSettings, ConcurrencySettings, FIRST_TOKEN, HedgeSettings, Jitter,
        LimitMode, LimitSettings, REASONING_FIRST_TOKEN, Rates, Ratio, Refund, RetrySettings,
        TargetSettings, TimeoutSettings,
    },
};
use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

// === impl Sections ===

// The table has a default for each key that is asked for without an `Option`, and its test holds
// that; what stands here in place of a missing one is for the reader.
impl Sections<'_> {
    /// The values in force for one provider.
    pub(super) fn target(&self) -> TargetSettings {
        TargetSettings {
            timeout: self.timeout(),
            retry: self.retry(),
            limit: self.limit(),
            concurrency: ConcurrencySettings {
                max: self.small_cap("concurrency.max"),
                adaptive: self.is_on("concurrency.adaptive"),
                min: self.small("concurrency.min"),
                initial: self.small_cap("concurrency.initial"),
                signal: match self.text("concurrency.signal").as_deref() {
                    Some("first_token") => AdaptiveSignal::FirstToken,
                    _ => AdaptiveSignal::Loss,
                },
            },
            breaker: self.breaker(),
            weight: self.small("balance.weight"),
            exchange_pause: self.span("timeouts.stream"),
        }
    }

    fn timeout(&self) -> TimeoutSettings {
        let total = self.duration("timeout.total");
        let (first_token, reasoning_first_token) = match self.set_value("timeout.first_token") {
            Some(Typed::Duration(limit)) => (Some(limit), Some(limit)),
            Some(_) => (None, None),
            None => (Some(FIRST_TOKEN), Some(REASONING_FIRST_TOKEN)),
        };
        TimeoutSettings {
            total,
            stream_total: total.filter(|_| self.set_value("timeout.total").is_some()),
            first_token,
            reasoning_first_token,
            idle: self.duration("timeout.idle"),
            progress: self.duration("timeout.progress"),
            attempt: self.duration("timeout.attempt"),
        }
    }

    fn retry(&self) -> RetrySettings {
        RetrySettings {
            max_attempts: self.small("retry.max_attempts"),
            base_delay: self.span("retry.base_delay"),
            max_delay: self.span("retry.max_delay"),
            jitter: match self.text("retry.jitter").as_deref() {
                Some("decorrelated") => Jitter::Decorrelated,
                _ => Jitter::Full,
            },
            hint_cap: self.span("retry.hint_cap"),
            budget_ratio: self.ratio("retry.budget_ratio"),
            budget_reserve: self.count("retry.budget_reserve").unwrap_or_default(),
            min_attempt: self.span("retry.min_attempt"),
        }
    }

    fn limit(&self) -> LimitSettings {
        LimitSettings {
            rates: self.rates("limit"),
            burst: self.ratio("limit.burst"),
            mode: match self.text("limit.mode").as_deref() {
                Some("reject") => LimitMode::Reject,
                _ => LimitMode::Wait,
            },
            max_wait: self.duration("limit.max_wait"),
            max_queued: self.number("limit.max_queued").unwrap_or_default(),
            refund: match self.text("limit.refund").as_deref() {
                Some("naive") => Refund::Naive,
                Some("min_deficit") => Refund::MinDeficit,
                _ => Refund::Replay,
            },
            learn: self.is_on("limit.learn"),
        }
    }

    pub(super) fn rates(&self, group: &str) -> Rates {
        let rate = |what: &str| self.cap(&format!("{group}.{what}_per_minute"));
        Rates {
            requests: rate("requests"),
            tokens: rate("tokens"),
            input_tokens: rate("input_tokens"),
            output_tokens: rate("output_tokens"),
        }
    }

    fn breaker(&self) -> BreakerSettings {
        BreakerSettings {
            enabled: self.is_on("breaker.enabled"),
            failures: self.small("breaker.failures"),
            ratio: self.ratio("breaker.ratio"),
            window: self.span("breaker.window"),
            min_requests: self.small("breaker.min_requests"),
            cooldown: self.span("breaker.cooldown"),
            max_cooldown: self.span("breaker.max_cooldown"),
            probes: self.small("breaker.probes"),
            successes: self.small("breaker.successes"),
        }
    }

    pub(super) fn hedge(&self) -> HedgeSettings {
        HedgeSettings {
            enabled: self.is_on("hedge.enabled"),
            delay: self.duration("hedge.delay"),
            percentile: self.ratio("hedge.percentile"),
            max_extra: self.ratio("hedge.max_extra"),
        }
    }

    /// Values that are right one by one and cannot be had together.
    pub(super) fn contradictions(&self, target: &TargetSettings) -> Vec<Fault> {
        let (retry, breaker, slots) = (&target.retry, &target.breaker, &target.concurrency);
        let mut faults = Vec::new();
        let mut ordered = |low: &str, high: &str, wrong: bool, values: [String; 2]| {
            if wrong && ![low, high].iter().any(|field| self.is_bad_in_force(field)) {
                faults.push(self.disorder(low, high, &values));
            }
        };
        ordered(
            "retry.base_delay",
            "retry.max_delay",
            retry.base_delay > retry.max_delay,
            [retry.base_delay, retry.max_delay].map(|delay| format!("{delay:?}")),
        );
        ordered(
            "breaker.cooldown",
            "breaker.max_cooldown",
            breaker.cooldown > breaker.max_cooldown,
            [breaker.cooldown, breaker.max_cooldown].map(|cooldown| format!("{cooldown:?}")),
        );
        let bounds = [
            (
                "concurrency.min",
                Some(slots.min),
                "concurrency.max",
                slots.max,
            ),
            (
                "concurrency.min",
                Some(slots.min),
                "concurrency.initial",
                slots.initial,
            ),
            (
                "concurrency.initial",
                slots.initial,
                "concurrency.max",
                slots.max,
            ),
        ];
        for (low, least, high, most) in bounds {
            if let (Some(least), Some(most)) = (least, most) {
                ordered(
                    low,
                    high,
                    least > most,
                    [least, most].map(|n| n.to_string()),
                );
            }
        }
        faults
    }

    /// The fault of `low` being above `high`, told of the one that somebody set.
    fn disorder(&self, low: &str, high: &str, [is, most]: &[String; 2]) -> Fault {
        let origins = [low, high].map(|field| self.origin_of(field));
        // What nobody set has the default of the whole program's key.
        let named = |field: &str, origin: &Option<String>| match origin {
            Some(_) => self.key_of(field),
            None => key(field),
        };
        let [lower_origin, upper_origin] = &origins;
        let (lower, upper) = (named(low, lower_origin), named(high, upper_origin));
        let (blamed, origin) = match origins.into() {
            (None, Some(origin)) => (&upper, Some(origin)),
            (origin, _) => (&lower, origin),
        };
        let problem = format!(
            "{} of {is} is above {} of {most}",
            lower.full(),
            upper.full()
        );
        let fault = of_key(blamed, problem, "lower the first, or raise the second");
        match origin {
            Some(origin) => fault.with_origin(origin),
            None => fault,
        }
    }

    pub(super) fn is_on(&self, field: &str) -> bool {
        self.flag(field).unwrap_or_default()
    }

    pub(super) fn span(&self, field: &str) -> Duration {
        self.duration(field).unwrap_or_default()
    }

    fn ratio(&self, field: &str) -> Ratio {
        match self.value(field) {
            Some(Typed::Ratio(ratio)) => ratio,
            _ => Ratio::ZERO,
        }
    }

    pub(super) fn cap(&self, field: &str) -> Option<NonZeroU64> {
        NonZeroU64::new(self.count(field)?)
    }

    fn number(&self, field: &str) -> Option<u32> {
        u32::try_from(self.count(field)?).ok()
    }

    fn small_cap(&self, field: &str) -> Option<NonZeroU32> {
        NonZeroU32::new(self.number(field)?)
    }

    fn small(&self, field: &str) -> NonZeroU32 {
        self.small_cap(field).unwrap_or(NonZeroU32::MIN)
    }
}
