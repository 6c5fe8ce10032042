//! Spawned work that nobody forgets: a [`Task`] is aborted when its handle is dropped.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::task::JoinHandle;

/// The handle of a spawned task. Dropping it aborts the task at its next await.
#[derive(Debug)]
pub struct Task<T> {
    handle: JoinHandle<T>,
}

/// Runs `future` on the current runtime for as long as the returned handle lives.
///
/// # Panics
///
/// Outside a tokio runtime.
#[must_use = "dropping the handle aborts the task"]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that spawns: the handle aborts on drop"
    )]
    let handle = tokio::task::spawn(future);
    Task { handle }
}

/// Puts the future that `make` makes on the heap, and makes it there. `Box::pin` makes it on the stack, and
/// the compiler does not see that it need not: a large one is copied once more.
#[inline]
pub fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::into_pin(Box::write(Box::new_uninit(), make()))
}

// === impl Task ===

impl<T> Task<T> {
    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Stops the task at its next await.
    pub fn abort(&self) {
        self.handle.abort();
    }
}

/// Resolves to the task's output, or to `None` when it panicked or was aborted.
///
/// # Cancel safety
///
/// Dropping the future drops the handle, which aborts the task.
impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx).map(Result::ok)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
