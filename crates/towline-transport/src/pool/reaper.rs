//! Closes connections that were idle for too long, or that their server has closed.

use super::{Pool, State};
use std::sync::{Arc, Weak};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout_at},
};
use towline_core::task;

// === impl Pool ===

impl Pool {
    /// Sees to it that a reaper runs, now that something is idle.
    pub(super) fn start_reaper(self: &Arc<Self>, state: &mut State) {
        // A reaper whose runtime was shut down never says that it stopped.
        let running = state.reaping
            && state
                .reaper
                .as_ref()
                .is_some_and(|task| !task.is_finished());
        // A body may end outside a runtime. The next one that ends inside starts the reaper.
        if running || Handle::try_current().is_err() {
            return;
        }
        let first = Instant::now() + self.idle_timeout;
        state.reaping = true;
        state.reaper = Some(task::spawn(reap(
            Arc::downgrade(self),
            Arc::clone(&self.stirred),
            first,
        )));
    }

    /// Lets go of what is closed. Idle connections have no task: somebody has to look.
    ///
    /// Not under the lock: what reads and writes may be the caller's own.
    fn drop_closed(&self) {
        let mut stirred: Vec<_> = {
            let mut state = self.lock();
            let stirred = state.idle.extract_if(.., |idle| idle.conn.has_stirred());
            stirred.collect()
        };
        for idle in &mut stirred {
            idle.conn.look();
        }
        let (closed, alive): (Vec<_>, Vec<_>) =
            stirred.into_iter().partition(|idle| idle.conn.is_closed());
        let mut state = self.lock();
        for idle in alive {
            let place = state
                .idle
                .partition_point(|other| other.since <= idle.since);
            state.idle.insert(place, idle);
        }
        drop(state);
        drop(closed);
    }

    /// Closes what is due. Returns when the next one is, or `None` when nothing is idle: then the
    /// reaper has to stop.
    fn close_expired(&self) -> Option<Instant> {
        let now = Instant::now();
        let expired = |since: Instant| since + self.idle_timeout <= now;
        let mut state = self.lock();
        let count = state
            .idle
            .iter()
            .take_while(|idle| expired(idle.since))
            .count();
        let closed: Vec<_> = state.idle.drain(..count).collect();
        let shared_since = state.shared.as_ref().and_then(|shared| shared.idle_since);
        let closed_shared = match shared_since {
            Some(since) if expired(since) => state.shared.take(),
            _ => None,
        };
        let oldest = state.idle.first().map(|idle| idle.since);
        let shared_since = state.shared.as_ref().and_then(|shared| shared.idle_since);
        let next = oldest.into_iter().chain(shared_since).min();
        let next = next.map(|since| since + self.idle_timeout);
        if next.is_none() {
            state.reaping = false;
        }
        drop(state);
        drop((closed, closed_shared));
        next
    }
}

async fn reap(pool: Weak<Pool>, stirred: Arc<Notify>, first: Instant) {
    let mut due = first;
    loop {
        let stirs = timeout_at(due, stirred.notified()).await.is_ok();
        // The last channel is gone, and its idle connections with it.
        let Some(pool) = pool.upgrade() else {
            return;
        };
        if stirs {
            pool.drop_closed();
        }
        match pool.close_expired() {
            Some(next) => due = next,
            None => return,
        }
    }
}
