//! Lints about several targets.

use super::Lint;
use crate::{
    provider::ProviderSettings,
    stack::{StackSettings, TargetSettings},
};
use std::time::Duration;
use towline_core::{Metered, Request};

/// Attempts of one call beyond which the settings multiply.
const MANY_ATTEMPTS: u64 = 10;

/// What the targets of a stack and their settings make of each other.
pub(super) fn of(stack: &StackSettings) -> Vec<Lint> {
    let single = [
        breaker_alone(stack),
        hedge_alone(stack),
        attempts_multiply(stack),
    ];
    let single = single.into_iter().flatten();
    let several = stalls(stack).chain(retries_unused(stack));
    let single = single.chain(moves_nowhere(stack));
    single.chain(several).chain(repeated(stack)).collect()
}

/// Says nothing while nobody touched the breaker: the defaults are for programs that grow.
fn breaker_alone(stack: &StackSettings) -> Option<Lint> {
    let keys = &stack.hearsay.breaker_keys;
    let enabled = stack.first_target().breaker.enabled;
    let alone = stack.group_size() < 2 && stack.later_targets().is_empty();
    (enabled && alone && !keys.is_empty()).then(|| Lint {
        name: "breaker-without-alternative",
        keys: keys.clone(),
        message: "with one deployment and no fallback an open breaker has nobody to send calls \
                  to: it holds most of them back and lets some through. Add towline.fallback or \
                  towline.balance.deployments"
            .to_owned(),
    })
}

fn hedge_alone(stack: &StackSettings) -> Option<Lint> {
    (stack.hedge.enabled && stack.group_size() < 2).then(|| {
        Lint::new(
            "hedge-without-second-deployment",
            &["hedge.enabled", "balance.deployments"],
            "a call is never hedged on the same deployment, and there is only one: add \
             towline.balance.deployments, or turn hedging off"
                .to_owned(),
        )
    })
}

fn attempts_multiply(stack: &StackSettings) -> Option<Lint> {
    let hedged = 1 + u64::from(stack.hedge.enabled);
    let attempts = |target: &TargetSettings| u64::from(target.retry.max_attempts.get());
    let later = stack.later_targets();
    let others: u64 = later.iter().map(|target| attempts(target.target())).sum();
    let product = (attempts(stack.first_target()) + others) * hedged;
    (product > MANY_ATTEMPTS).then(|| {
        let hedged = if hedged > 1 { ", each hedged," } else { "" };
        Lint::new(
            "attempts-multiply",
            &["retry.max_attempts", "fallback", "hedge.enabled"],
            format!(
                "one call may become {product} attempts{hedged} over {} targets, all billed: lower \
                 retry.max_attempts, or shorten the list",
                later.len() + 1
            ),
        )
    })
}

/// What moves a call on, where there is nowhere to go.
fn moves_nowhere(stack: &StackSettings) -> impl Iterator<Item = Lint> {
    let moves = [
        (
            stack.moves.broken,
            "continue-without-fallback",
            "fallback_continue",
            "there is no target that could continue a broken stream: list some in towline.fallback",
        ),
        (
            stack.moves.filtered,
            "filtered-without-fallback",
            "fallback_filtered",
            "there is no target to ask what a content filter refused: list some in towline.fallback",
        ),
    ];
    let nowhere = stack.later_targets().is_empty();
    let moves = moves.into_iter().filter(move |(on, ..)| *on && nowhere);
    moves.map(|(_, name, key, message)| Lint::new(name, &[key, "fallback"], message.to_owned()))
}

fn repeated(stack: &StackSettings) -> impl Iterator<Item = Lint> {
    stack.hearsay.repeated.iter().map(|(key, spec)| {
        Lint::new(
            "target-repeated",
            &[key],
            format!("{spec} is there before: it is left out, and can go from the list"),
        )
    })
}

/// Targets with another behind them that may be waited for until the call is over.
fn stalls(stack: &StackSettings) -> impl Iterator<Item = Lint> {
    let timeout = stack.first_target().timeout;
    let (whole, streamed) = (timeout.total, timeout.stream_total);
    let mut targets: Vec<_> = stack.selected.iter().chain(stack.later_targets()).collect();
    // Nobody is behind the last.
    targets.pop();
    targets.into_iter().filter_map(move |target| {
        let clocks = [
            (whole, exchange(target), "timeouts.request"),
            (streamed, first_token(target), "timeout.first_token"),
        ];
        clocks.into_iter().find_map(|(total, clock, key)| {
            let ((total, clock), name) = (total.zip(clock)?, target.name());
            (clock >= total).then(|| {
                Lint::new(
                    "stall-takes-total",
                    &[key, "timeout.total"],
                    format!(
                        "where {name} stalls, which is told after {clock:?}, a call has used up the \
                         {total:?} of its total but for its last part, and the next target has only \
                         that: lower {key}, or raise the total"
                    ),
                )
            })
        })
    })
}

/// How long an attempt may take whose answer is not streamed.
fn exchange(target: &ProviderSettings) -> Option<Duration> {
    let attempt = target.target().timeout.attempt;
    attempt
        .into_iter()
        .chain([target.timeouts().request()])
        .min()
}

/// How long the first token of a stream may take.
pub(super) fn first_token(target: &ProviderSettings) -> Option<Duration> {
    let timeout = target.target().timeout;
    let first = match reasons(target) {
        true => timeout.reasoning_first_token,
        false => timeout.first_token,
    };
    let pause = [target.timeouts().stream()];
    first.into_iter().chain(timeout.attempt).chain(pause).min()
}

/// Whether its model thinks before it speaks, as far as the name says.
pub(super) fn reasons(target: &ProviderSettings) -> bool {
    let model = target.base_model().unwrap_or_else(|| target.model());
    Request::new(model, "").reasons()
}

fn retries_unused(stack: &StackSettings) -> impl Iterator<Item = Lint> {
    stack.hearsay.retry_keys.iter().map(|(name, keys)| Lint {
        name: "retry-of-a-deployment",
        keys: keys.clone(),
        message: format!(
            "{name} only shares the calls of the selected provider, whose retries they are: set \
             the keys of retry there, or for the whole program"
        ),
    })
}
