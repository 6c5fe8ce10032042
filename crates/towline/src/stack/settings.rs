//! From settings to layers.

use std::time::Duration;
use towline_config::{
    ProviderSettings,
    stack::{GuardSettings, TimeoutSettings},
};
use towline_core::Request;
use towline_layers::{
    guard::Guard,
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
