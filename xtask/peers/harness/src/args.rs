//! The few arguments of a row.

use crate::{BoxError, machine::Place};
use std::{net::SocketAddr, str::FromStr};

/// How a row is run.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// What is measured.
    pub(crate) mode: Mode,
    /// Where the server answers.
    pub(crate) server: SocketAddr,
    /// Where the server tells how many connections it has accepted.
    pub(crate) stats: SocketAddr,
    /// Requests or streams before the measured ones.
    pub(crate) warm: u64,
    /// Requests or streams that are measured.
    pub(crate) count: u64,
    /// Tasks among which they are shared.
    pub(crate) tasks: u64,
    /// Whether allocations are counted.
    pub(crate) counting: bool,
    /// The processor to stay on.
    pub(crate) place: Place,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Small requests.
    Small,
    /// Requests with a long conversation.
    Long,
    /// Streams without a pause between chunks.
    Burst,
    /// Streams with a pause between chunks.
    Paced,
    /// Bursts of simultaneous requests on a warm pool; counts connections.
    Pool,
}

// === impl Args ===

impl Args {
    /// Reads the arguments of the program.
    pub(crate) fn read() -> Result<Self, BoxError> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let value = |name: &str| -> Result<&str, BoxError> {
            let mut pairs = given.iter().zip(given.iter().skip(1));
            let found = pairs.find(|(key, _)| key.strip_prefix("--") == Some(name));
            found
                .map(|(_, value)| value.as_str())
                .ok_or_else(|| format!("--{name} is missing").into())
        };
        Ok(Self {
            mode: value("mode")?.parse()?,
            server: value("server")?.parse()?,
            stats: value("stats")?.parse()?,
            warm: value("warm")?.parse()?,
            count: value("count")?.parse()?,
            tasks: value("tasks")?.parse()?,
            counting: given.iter().any(|arg| arg == "--counting"),
            place: value("place")?.parse()?,
        })
    }
}

// === impl Mode ===

impl FromStr for Mode {
    type Err = BoxError;

    fn from_str(name: &str) -> Result<Self, BoxError> {
        match name {
            "small" => Ok(Self::Small),
            "long" => Ok(Self::Long),
            "burst" => Ok(Self::Burst),
            "paced" => Ok(Self::Paced),
            "pool" => Ok(Self::Pool),
            other => Err(format!("no such mode: {other}").into()),
        }
    }
}
