//! A tiny HTTP/1.1 client on a bare socket: what it reports is what the socket saw.

use serde_json::Value;
use std::{io, mem, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Raw {
    socket: TcpStream,
    buffer: Vec<u8>,
    /// How many bytes each read from the socket gave.
    pub(crate) reads: Vec<usize>,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As the framing says.
    Complete,
    /// The connection was closed first.
    Fin,
    /// The connection was reset first.
    Rst,
}

#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(addr).await.unwrap(),
            buffer: Vec::new(),
            reads: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: sim\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        self.socket.write_all(head.as_bytes()).await.unwrap();
        self.socket.write_all(body).await.unwrap();
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Seen {
        self.send("POST", path, &[], body.to_string().as_bytes())
            .await;
        self.receive().await.unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Seen {
        self.send("GET", path, &[], b"").await;
        self.receive().await.unwrap()
    }

    /// Reads a whole answer; an error is a connection that ended before the head was there.
    pub(crate) async fn receive(&mut self) -> Result<Seen, End> {
        let mut seen = self.receive_head().await?;
        let chunked = seen.header("transfer-encoding") == Some("chunked");
        let length = seen
            .header("content-length")
            .map(|len| len.parse::<usize>().unwrap());
        seen.end = loop {
            let step = if chunked {
                self.chunk().await.map(|chunk| match chunk {
                    Some(chunk) => seen.body.extend(chunk),
                    None => seen.end = End::Complete,
                })
            } else {
                let length = length.expect("an answer has a length or chunks");
                self.exactly(length).await.map(|body| seen.body = body)
            };
            match step {
                Ok(()) if !chunked || seen.end == End::Complete => break End::Complete,
                Ok(()) => {}
                Err(end) => {
                    if !chunked {
                        seen.body = mem::take(&mut self.buffer);
                    }
                    break end;
                }
            }
        };
        Ok(seen)
    }

    /// Reads the head of an answer; the body is still to come.
    pub(crate) async fn receive_head(&mut self) -> Result<Seen, End> {
        let head = self.until(b"\r\n\r\n").await?;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        });
        Ok(Seen {
            status,
            headers: headers.collect(),
            body: Vec::new(),
            end: End::Fin,
        })
    }

    /// Reads one chunk; `None` is the last one.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, End> {
        let size = String::from_utf8(self.until(b"\r\n").await?).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut data = self.exactly(size + 2).await?;
        data.truncate(size);
        Ok((size > 0).then_some(data))
    }

    /// Everything that comes until the connection ends.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.more().await {
                return (mem::take(&mut self.buffer), end);
            }
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Result<Vec<u8>, End> {
        loop {
            let found = self
                .buffer
                .windows(mark.len())
                .position(|window| window == mark);
            if let Some(at) = found {
                return Ok(self.buffer.drain(..at + mark.len()).collect());
            }
            self.more().await?;
        }
    }

    /// Reads so many bytes, whatever they are.
    pub(crate) async fn exactly(&mut self, len: usize) -> Result<Vec<u8>, End> {
        while self.buffer.len() < len {
            self.more().await?;
        }
        Ok(self.buffer.drain(..len).collect())
    }

    async fn more(&mut self) -> Result<(), End> {
        match self.socket.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Fin),
            Ok(read) => {
                self.reads.push(read);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(End::Rst),
            Err(error) => panic!("unexpected: {error}"),
        }
    }
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The `data:` of each event, as text.
    pub(crate) fn data(&self) -> Vec<String> {
        let text = self.text();
        let blocks = text.split("\n\n").filter(|block| !block.is_empty());
        let data = blocks.map(|block| {
            let lines = block.lines().filter_map(|line| line.strip_prefix("data: "));
            lines.collect::<Vec<_>>().join("\n")
        });
        data.collect()
    }

    /// The JSON of each event but `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let data = self.data().into_iter().filter(|data| data != "[DONE]");
        data.map(|data| serde_json::from_str(&data).unwrap())
            .collect()
    }
}
