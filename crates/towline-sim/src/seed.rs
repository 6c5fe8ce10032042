//! Numbers that look random and are the same on every run.

/// A stable hash of `bytes` under `seed`: FNV-1a with a finalizer. Not for secrets.
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed;
    let folded = bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(folded)
}

/// A small generator (splitmix64): the same seed gives the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    state: u64,
}

// === impl Draw ===

impl Draw {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Four numbers between -1 and 1, evenly spread.
    pub(crate) fn quad(&mut self) -> [f32; 4] {
        let [a, b, c, d, e, f, g, h] = self.next().to_be_bytes();
        [[a, b], [c, d], [e, f], [g, h]].map(|pair| f32::from(i16::from_be_bytes(pair)) / 32768.0)
    }
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
