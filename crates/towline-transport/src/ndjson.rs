//! Newline-delimited JSON: a body cut into lines.
//!
//! Lines end in LF or CRLF. Lines of nothing but spaces are skipped. A line longer than the bound is
//! an error of kind [`Protocol`](towline_core::ErrorKind::Protocol).
//!
//! The last line may lack its line feed: [`Decoder::finish`] yields it. Whether it is whole only the
//! JSON parser can tell; a line that was cut off does not parse, and is no answer.
//!
//! # Examples
//!
//! ```
//! use bytes::Bytes;
//! use towline_transport::ndjson::Decoder;
//!
//! let mut lines = Decoder::new();
//! lines.push(Bytes::from_static(b"{\"a\":1}\r\n\n{\"b\""));
//! assert_eq!(lines.next().transpose()?.unwrap(), "{\"a\":1}");
//! assert!(lines.next().is_none());
//! lines.push(Bytes::from_static(b":2}"));
//! assert!(lines.next().is_none());
//! assert_eq!(lines.finish().transpose()?.unwrap(), "{\"b\":2}");
//! # Ok::<_, towline_core::Error>(())
//! ```

mod decoder;
mod stream;

pub use self::{decoder::Decoder, stream::NdjsonStream};

/// The longest line, unless set: 4 MiB.
pub const DEFAULT_MAX_BYTES: usize = 4 * 1024 * 1024;
