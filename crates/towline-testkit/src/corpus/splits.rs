//! The ways in which a body may arrive.

use bytes::Bytes;

/// From this length on not every place of a cut is tried.
const EVERY_BYTE: usize = 20_000;

/// How many random cuts are tried instead.
const RANDOM: usize = 200;

/// The ways in which a body may arrive, as lists of pieces: whole, byte by byte, and in two pieces
/// at every byte. A body of 20 kB or more is cut at 200 places of a fixed random sequence instead.
#[derive(Clone, Debug)]
pub struct Splits {
    body: Bytes,
    next: usize,
    random: u64,
}

// === impl Splits ===

impl Splits {
    /// Every split of `body`.
    #[must_use]
    pub fn of(body: &Bytes) -> Self {
        Self {
            body: body.clone(),
            next: 0,
            random: u64::try_from(body.len()).unwrap_or(u64::MAX),
        }
    }

    /// `body` in pieces of one byte.
    #[must_use]
    pub fn bytes(body: &Bytes) -> Vec<Bytes> {
        (0..body.len()).map(|at| body.slice(at..=at)).collect()
    }

    fn cut(&self, at: usize) -> Vec<Bytes> {
        vec![self.body.slice(..at), self.body.slice(at..)]
    }

    /// A place inside the body, by the splitmix64 generator.
    fn place(&mut self) -> usize {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let inside = u64::try_from(self.body.len() - 1).unwrap_or(u64::MAX);
        usize::try_from((z ^ (z >> 31)) % inside).unwrap_or(0) + 1
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
            // Step 2 cuts after the first byte.
            _ if length < EVERY_BYTE => (step - 1 < length && step > 1).then(|| self.cut(step - 1)),
            _ if step - 2 < RANDOM => {
                let at = self.place();
                Some(self.cut(at))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
