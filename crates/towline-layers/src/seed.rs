//! Randomness that a simulation can repeat, and that no two calls share.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};
use towline_core::Context;

/// Gives each call a seed of its own.
#[derive(Debug, Default)]
pub(crate) struct Seeds {
    next: AtomicU64,
}

/// The randomness of one call: `SplitMix64`.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: u64,
}

// === impl Seeds ===

impl Seeds {
    pub(crate) const fn starting_at(seed: u64) -> Self {
        Self {
            next: AtomicU64::new(seed),
        }
    }

    /// Starts anywhere: two processes, or two layers of one, do not draw the same.
    pub(crate) fn random() -> Self {
        Self::starting_at(RandomState::new().build_hasher().finish())
    }

    /// The randomness of the call with `context`: from its own seed, where it has one.
    pub(crate) fn rng(&self, context: &Context) -> Rng {
        let seed = match context.seed() {
            0 => self.next.fetch_add(1, Ordering::Relaxed),
            seed => seed,
        };
        Rng::new(seed)
    }
}

// === impl Rng ===

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..bound`, all equally likely but for one part in 2^64 / `bound`. 0 where `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        // The upper half of a product of two u64 fits a u64.
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}
