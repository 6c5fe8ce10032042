//! A llama.cpp server, for as long as it is needed.

use super::{KEY, process::Process, python::Python};
use crate::context::Stop;
use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
};

/// How often the server is asked whether it has become idle. One question takes about a
/// millisecond, and the longest answer of the models a second or two.
const QUESTIONS: usize = 20_000;

/// A running server. It ends with this.
pub(super) struct Server {
    _process: Process,
    address: String,
}

// === impl Server ===

impl Server {
    /// Starts one with `model` on a free port, and waits until it listens.
    pub(super) fn start(python: &Python, model: &Path) -> Result<Self, Stop> {
        let port = free_port().map_err(|error| Stop::Failed(format!("no free port: {error}")))?;
        let mut command = python.program();
        command
            .arg(python.asset("llama_server.py"))
            .arg(model)
            .args([&port.to_string(), KEY]);
        let log = model.with_extension("log");
        let listens = |line: &str| line.starts_with("LISTEN").then_some(());
        let (process, ()) = Process::start(&mut command, &log, listens)?;
        Ok(Self {
            _process: process,
            address: format!("127.0.0.1:{port}"),
        })
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

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
