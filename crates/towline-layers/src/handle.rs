//! What a call and its answer share with all others.

use std::{ops::Deref, sync::Arc};

#[cfg(any(feature = "balance", feature = "breaker"))]
use towline_core::{Answer, Watch};

/// What a call and its answer share with all others: borrowed while somebody keeps it for them, their
/// own where they may outlive him.
#[derive(Debug)]
pub(crate) enum Handle<'a, T> {
    Borrowed(&'a Arc<T>),
    Owned(Arc<T>),
}

// === impl Handle ===

#[cfg(any(
    feature = "balance",
    feature = "breaker",
    feature = "drain",
    feature = "limit"
))]
impl<T> Handle<'_, T> {
    /// One that borrows nothing.
    pub(crate) fn to_owned(&self) -> Handle<'static, T> {
        Handle::Owned(self.share())
    }

    pub(crate) fn share(&self) -> Arc<T> {
        match self {
            Self::Borrowed(shared) => Arc::clone(shared),
            Self::Owned(shared) => Arc::clone(shared),
        }
    }
}

impl<T> Deref for Handle<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(shared) => shared,
            Self::Owned(shared) => shared,
        }
    }
}

/// Has `watch` follow `answer`: to its end where all of it is there, which takes nothing that lasts,
/// and else as what `keep` makes of it.
#[cfg(any(feature = "balance", feature = "breaker"))]
pub(crate) fn follow<A, W, K>(answer: &mut A, mut watch: W, keep: impl FnOnce(W) -> K)
where
    A: Answer,
    W: Watch,
    K: Watch + 'static,
{
    if !answer.show_end(&mut watch) {
        answer.watch(keep(watch));
    }
}
