//! What is allowed and probably not meant.

mod several;

use super::{StackSettings, TargetSettings};
use std::{fmt, time::Duration};

/// A warning about settings that are valid one by one and make little sense together.
///
/// `Display` prints `name: message (keys)`.
///
/// # Examples
///
/// ```
/// use towline_config::Loader;
///
/// let stack = Loader::new().set("towline.timeout.idle=5 s").load()?.stack()?;
/// let lints = stack.lints();
/// assert_eq!(lints[0].name(), "idle-cuts-thinking");
/// assert_eq!(lints[0].keys(), ["towline.timeout.idle"]);
/// # Ok::<(), towline_config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lint {
    name: &'static str,
    keys: Vec<String>,
    message: String,
}

/// Models that think send nothing for longer than this.
const THINKING: Duration = Duration::from_secs(30);

/// A clock of this or more is set by somebody who wants none.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The names of all lints and when they speak, for the reference page.
pub(crate) const LINTS: &[(&str, &str)] = &[
    (
        "total-before-first-token",
        "`timeout.total` is below `timeout.first_token`, or below what that is where the selected model \
         reasons",
    ),
    (
        "retry-delay-beyond-total",
        "`retry.max_delay` is above `timeout.total`",
    ),
    (
        "no-time-for-a-retry",
        "`retry.min_attempt` leaves no room in `timeout.total`",
    ),
    (
        "limit-wait-beyond-total",
        "`limit.max_wait` is above `timeout.total`",
    ),
    ("idle-cuts-thinking", "`timeout.idle` is below 30 s"),
    (
        "exchange-clock-first",
        "`timeouts.stream` is below `timeout.first_token` or `timeout.idle`, or one of these is off",
    ),
    (
        "limit-burst-below-one",
        "`limit.burst` is 0, or less than one request",
    ),
    (
        "hedge-after-deadline",
        "`hedge.delay` is not below `timeout.total`",
    ),
    (
        "hedge-after-first-token",
        "`hedge.delay` is not below `timeout.first_token`",
    ),
    (
        "hedge-without-second-deployment",
        "`hedge.enabled`, and `balance.deployments` adds none",
    ),
    (
        "breaker-without-alternative",
        "a key of `breaker` is set, and there is one deployment and no fallback",
    ),
    (
        "attempts-multiply",
        "attempts of all targets, hedged ones too, are more than 10",
    ),
    (
        "stall-takes-total",
        "with a `fallback`, what an attempt may take reaches `timeout.total`",
    ),
    (
        "retry-of-a-deployment",
        "a key of `retry` is set for a provider that is only in `balance.deployments`",
    ),
    (
        "continue-without-fallback",
        "`fallback_continue`, and `fallback` is empty",
    ),
    (
        "filtered-without-fallback",
        "`fallback_filtered`, and `fallback` is empty",
    ),
    (
        "target-repeated",
        "`fallback` or `balance.deployments` names a target twice",
    ),
];

/// All lints of a stack: of the program's own values, then of the providers that differ from them.
pub(super) fn of(stack: &StackSettings) -> Vec<Lint> {
    let mut lints = of_target(&stack.target, stack);
    lints.extend(several::of(stack));
    let providers = stack.selected.iter().chain(&stack.deployments);
    for provider in providers.chain(&stack.fallback) {
        let own = provider.target();
        if *own == stack.target {
            continue;
        }
        for mut lint in of_target(own, stack) {
            if !lints
                .iter()
                .any(|known| known.message.ends_with(&lint.message))
            {
                lint.message = format!("for {}: {}", provider.name(), lint.message);
                lints.push(lint);
            }
        }
    }
    lints
}

/// The lints of the values that one provider has.
fn of_target(target: &TargetSettings, stack: &StackSettings) -> Vec<Lint> {
    let checks = [
        total_before_first_token(target, stack),
        retry_delay_beyond_total(target),
        no_time_for_an_attempt(target),
        wait_beyond_total(target),
        idle_cuts_thinking(target),
        exchange_clock_first(target),
        burst_below_one(target),
        hedge_after_deadline(target, stack),
        hedge_after_first_token(target, stack),
    ];
    checks.into_iter().flatten().collect()
}

fn total_before_first_token(target: &TargetSettings, stack: &StackSettings) -> Option<Lint> {
    let clock = target.timeout;
    // A model that reasons has a default of its own, and a stream has no total unless one is set.
    let selected = stack.selected.as_ref();
    let selected = selected.filter(|selected| selected.target().timeout == clock);
    let thinking = selected.filter(|selected| several::reasons(selected));
    let thinking = thinking.and_then(several::first_token);
    let clocks = [
        (clock.stream_total, thinking, "of a model that reasons "),
        (clock.total, clock.first_token, ""),
    ];
    let (total, first, whose) = clocks.into_iter().find_map(|(total, first, whose)| {
        let (total, first) = total.zip(first)?;
        (total < first).then_some((total, first, whose))
    })?;
    Some(Lint::new(
        "total-before-first-token",
        &["timeout.total", "timeout.first_token"],
        format!(
            "a call ends after {total:?} in all, and its first token {whose}may take {first:?}: raise \
             the total, or lower the other"
        ),
    ))
}

