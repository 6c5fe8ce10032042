//! A llama.cpp server, for as long as it is needed.

use super::{KEY, python::Python};
use crate::context::Stop;
use std::{
    fs::File,
    io::{self, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    thread,
};

/// How often the server is asked whether it has become idle. One question takes about a
/// millisecond, and the longest answer of the models a second or two.
const QUESTIONS: usize = 20_000;

/// A running server. It ends with this.
pub(super) struct Server {
    child: Child,
    address: String,
}

// === impl Server ===

impl Server {
    /// Starts one with `model` on a free port, and waits until it listens.
    pub(super) fn start(python: &Python, model: &Path) -> Result<Self, Stop> {
        let failed = |what: &str, error: io::Error| Stop::Failed(format!("{what}: {error}"));
        let port = free_port().map_err(|error| failed("no free port", error))?;
        let log = model.with_extension("log");
        let errors = File::create(&log).map_err(|error| failed("the server's log", error))?;
        eprintln!("starting llama.cpp with {} on port {port}", model.display());
        let mut child = python
            .program()
            .arg(python.asset("llama_server.py"))
            .arg(model)
            .args([&port.to_string(), KEY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| failed("the server does not start", error))?;
        let stdout = child.stdout.take();
        let server = Self {
            child,
            address: format!("127.0.0.1:{port}"),
        };
        let mut output = BufReader::new(stdout.ok_or_else(|| Stop::Failed("no output".into()))?);
        if !listens(&mut output) {
            let log = log.display();
            return Err(Stop::Failed(format!(
                "the server ended before it listened, see {log}"
            )));
        }
        // What it still says is read away, so that it never waits for a reader.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok(server)
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Tokens that it has made since it started.
    pub(super) fn tokens(&self) -> Result<u64, String> {
        self.counter("llamacpp:tokens_predicted_total")
    }

    /// Waits until it works on nothing.
    pub(super) fn becomes_idle(&self) -> Result<(), String> {
        for _ in 0..QUESTIONS {
            if self.counter("llamacpp:requests_processing")? == 0 {
                return Ok(());
            }
        }
        Err("the server still works for a client that has left".to_owned())
    }

    /// Waits until it works on something.
    pub(super) fn becomes_busy(&self) -> Result<(), String> {
        for _ in 0..QUESTIONS {
            if self.counter("llamacpp:requests_processing")? > 0 {
                return Ok(());
            }
        }
        Err("the server was never asked".to_owned())
    }

    fn counter(&self, name: &str) -> Result<u64, String> {
        let text = self
            .metrics()
            .map_err(|error| format!("/metrics: {error}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.trim().parse().ok());
        number.ok_or_else(|| format!("/metrics has no {name}"))
    }

    fn metrics(&self) -> io::Result<String> {
        let mut socket = TcpStream::connect(&self.address)?;
        let address = &self.address;
        write!(
            socket,
            "GET /metrics HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and need not be.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Reads lines until the server says that it listens, or ends.
fn listens(output: &mut impl io::BufRead) -> bool {
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|read| read > 0) {
        if line.starts_with("LISTEN") {
            return true;
        }
        line.clear();
    }
    false
}
