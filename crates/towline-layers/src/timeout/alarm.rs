//! A timer that costs nothing until somebody waits.

use pin_project_lite::pin_project;
use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    ptr,
    task::{Context, Poll, RawWakerVTable, Waker},
};
use tokio::time::{Instant, Sleep, sleep_until};
use towline_core::Error;

/// Wakes its task at a moment that may move. It is set where something is pending, and moved only
/// when it rings: moving it for each event of a stream costs more than one late look.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    // On the heap where somebody waits, so that what does not is small to move.
    near: Option<Pin<Box<Near>>>,
}

pin_project! {
    /// The same, which lies with what is pending.
    #[derive(Debug, Default)]
    struct Near {
        #[pin]
        sleep: Option<Sleep>,
    }

    impl PinnedDrop for Near {
        fn drop(this: Pin<&mut Self>) {
            if this.sleep.is_some() {
                LAST.set(None);
            }
        }
    }
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
pub(super) async fn within<A>(
    mut call: Pin<&mut impl Future<Output = Result<A, Error>>>,
    mut due: impl FnMut() -> Option<Instant>,
    late: impl Fn() -> Error,
) -> Result<A, Error> {
    let mut alarm = pin!(Near::default());
    poll_fn(|cx| {
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
        match alarm.as_mut().look(cx, &mut due) {
            Look::Over => return Poll::Ready(Err(late())),
            Look::Set(at) => LAST.set(Some(Set::new(at, cx.waker()))),
            Look::Idle => {}
        }
        Poll::Pending
    })
    .await
}

// === impl Alarm ===

impl Alarm {
    /// Ready once the moment that `due` tells has passed. It is asked again whenever the timer rings.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        due: impl FnMut() -> Option<Instant>,
    ) -> Poll<()> {
        let near = self.near.get_or_insert_with(|| Box::pin(Near::default()));
        match near.as_mut().look(cx, due) {
            Look::Over => Poll::Ready(()),
            Look::Set(_) | Look::Idle => Poll::Pending,
        }
    }
}

// === impl Near ===

impl Near {
    fn look(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut due: impl FnMut() -> Option<Instant>,
    ) -> Look {
        let Some(first) = due() else {
            return Look::Idle;
        };
        let mut place = self.project().sleep;
        if place.is_none() {
            place.set(Some(sleep_until(first)));
        }
        let Some(mut sleep) = place.as_pin_mut() else {
            return Look::Idle;
        };
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
