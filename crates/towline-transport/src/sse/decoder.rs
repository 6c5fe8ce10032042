//! The decoder: bytes in, frames out, no I/O.

use super::{DEFAULT_MAX_BYTES, Event, Frame};
use crate::fault;
use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};
use std::{collections::VecDeque, fmt, mem, ops::Range};
use towline_core::Error;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Cuts bytes into [`Frame`]s. See the [module docs](super).
///
/// It is an iterator that says `None` when it needs more bytes, and goes on after
/// [`push`](Self::push). After an error it says nothing but `None`.
///
/// The work is linear in the bytes pushed, however they are split.
pub struct Decoder {
    /// The piece being read, and how far it is read.
    input: Bytes,
    at: usize,
    /// Pieces that were pushed before the one in `input` was read.
    waiting: VecDeque<Bytes>,
    /// The beginning of a line whose end has not come.
    carry: BytesMut,
    /// The event that waits for its empty line.
    name: Option<Bytes>,
    data: Data,
    /// Bytes of the mark seen at the start of the stream; `None` once past it.
    mark: Option<usize>,
    /// The last line ended in CR: a LF that comes next belongs to it.
    skip_lf: bool,
    failed: bool,
    max: usize,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// After a whole event, or before the first.
    Clean,
    /// In the middle of a line or an event. What there was of it is not dispatched.
    CutOff,
}

