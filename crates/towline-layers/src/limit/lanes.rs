//! The keys in use.

use super::{Bucket, Key, LimitConfig, LimitKey, Store, lane::Lane};
use crate::{
    handle::Handle,
    sync::{Mutex, lock},
};
use std::{
    borrow::Borrow,
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};
use towline_core::Metered;

/// How many keys there may be before the first look for idle ones.
const FEW: usize = 64;

pub(super) struct Lanes<S: Store> {
    store: S,
    /// The lane of all calls, where they share one.
    shared: Option<Arc<Lane<S::Bucket>>>,
    // The key that was asked for first, which is often the only one: found without a lock, and never
    // forgotten.
    first: OnceLock<(Key, Arc<Lane<S::Bucket>>)>,
    keyed: Mutex<Keyed<S::Bucket>>,
}

struct Keyed<B> {
    lanes: HashMap<Key, Arc<Lane<B>>>,
    /// How many keys there may be before the next look for idle ones.
    sweep_at: usize,
}

/// A key, or the parts of one, so that a look-up copies nothing.
trait Parts {
    fn parts(&self) -> (&str, &str);
}

// === impl Lanes ===

impl<S: Store> Lanes<S> {
    pub(super) fn new(store: S, config: &LimitConfig) -> Self {
        let lane = || Arc::new(Lane::new(store.bucket(&Key::default()), config));
        let shared = config.key.is_shared().then(lane);
        Self {
            store,
            shared,
            first: OnceLock::new(),
            keyed: Mutex::new(Keyed {
                lanes: HashMap::new(),
                sweep_at: FEW,
            }),
        }
    }

    /// The lane of `request`.
    pub(super) fn get<Req: Metered>(
        &self,
        config: &LimitConfig,
        request: &Req,
    ) -> Handle<'_, Lane<S::Bucket>> {
        if let Some(lane) = &self.shared {
            return Handle::Borrowed(lane);
        }
        let (model, tenant) = (request.model(), request.context().tenant());
        if let LimitKey::By(name) = &config.key {
            let name = name(model, tenant);
            return self.lane(config, (name.as_str(), ""));
        }
        self.lane(config, config.key.parts(model, tenant))
    }

    fn lane(&self, config: &LimitConfig, parts: (&str, &str)) -> Handle<'_, Lane<S::Bucket>> {
        if let Some(lane) = self.first_if(parts) {
            return Handle::Borrowed(lane);
        }
        let mut keyed = lock(&self.keyed);
        // Somebody else may have made it meanwhile.
        if let Some(lane) = self.first_if(parts) {
            return Handle::Borrowed(lane);
        }
        if let Some(lane) = keyed.lanes.get(&parts as &dyn Parts) {
            return Handle::Owned(Arc::clone(lane));
        }
        if keyed.lanes.len() >= keyed.sweep_at {
            keyed.sweep();
        }
        let key = Key::of_parts(parts);
        let lane = Arc::new(Lane::new(self.store.bucket(&key), config));
        if self.first.get().is_none() {
            let first = self.first.get_or_init(|| (key, lane));
            return Handle::Borrowed(&first.1);
        }
        keyed.lanes.insert(key, Arc::clone(&lane));
        Handle::Owned(lane)
    }

    fn first_if(&self, parts: (&str, &str)) -> Option<&Arc<Lane<S::Bucket>>> {
        let (key, lane) = self.first.get()?;
        let (model, tenant) = key.parts();
        (is_same(model, parts.0) && is_same(tenant, parts.1)).then_some(lane)
    }

    pub(super) const fn store(&self) -> &S {
        &self.store
    }

    pub(super) fn count(&self) -> usize {
        let others = usize::from(self.shared.is_some()) + usize::from(self.first.get().is_some());
        lock(&self.keyed).lanes.len() + others
    }

    pub(super) fn for_each(&self, mut f: impl FnMut(&Lane<S::Bucket>)) {
        let first = self.first.get().map(|(_, lane)| lane);
        for lane in self.shared.iter().chain(first) {
            f(lane);
        }
        let lanes: Vec<_> = lock(&self.keyed).lanes.values().cloned().collect();
        for lane in lanes {
            f(&lane);
        }
    }
}

/// Whether two names are equal. One of them is often empty, and to compare what is empty takes 90 ns
/// where the C library does it with masked loads: nothing is mapped where an empty text points to.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

impl<S: Store> fmt::Debug for Lanes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes")
            .field("store", &self.store)
            .field("keys", &self.count())
            .finish_non_exhaustive()
    }
}

// === impl Keyed ===

impl<B: Bucket> Keyed<B> {
    /// Forgets the keys that nobody uses and whose buckets are full: a new one grants no more.
    fn sweep(&mut self) {
        // Handles are made under the lock of the map: who has none now will ask for a new one.
        self.lanes
            .retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.bucket.is_idle());
        self.sweep_at = (self.lanes.len() * 2).max(FEW);
        self.lanes.shrink_to(self.sweep_at);
    }
}

// === impl Parts ===

impl Parts for Key {
    fn parts(&self) -> (&str, &str) {
        (&self.model, &self.tenant)
    }
}

impl Parts for (&str, &str) {
    fn parts(&self) -> (&str, &str) {
        *self
    }
}

impl<'a> Borrow<dyn Parts + 'a> for Key {
    fn borrow(&self) -> &(dyn Parts + 'a) {
        self
    }
}

impl PartialEq for dyn Parts + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Parts + '_ {}

impl Hash for dyn Parts + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}
