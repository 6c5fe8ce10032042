//! Sends recorded answers over a real socket.

use super::Answer;
use bytes::Bytes;
use std::{
    fmt,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use towline_core::task::{self, Task};

/// How a body travels over HTTP/1.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Transfer {
    /// With `content-length`.
    Length,
    /// In one chunk.
    Chunked,
    /// In chunks of one byte.
    ChunkPerByte,
}

/// A server on loopback that gives one prepared answer to whatever is asked. Dropping it closes all
/// connections.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    _accepting: Task<()>,
}

#[derive(Default)]
struct Shared {
    /// The answer as it goes over the wire.
    wire: Mutex<Bytes>,
    connections: Mutex<Vec<Task<()>>>,
}

// === impl Server ===

impl Server {
    /// Starts one on a free port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing running.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let accepting = task::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            _accepting: accepting,
        })
    }

    /// `http://ADDRESS:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on every request gets `answer`, sent by `transfer`.
    pub fn set(&self, answer: &Answer, transfer: Transfer) {
        *lock(&self.shared.wire) = wire(answer, transfer);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        let connection = task::spawn(serve(socket, Arc::clone(&shared)));
        let mut connections = lock(&shared.connections);
        connections.retain(|connection| !connection.is_finished());
        connections.push(connection);
    }
}

/// Answers the requests of one connection, until it ends.
async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    // A socket that cannot be set up is one that answers late, not one that fails.
    let _slower = socket.set_nodelay(true);
    let mut read = Vec::new();
    while let Some(length) = request_length(&mut socket, &mut read).await {
        read.drain(..length);
        let answer = lock(&shared.wire).clone();
        if socket.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Reads until `read` holds a whole request, and tells its length. `None` when none comes.
async fn request_length(socket: &mut TcpStream, read: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(length) = whole_request(read) {
            return Some(length);
        }
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

fn whole_request(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(read.get(..head)?).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |value| value.trim().parse()).ok()?;
    (read.len() >= head + length).then_some(head + length)
}

fn wire(answer: &Answer, transfer: Transfer) -> Bytes {
    let mut head = format!("HTTP/1.1 {} Recorded\r\n", answer.status);
    let body = &answer.body;
    let mut wire = Vec::with_capacity(head.len() + body.len());
    match transfer {
        Transfer::Length => {
            let _infallible = write!(head, "content-length: {}\r\n", body.len());
        }
        Transfer::Chunked | Transfer::ChunkPerByte => {
            head.push_str("transfer-encoding: chunked\r\n");
        }
    }
    wire.extend_from_slice(head.as_bytes());
    for (name, value) in &answer.headers {
        wire.extend_from_slice(name.as_str().as_bytes());
        wire.extend_from_slice(b": ");
        wire.extend_from_slice(value.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"\r\n");
    let size = match transfer {
        Transfer::Length => {
            wire.extend_from_slice(body);
            return wire.into();
        }
        Transfer::Chunked => body.len().max(1),
        Transfer::ChunkPerByte => 1,
    };
    for chunk in body.chunks(size) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire.into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
