//! Server-sent events: a body cut into events.
//!
//! By the WHATWG rules: lines end in LF, CRLF or CR in any mixture, one byte order mark at the start
//! is skipped, one space after the colon is not part of the value, several `data:` lines are joined
//! with a line feed. `id` and `retry` are ignored: there is no reconnecting here.
//!
//! Where providers differ from browsers, this holds:
//!
//! - An event is dispatched at its empty line, and only if it had at least one `data` line.
//! - A comment is reported as [`Frame::Comment`], so that a keep-alive counts as a sign of life. It
//!   is never an event.
//! - An event that the end of the body cuts off is not dispatched. [`Decoder::ending`] tells.
//! - A line or an event that is longer than the bound is an error of kind
//!   [`Protocol`](towline_core::ErrorKind::Protocol).
//!
//! The data of an event that lies in one piece is a slice of what was pushed: nothing is copied. Only
//! a line that a read cut in two, and an event of several `data` lines, are put together.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
//! (November 2026).
//!
//! # Examples
//!
//! ```
//! use bytes::Bytes;
//! use towline_transport::sse::{Decoder, Ending, Frame};
//!
//! let mut decoder = Decoder::new();
//! decoder.push(Bytes::from_static(b": ping\n\nevent: delta\nda"));
//! assert!(matches!(decoder.next(), Some(Ok(Frame::Comment))));
//! assert!(decoder.next().is_none());
//!
//! decoder.push(Bytes::from_static(b"ta: {\"text\":\"hi\"}\n\n"));
//! let Some(Ok(Frame::Event(event))) = decoder.next() else {
//!     panic!("the event is complete");
//! };
//! assert_eq!(event.name.as_deref(), Some(&b"delta"[..]));
//! assert_eq!(event.data, "{\"text\":\"hi\"}");
//! assert_eq!(decoder.ending(), Ending::Clean);
//! ```

mod decoder;
mod stream;

pub use self::{
    decoder::{Decoder, Ending},
    stream::SseStream,
};

use bytes::Bytes;

/// The longest line and the largest event, unless set: 4 MiB.
pub const DEFAULT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// What a stream consists of.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Frame {
    /// An event.
    Event(Event),
    /// A comment line. Its text is dropped: it means only that the server is alive.
    Comment,
}

/// One event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The value of the last `event` line. `None` if there was none or it was empty.
    pub name: Option<Bytes>,
    /// The values of the `data` lines, joined with line feeds. Not checked to be UTF-8.
    pub data: Bytes,
}
