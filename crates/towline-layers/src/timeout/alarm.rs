//! A timer that costs nothing until somebody waits.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::Error;

/// Wakes its task at a moment that may move. It is set where something is pending, and moved only
/// when it rings: moving it for each event of a stream costs more than one late look.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Resolves to what `call` comes to, or to `late` once the moment that `due` tells has passed. `due` is
/// asked first when the call is pending.
pub(super) fn within<A>(
    mut call: Pin<&mut impl Future<Output = Result<A, Error>>>,
    mut due: impl FnMut() -> Option<Instant>,
    late: impl Fn() -> Error,
) -> impl Future<Output = Result<A, Error>> {
    let mut alarm = Alarm::default();
    poll_fn(move |cx| {
        // The answer is polled first: one that is there is never thrown away.
        if let Poll::Ready(result) = call.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        ready!(alarm.poll(cx, &mut due));
        Poll::Ready(Err(late()))
    })
}

// === impl Alarm ===

impl Alarm {
    /// Ready once the moment that `due` tells has passed. It is asked again whenever the timer rings.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut due: impl FnMut() -> Option<Instant>,
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
