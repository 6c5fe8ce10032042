//! What the machine takes for what every layer does.

use crate::variant::Variant;
use std::{
    hint::black_box,
    sync::{Mutex, PoisonError},
    time::Instant,
};

pub(crate) fn variants() -> [Variant; 2] {
    let pair = [Mutex::new(0_u64), Mutex::new(0_u64)];
    let locked = move || {
        let [one, other] = &pair;
        let mut one = one.lock().unwrap_or_else(PoisonError::into_inner);
        let mut other = other.lock().unwrap_or_else(PoisonError::into_inner);
        black_box(Instant::now());
        *one = black_box(*one + 1);
        *other = black_box(*other + 1);
    };
    [
        Variant::plain("the clock", || {
            black_box(Instant::now());
        }),
        Variant::plain("two locks and the clock", locked),
    ]
}
