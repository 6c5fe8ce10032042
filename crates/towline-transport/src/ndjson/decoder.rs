//! The decoder: bytes in, lines out, no I/O.

use super::DEFAULT_MAX_BYTES;
use crate::fault;
use bytes::{Bytes, BytesMut};
use memchr::memchr;
use std::{collections::VecDeque, fmt};
use towline_core::Error;

/// Cuts bytes into lines. See the [module docs](super).
///
/// It is an iterator that says `None` when it needs more bytes, and goes on after
/// [`push`](Self::push). After an error it says nothing but `None`.
///
/// The work is linear in the bytes pushed, however they are split. A line that lies in one piece is
/// a slice of it.
pub struct Decoder {
    /// The piece being read, and how far it is read.
    input: Bytes,
    at: usize,
    /// Pieces that were pushed before the one in `input` was read.
    waiting: VecDeque<Bytes>,
    /// The beginning of a line whose end has not come.
    carry: BytesMut,
    failed: bool,
    max: usize,
}

// === impl Decoder ===

impl Decoder {
    /// A decoder with the default bound of 4 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_bytes(DEFAULT_MAX_BYTES)
    }

    /// A decoder that accepts lines of at most `max` bytes, the CR of a CRLF included.
    #[must_use]
    pub fn with_max_bytes(max: usize) -> Self {
        Self {
            input: Bytes::new(),
            at: 0,
            waiting: VecDeque::new(),
            carry: BytesMut::new(),
            failed: false,
            max,
        }
    }

    /// Adds what was read. Cheapest when the decoder has said `None` before.
    pub fn push(&mut self, bytes: Bytes) {
        if self.failed || bytes.is_empty() {
            return;
        }
        if self.at == self.input.len() {
            self.input = bytes;
            self.at = 0;
        } else {
            self.waiting.push_back(bytes);
        }
    }

    /// Ends the stream: the last line, if it lacks its line feed. To be called when the decoder has
    /// said `None`.
    ///
    /// # Errors
    ///
    /// None of its own: a line beyond the bound was reported before.
    pub fn finish(&mut self) -> Option<Result<Bytes, Error>> {
        if let Some(line) = self.next() {
            return Some(line);
        }
        let line = trimmed(self.carry.split().freeze());
        (!is_blank(&line)).then_some(Ok(line))
    }

    fn advance(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.at == self.input.len() && !self.refill() {
                return Ok(None);
            }
            let start = self.at;
            let rest = self.input.get(start..).unwrap_or_default();
            let Some(length) = memchr(b'\n', rest) else {
                self.bound(self.carry.len() + rest.len())?;
                self.carry.extend_from_slice(rest);
                self.at = self.input.len();
                continue;
            };
            self.bound(self.carry.len() + length)?;
            self.at = start + length + 1;
            let line = if self.carry.is_empty() {
                self.input.slice(start..start + length)
            } else {
                let end = rest.get(..length).unwrap_or_default();
                self.carry.extend_from_slice(end);
                self.carry.split().freeze()
            };
            let line = trimmed(line);
            if !is_blank(&line) {
                return Ok(Some(line));
            }
        }
    }

    /// Takes the next piece into `input`. Whether there was one.
    fn refill(&mut self) -> bool {
        // Let go at once of what was read: it may be the last holder of a read buffer.
        self.input = self.waiting.pop_front().unwrap_or_default();
        self.at = 0;
        !self.input.is_empty()
    }

    fn bound(&self, length: usize) -> Result<(), Error> {
        if length <= self.max {
            return Ok(());
        }
        Err(fault::protocol(format!(
            "a line of the stream is longer than the bound of {} bytes",
            self.max
        )))
    }
}

/// Without the CR of a CRLF.
fn trimmed(mut line: Bytes) -> Bytes {
    if line.ends_with(b"\r") {
        line.truncate(line.len() - 1);
    }
    line
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

impl Iterator for Decoder {
    type Item = Result<Bytes, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.advance();
        if line.is_err() {
            *self = Self::with_max_bytes(self.max);
            self.failed = true;
        }
        line.transpose()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the state, not the bytes: they are an answer.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("unread", &(self.input.len() - self.at))
            .field("waiting", &self.waiting.len())
            .field("carry", &self.carry.len())
            .field("failed", &self.failed)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