fn retry_delay_beyond_total(target: &TargetSettings) -> Option<Lint> {
    let (total, delay) = (target.timeout.total?, target.retry.max_delay);
    (delay > total && target.retries()).then(|| {
        Lint::new(
            "retry-delay-beyond-total",
            &["retry.max_delay", "timeout.total"],
            format!(
                "a pause before a retry may grow to {delay:?}, and the whole call ends after \
                 {total:?}: lower the pause, or raise the total"
            ),
        )
    })
}

fn no_time_for_an_attempt(target: &TargetSettings) -> Option<Lint> {
    let (total, least) = (target.timeout.total?, target.retry.min_attempt);
    (least >= total && target.retries()).then(|| {
        Lint::new(
            "no-time-for-a-retry",
            &["retry.min_attempt", "timeout.total"],
            format!(
                "a retry needs {least:?} before the deadline, and the whole call has {total:?}, so \
                 there is never one: lower the first, or raise the total"
            ),
        )
    })
}

fn wait_beyond_total(target: &TargetSettings) -> Option<Lint> {
    let (total, wait) = (target.timeout.total?, target.limit.max_wait?);
    (wait > total).then(|| {
        Lint::new(
            "limit-wait-beyond-total",
            &["limit.max_wait", "timeout.total"],
            format!(
                "a call may wait {wait:?} for its turn, and ends after {total:?} in all: lower the \
                 wait, or leave it out"
            ),
        )
    })
}

fn idle_cuts_thinking(target: &TargetSettings) -> Option<Lint> {
    let idle = target.timeout.idle?;
    (idle < THINKING).then(|| {
        Lint::new(
            "idle-cuts-thinking",
            &["timeout.idle"],
            format!(
                "a stream that has begun is cut after {idle:?} of silence, and models that think or \
                 write a tool call are silent for longer: use 30 s or more"
            ),
        )
    })
}

fn exchange_clock_first(target: &TargetSettings) -> Option<Lint> {
    let (clock, pause) = (target.timeout, target.exchange_pause);
    // The wait of reasoning models is only looked at where somebody set it: then it is both.
    let longer = [
        ("timeout.first_token", clock.first_token),
        ("timeout.idle", clock.idle),
    ];
    let (key, longer) = longer
        .into_iter()
        .find(|(_, limit)| limit.map_or(pause < FOR_EVER, |limit| limit > pause))?;
    let whose = match longer {
        Some(longer) => format!("before the {longer:?} of {key}"),
        None => format!("and {key} is off"),
    };
    Some(Lint::new(
        "exchange-clock-first",
        &[key, "timeouts.stream"],
        format!(
            "the older clock of one exchange ends a stream after {pause:?} of silence, {whose}: raise \
             timeouts.stream too"
        ),
    ))
}

fn burst_below_one(target: &TargetSettings) -> Option<Lint> {
    let burst = target.limit.burst;
    let rates = target.limit.rates;
    let requests = rates.requests.map(|rate| burst.of(rate.get()));
    let none_at_once = !rates.is_unlimited() && burst.millionths() == 0;
    (none_at_once || requests == Some(0)).then(|| {
        Lint::new(
            "limit-burst-below-one",
            &["limit.burst"],
            format!(
                "a burst of {burst} of a minute's amount is less than one request, so calls go out \
                 one by one at even distances: use 1, or a share that holds at least one"
            ),
        )
    })
}

fn hedge_after_deadline(target: &TargetSettings, stack: &StackSettings) -> Option<Lint> {
    let (total, delay) = (target.timeout.total?, stack.hedge.delay?);
    (stack.hedge.enabled && delay >= total).then(|| {
        Lint::new(
            "hedge-after-deadline",
            &["hedge.delay", "timeout.total"],
            format!(
                "the second attempt starts after {delay:?}, and the call ends after {total:?}, so \
                 there is never one: lower the delay, or leave it out"
            ),
        )
    })
}

fn hedge_after_first_token(target: &TargetSettings, stack: &StackSettings) -> Option<Lint> {
    let (first, delay) = (target.timeout.first_token?, stack.hedge.delay?);
    (stack.hedge.enabled && delay >= first).then(|| {
        Lint::new(
            "hedge-after-first-token",
            &["hedge.delay", "timeout.first_token"],
            format!(
                "the second attempt starts after {delay:?}, and the first is given up after \
                 {first:?} without a token: lower the delay, or leave it out"
            ),
        )
    })
}

// === impl Lint ===

impl Lint {
    fn new(name: &'static str, keys: &[&str], message: String) -> Self {
        Self {
            name,
            keys: keys.iter().map(|key| format!("towline.{key}")).collect(),
            message,
        }
    }

    /// The name, which stays the same from version to version: `idle-cuts-thinking`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The keys that are at odds, with their root.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// What happens with these settings, and the remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, message) = (self.name, &self.message);
        write!(f, "{name}: {message} ({})", self.keys.join(", "))
    }
}

// === impl TargetSettings ===

impl TargetSettings {
    /// Whether there is a second attempt at all.
    const fn retries(&self) -> bool {
        self.retry.max_attempts.get() > 1
    }
}
