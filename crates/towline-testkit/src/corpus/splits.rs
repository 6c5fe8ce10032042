//! The ways in which a body may arrive.

use bytes::Bytes;

/// From this length on a body is cut at many places at a time.
const LONG: usize = 20_000;

/// How far apart those are.
const STRIDE: usize = 200;

/// The ways in which a body may arrive, as lists of pieces: whole, byte by byte, and in two pieces
/// at every byte. A body of 20 kB or more is cut at every byte too, but at every two hundredth at once.
#[derive(Clone, Debug)]
pub struct Splits {
    body: Bytes,
    next: usize,
}

// === impl Splits ===

impl Splits {
    /// Every split of `body`.
    #[must_use]
    pub fn of(body: &Bytes) -> Self {
        Self {
            body: body.clone(),
            next: 0,
        }
    }

    /// `body` in pieces of one byte.
    #[must_use]
    pub fn bytes(body: &Bytes) -> Vec<Bytes> {
        (0..body.len()).map(|at| body.slice(at..=at)).collect()
    }

    /// In pieces that begin at `first` and every so many bytes from there.
    fn cut(&self, first: usize) -> Vec<Bytes> {
        let end = self.body.len();
        let cuts = match end < LONG {
            true => vec![first],
            false => (first..end).step_by(STRIDE).collect(),
        };
        let begins = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([end]);
        begins
            .zip(ends)
            .map(|(begin, end)| self.body.slice(begin..end))
            .collect()
    }
}

impl Iterator for Splits {
    type Item = Vec<Bytes>;

    fn next(&mut self) -> Option<Vec<Bytes>> {
        let step = self.next;
        self.next += 1;
        let length = self.body.len();
        match step {
            0 => Some(vec![self.body.clone()]),
            1 if length > 1 => Some(Self::bytes(&self.body)),
            1 => None,
            // Step 2 cuts after the first byte.
            _ => {
                let last = if length < LONG { length } else { STRIDE + 1 };
                let first = step - 1;
                (first < last).then(|| self.cut(first))
            }
        }
    }
}

#[cfg(test)]
mod tests;
