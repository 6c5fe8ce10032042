//! Unit vectors that depend on the text alone.
//!
//! A vector is the sum of one direction per word, so texts that share words are near each other and
//! a search over them finds what one expects.

use crate::seed;

/// The vector of `text`, of length 1.
pub(crate) fn of(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimensions];
    let lower = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric();
    let words = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    // The whole text weighs little: it tells apart what has the same words.
    add(&mut sum, seed::hash(1, text.as_bytes()), 0.1);
    for word in words {
        add(&mut sum, seed::hash(2, word.as_bytes()), 1.0);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter_mut().for_each(|x| *x /= length);
    sum
}

fn add(sum: &mut [f32], seed: u64, weight: f32) {
    let mut draw = seed::Draw::new(seed);
    for part in sum.chunks_mut(4) {
        for (x, more) in part.iter_mut().zip(draw.quad()) {
            *x += more * weight;
        }
    }
}
