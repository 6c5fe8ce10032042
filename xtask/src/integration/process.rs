//! A program that runs beside the suites.

use crate::context::Stop;
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

/// A running program. It ends with this.
pub(super) struct Process {
    child: Child,
}

// === impl Process ===

impl Process {
    /// Starts `command` and reads what it says until `ready` finds in a line what it looks for. What
    /// it writes to stderr goes to the file `log`.
    pub(super) fn start<T>(
        command: &mut Command,
        log: &Path,
        ready: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T), Stop> {
        let failed = |what: &str, error: io::Error| {
            let log = log.display();
            Stop::Failed(format!("{what}: {error}, see {log}"))
        };
        let errors = File::create(log).map_err(|error| failed("no log", error))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| failed("the server does not start", error))?;
        let stdout = child.stdout.take();
        // From here on it is ended, also when something fails.
        let process = Self { child };
        let stdout = stdout.ok_or_else(|| Stop::Failed("the server has no output".to_owned()))?;
        let mut output = BufReader::new(stdout);
        let found = wait_for(&mut output, ready)
            .map_err(|error| failed("the server ended before it listened", error))?;
        // What it still says is read away, so that it never waits for a reader.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok((process, found))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and need not be.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn wait_for<T>(output: &mut impl BufRead, ready: impl Fn(&str) -> Option<T>) -> io::Result<T> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some(found) = ready(line.trim_end()) {
            return Ok(found);
        }
        line.clear();
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
