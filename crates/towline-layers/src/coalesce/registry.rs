//! The calls under way.

use super::{flight::Flight, lock, seat::Seat};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{Arc, Mutex},
};
use towline_core::Request;

/// Calls under way, by the hash of what they ask.
pub(super) struct Registry {
    flights: Mutex<HashMap<u64, Vec<Arc<Flight>>>>,
    hasher: RandomState,
    buffer: usize,
}

// === impl Registry ===

impl Registry {
    pub(super) fn new(buffer: usize) -> Self {
        Self {
            flights: Mutex::default(),
            hasher: RandomState::new(),
            buffer,
        }
    }

    /// A seat in a call under way that asks the same, or in a new one. Says whether it is new, and so
    /// for the caller to make.
    pub(super) fn enter(self: &Arc<Self>, request: &Request) -> (Seat, bool) {
        let hash = self.hash(request);
        let mut flights = lock(&self.flights);
        let equal = flights.entry(hash).or_default();
        let known = equal.iter().find(|flight| flight.join(request));
        let (flight, new) = match known {
            Some(flight) => (Arc::clone(flight), false),
            None => {
                let flight = Arc::new(Flight::new(request.clone(), hash, self.buffer));
                equal.push(Arc::clone(&flight));
                (flight, true)
            }
        };
        drop(flights);
        let deadline = request.context().deadline();
        (Seat::new(Arc::clone(self), flight, deadline), new)
    }

    /// Forgets a call that nobody waits for.
    pub(super) fn remove(&self, flight: &Arc<Flight>) {
        let mut gone = None;
        let mut flights = lock(&self.flights);
        if let Some(equal) = flights.get_mut(&flight.hash()) {
            let place = equal.iter().position(|known| Arc::ptr_eq(known, flight));
            gone = place.map(|place| equal.swap_remove(place));
            if equal.is_empty() {
                flights.remove(&flight.hash());
            }
        }
        drop(flights);
        drop(gone);
    }

    /// How many calls somebody waits for or reads.
    pub(super) fn len(&self) -> usize {
        lock(&self.flights).values().map(Vec::len).sum()
    }

    fn hash(&self, request: &Request) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        request.context().tenant().hash(&mut hasher);
        request.hash_question(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("flights", &self.len())
            .field("buffer", &self.buffer)
            .finish_non_exhaustive()
    }
}
