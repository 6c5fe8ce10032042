//! Which deployments a call was sent to.

use crate::Text;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The deployments that a call was sent to, in their order. Clones are one list.
///
/// A layer that may send the call once more, beside or after the first time, puts one into the
/// [`Context`](crate::Context); whoever picks among deployments writes into it; and the second request
/// [avoids](crate::Context::avoid) what is in it.
///
/// # Examples
///
/// ```
/// use towline_core::{Context, Picks};
///
/// let picks = Picks::new();
/// let mut first = Context::new();
/// first.set_picks(picks.clone());
/// // The balancer, inside:
/// if let Some(picks) = first.picks() {
///     picks.push("eu-west".into());
/// }
/// assert_eq!(picks.names(), ["eu-west"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Picks {
    names: Arc<Mutex<Vec<Text>>>,
}

// === impl Picks ===

impl Picks {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `deployment` is asked.
    pub fn push(&self, deployment: Text) {
        self.lock().push(deployment);
    }

    /// Those that were asked so far.
    #[must_use]
    pub fn names(&self) -> Vec<Text> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Text>> {
        // Nothing panics while it is held.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
