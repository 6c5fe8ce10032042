//! The paths through a client that are measured.

use peer_harness::workload::CHUNKS;

/// A path through a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    /// Small requests, one after another.
    Small,
    /// Requests with 102 messages, one after another.
    Long,
    /// Small requests of 64 tasks.
    Concurrent,
    /// Streams without pauses, one after another.
    Burst,
    /// Streams with pauses, of 32 tasks.
    Paced,
}

/// Every path.
pub(crate) const PATHS: [Path; 5] = [
    Path::Small,
    Path::Long,
    Path::Concurrent,
    Path::Burst,
    Path::Paced,
];

/// The paths that run one call after another: their allocations and instructions repeat.
pub(crate) const SEQUENTIAL: [Path; 3] = [Path::Small, Path::Long, Path::Burst];

// === impl Path ===

impl Path {
    /// The mode of the row.
    pub(crate) const fn mode(self) -> &'static str {
        match self {
            Self::Small | Self::Concurrent => "small",
            Self::Long => "long",
            Self::Burst => "burst",
            Self::Paced => "paced",
        }
    }

    /// Tasks among which the calls are shared.
    pub(crate) const fn tasks(self) -> u64 {
        match self {
            Self::Small | Self::Long | Self::Burst => 1,
            Self::Concurrent => 64,
            Self::Paced => 32,
        }
    }

    /// Calls before the measured ones.
    pub(crate) const fn warm(self) -> u64 {
        match self {
            Self::Small | Self::Long | Self::Concurrent => 200,
            Self::Burst => 5,
            Self::Paced => 32,
        }
    }

    /// Calls that are measured.
    pub(crate) const fn calls(self) -> u64 {
        match self {
            Self::Small => 3_000,
            Self::Long => 1_500,
            Self::Concurrent => 20_480,
            Self::Burst => 150,
            Self::Paced => 96,
        }
    }

    /// Calls of the short and of the long run whose difference is counted in instructions.
    pub(crate) const fn counted_calls(self) -> (u64, u64) {
        match self {
            Self::Small | Self::Concurrent => (100, 500),
            Self::Long => (50, 200),
            Self::Burst | Self::Paced => (4, 14),
        }
    }

    /// Units of one call: a stream is counted by its chunks.
    pub(crate) const fn units(self) -> u64 {
        match self {
            Self::Small | Self::Long | Self::Concurrent => 1,
            Self::Burst | Self::Paced => CHUNKS,
        }
    }
}
