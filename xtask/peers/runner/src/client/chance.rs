//! A random order, so that no row is always measured after the same other one.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Puts `items` in random order.
pub(crate) fn shuffle<T>(items: &mut [T]) {
    for left in (1..items.len()).rev() {
        // A fresh state is keyed at random; what is hashed does not matter.
        let drawn = RandomState::new().build_hasher().finish();
        let right = usize::try_from(drawn % (left as u64 + 1)).unwrap_or(0);
        items.swap(left, right);
    }
}