/// The `data` lines of an event so far.
#[derive(Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream, with the default bound of 4 MiB.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_bytes(DEFAULT_MAX_BYTES)
    }

    /// A decoder that accepts lines and events of at most `max` bytes.
    #[must_use]
    pub fn with_max_bytes(max: usize) -> Self {
        Self {
            input: Bytes::new(),
            at: 0,
            waiting: VecDeque::new(),
            carry: BytesMut::new(),
            name: None,
            data: Data::None,
            mark: Some(0),
            skip_lf: false,
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

    /// What it would mean if the stream ended here. To be asked when the decoder has said `None`.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let unread = self.at < self.input.len() || !self.waiting.is_empty();
        let half_line = !self.carry.is_empty() || self.mark.is_some_and(|seen| seen > 0);
        let half_event = self.name.is_some() || !matches!(self.data, Data::None);
        if unread || half_line || half_event {
            Ending::CutOff
        } else {
            Ending::Clean
        }
    }

    /// Ends the stream and says how it ended. The decoder is at the start of a new stream after it.
    pub fn finish(&mut self) -> Ending {
        let ending = self.ending();
        *self = Self::with_max_bytes(self.max);
        ending
    }

    /// Reads lines until one makes a frame.
    fn advance(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            if self.at == self.input.len() && !self.refill() {
                return Ok(None);
            }
            if self.mark.is_some() && !self.skip_mark() {
                continue;
            }
            if mem::take(&mut self.skip_lf) && self.input.get(self.at) == Some(&b'\n') {
                self.at += 1;
                continue;
            }
            if let Some(event) = self.whole_event() {
                return Ok(Some(Frame::Event(event)));
            }
            if let Some(frame) = self.line()? {
                return Ok(Some(frame));
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

    /// Steps over a byte order mark, which may be split. Whether the start of the text is reached.
    fn skip_mark(&mut self) -> bool {
        while let Some(seen) = self.mark {
            match (BOM.get(seen), self.input.get(self.at)) {
                (None, _) => self.mark = None,
                (Some(_), None) => return false,
                (Some(expected), Some(byte)) if expected == byte => {
                    self.mark = Some(seen + 1);
                    self.at += 1;
                }
                (Some(_), Some(_)) => {
                    // It was not a mark: what looked like one is text.
                    self.carry.extend(BOM.get(..seen).unwrap_or_default());
                    self.mark = None;
                }
            }
        }
        self.at < self.input.len()
    }

    /// The event that nearly every stream consists of: one `data` line and an empty one, in one
    /// piece, maybe behind a line with its name. Everything else, and what is out of bounds, is left
    /// to [`line`](Self::line).
    fn whole_event(&mut self) -> Option<Event> {
        if !self.carry.is_empty() || !matches!(self.data, Data::None) {
            return None;
        }
        let rest = self.input.get(self.at..)?;
        let (name, rest) = match value(rest, b"event:") {
            Some(value) => {
                let end = memchr2(b'\n', b'\r', value)?;
                let start = self.input.len() - value.len();
                let after = value.get(end..)?;
                let after = after.strip_prefix(b"\r").unwrap_or(after);
                let data = after.strip_prefix(b"\n")?;
                if start + end - self.at > self.max {
                    return None;
                }
                (Some(start..start + end), data)
            }
            None => (None, rest),
        };
        let line = self.input.len() - rest.len();
        let value = value(rest, b"data:")?;
        let length = memchr2(b'\n', b'\r', value)?;
        let after = value.get(length..)?;
        let start = self.input.len() - value.len();
        let end = start + length;
        let ends = [&b"\n\n"[..], b"\r\n\r\n"];
        let line_ends = ends.into_iter().find(|ends| after.starts_with(ends))?;
        if end - line > self.max {
            return None;
        }
        self.at = end + line_ends.len();
        let before = self.name.take();
        let name = match name {
            Some(range) => Some(self.input.slice(range)).filter(|name| !name.is_empty()),
            None => before,
        };
        Some(Event {
            name,
            data: self.input.slice(start..end),
        })
    }

    /// Reads one line, or what there is of it. The frame that it completes, if it does.
    fn line(&mut self) -> Result<Option<Frame>, Error> {
        let start = self.at;
        let rest = self.input.get(start..).unwrap_or_default();
        let Some(length) = memchr2(b'\n', b'\r', rest) else {
            let length = rest.len();
            self.bound(self.carry.len() + length)?;
            self.carry.extend_from_slice(rest);
            self.at += length;
            return Ok(None);
        };
        let end = start + length;
        self.bound(self.carry.len() + length)?;
        self.step_over_line_end(end);
        if self.carry.is_empty() {
            // A clone costs an atomic add, which only a line that is kept has to pay.
            let input = mem::take(&mut self.input);
            let frame = self.field(&input, start..end);
            self.input = input;
            return frame;
        }
        self.carry
            .extend_from_slice(self.input.get(start..end).unwrap_or_default());
        let line = self.carry.split().freeze();
        self.field(&line, 0..line.len())
    }

    fn step_over_line_end(&mut self, end: usize) {
        self.at = end + 1;
        if self.input.get(end) == Some(&b'\r') {
            match self.input.get(self.at) {
                Some(b'\n') => self.at += 1,
                Some(_) => {}
                None => self.skip_lf = true,
            }
        }
    }

    /// Takes in the line that stands at `range` of `text`.
    fn field(&mut self, text: &Bytes, range: Range<usize>) -> Result<Option<Frame>, Error> {
        let line = text.get(range.clone()).unwrap_or_default();
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let colon = if line.starts_with(b"data:") {
            Some(4)
        } else {
            memchr(b':', line)
        };
        if colon == Some(0) {
            return Ok(Some(Frame::Comment));
        }
        let (name, value) = match colon {
            Some(colon) => {
                let value = colon + 1;
                let space = line.get(value) == Some(&b' ');
                (
                    line.get(..colon).unwrap_or_default(),
                    value + usize::from(space),
                )
            }
            None => (line, line.len()),
        };
        let value = range.start + value..range.end;
        match name {
            b"data" => self.add_data(text.slice(value))?,
            b"event" => self.name = Some(text.slice(value)).filter(|name| !name.is_empty()),
            // `id`, `retry`, and what is not known.
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, value: Bytes) -> Result<(), Error> {
        self.data = match mem::take(&mut self.data) {
            Data::None => Data::One(value),
            Data::One(first) => {
                self.bound(first.len() + 1 + value.len())?;
                let mut joined = BytesMut::with_capacity(first.len() + 1 + value.len());
                joined.extend_from_slice(&first);
                Data::Many(join(joined, &value))
            }
            Data::Many(joined) => {
                self.bound(joined.len() + 1 + value.len())?;
                Data::Many(join(joined, &value))
            }
        };
        Ok(())
    }

    /// An empty line: the event is complete, if it is one.
    fn dispatch(&mut self) -> Option<Frame> {
        let name = self.name.take();
        let data = match mem::take(&mut self.data) {
            Data::None => return None,
            Data::One(data) => data,
            Data::Many(joined) => joined.freeze(),
        };
        Some(Frame::Event(Event { name, data }))
    }

    fn bound(&self, length: usize) -> Result<(), Error> {
        if length <= self.max {
            return Ok(());
        }
        Err(fault::protocol(format!(
            "an event of the stream is longer than the bound of {} bytes",
            self.max
        )))
    }

    /// No more frames, and no memory held for them.
    fn fail(&mut self) {
        *self = Self::with_max_bytes(self.max);
        self.failed = true;
    }
}

/// What `text` says for the field that `opener` begins, to the end of the text.
fn value<'a>(text: &'a [u8], opener: &[u8]) -> Option<&'a [u8]> {
    let value = text.strip_prefix(opener)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

fn join(mut joined: BytesMut, line: &[u8]) -> BytesMut {
    joined.extend_from_slice(b"\n");
    joined.extend_from_slice(line);
    joined
}

impl Iterator for Decoder {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.advance();
        if frame.is_err() {
            self.fail();
        }
        frame.transpose()
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
            .field("ending", &self.ending())
            .field("failed", &self.failed)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
