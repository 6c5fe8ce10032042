//! A timer that costs nothing until somebody waits.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes its task at a moment that may move. It is set where something is pending, and moved only
/// when it rings: moving it for each event of a stream costs more than one late look.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

// === impl Alarm ===

impl Alarm {
    /// Ready once the moment that `due` tells has passed. It is asked again whenever the timer rings.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        due: impl Fn() -> Option<Instant>,
    ) -> Poll<()> {
        let Some(first) = due() else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(first)));
        // A moment that came nearer cannot wait for the old one.
        if first < sleep.deadline() {
            sleep.as_mut().reset(first);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            let Some(due) = due() else {
                return Poll::Pending;
            };
            if due <= sleep.deadline() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}
