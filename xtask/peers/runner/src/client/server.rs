//! The server, as a child of this program.

use super::options::Placement;
use crate::Fault;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The running server. It ends when this is dropped, and also if this program is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it answers.
    pub(crate) address: String,
    /// Where it tells how many connections it has accepted.
    pub(crate) stats: String,
}

// === impl Server ===

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(program: &Path, placement: Placement) -> Result<Self, Fault> {
        let mut child = Command::new(program)
            .arg(placement.of_server())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let value = |name: &str| {
            let mut words = line.split_whitespace();
            words
                .find_map(|word| word.strip_prefix(name))
                .map(str::to_owned)
        };
        let (Some(address), Some(stats)) = (value("server="), value("stats=")) else {
            return Err(format!("the server did not start; it said {line:?}").into());
        };
        Ok(Self {
            child,
            address,
            stats,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
