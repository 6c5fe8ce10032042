//! A timer that costs nothing until somebody waits.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    ptr,
    task::{Context, Poll, RawWakerVTable, Waker},
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::Error;

/// Wakes its task at a moment that may move. It is set where something is pending, and moved only
/// when it rings: moving it for each event of a stream costs more than one late look.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// What an alarm does about a pending call.
enum Look {
    /// The moment has passed.
    Over,
    /// It wakes the task then.
    Set(Instant),
    /// There is no moment to wait for.
    Idle,
}

thread_local! {
    /// The alarm that [`within`] set last, until it is gone.
    static LAST: Cell<Option<Set>> = const { Cell::new(None) };
}

/// An alarm that was set, as others see it.
#[derive(Clone, Copy)]
struct Set {
    at: Instant,
    waker: (*const (), &'static RawWakerVTable),
}

/// Resolves to what `call` comes to, or to `late` once the moment that `due` tells has passed. `due` is
/// asked first when the call is pending.
///
/// Clocks lie in each other, and the inner one mostly ends first. While that is set for the same task, the
/// task is woken then anyway and looks here again, so that one timer does for all. A call that was polled
/// in one task and goes on in another has to be polled from outside there.
pub(super) fn within<A>(
    mut call: Pin<&mut impl Future<Output = Result<A, Error>>>,
    mut due: impl FnMut() -> Option<Instant>,
    late: impl Fn() -> Error,
) -> impl Future<Output = Result<A, Error>> {
    let mut alarm = Alarm::default();
    poll_fn(move |cx| {
        // What was set before may be gone, or be set anew.
        LAST.set(None);
        // The answer is polled first: one that is there is never thrown away.
        if let Poll::Ready(result) = call.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        if let Some(inner) = LAST.get().filter(|set| set.wakes(cx.waker()))
            && due().is_none_or(|due| inner.at <= due)
        {
            return Poll::Pending;
        }
        match alarm.look(cx, &mut due) {
            Look::Over => return Poll::Ready(Err(late())),
            Look::Set(at) => LAST.set(Some(Set::new(at, cx.waker()))),
            Look::Idle => {}
        }
        Poll::Pending
    })
}

// === impl Alarm ===

impl Alarm {
    /// Ready once the moment that `due` tells has passed. It is asked again whenever the timer rings.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        due: impl FnMut() -> Option<Instant>,
    ) -> Poll<()> {
        match self.look(cx, due) {
            Look::Over => Poll::Ready(()),
            Look::Set(_) | Look::Idle => Poll::Pending,
        }
    }

    fn look(&mut self, cx: &mut Context<'_>, mut due: impl FnMut() -> Option<Instant>) -> Look {
        let Some(first) = due() else {
            return Look::Idle;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(first)));
        // A moment that came nearer cannot wait for the old one.
        if first < sleep.deadline() {
            sleep.as_mut().reset(first);
        }
        loop {
            if sleep.as_mut().poll(cx).is_pending() {
                return Look::Set(sleep.deadline());
            }
            let Some(due) = due() else {
                return Look::Idle;
            };
            if due <= sleep.deadline() {
                return Look::Over;
            }
            sleep.as_mut().reset(due);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.sleep.is_some() {
            LAST.set(None);
        }
    }
}

// === impl Set ===

impl Set {
    fn new(at: Instant, waker: &Waker) -> Self {
        Self {
            at,
            waker: (waker.data(), waker.vtable()),
        }
    }

    /// Whether it wakes the same task as `waker`. It may do so where this says no.
    fn wakes(&self, waker: &Waker) -> bool {
        let (data, vtable) = self.waker;
        ptr::eq(data, waker.data()) && ptr::eq(vtable, waker.vtable())
    }
}

#[cfg(test)]
mod tests;
