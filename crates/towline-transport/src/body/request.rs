//! The body of a request: bytes that are all there, in one piece or several.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// The body of a request. Clones share the bytes.
///
/// Its length is always known, so it is sent with `content-length` and can be sent again.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use towline_transport::RequestBody;
///
/// assert_eq!(RequestBody::default().len(), 0);
/// let shared_history = Bytes::from_static(b"[1,2");
/// let body = RequestBody::segments(vec![shared_history, Bytes::from_static(b",3]")]);
/// assert_eq!(body.len(), 7);
/// ```
#[derive(Clone, Default)]
pub struct RequestBody {
    parts: Parts,
}

#[derive(Clone, Default)]
enum Parts {
    #[default]
    Empty,
    One(Bytes),
    Many {
        segments: Arc<[Bytes]>,
        next: usize,
        left: usize,
    },
}

// === impl RequestBody ===

impl RequestBody {
    /// A body of several pieces, sent one after the other without being joined.
    ///
    /// The HTTP/1 connection hands up to 16 pieces to the kernel in one call, the head among them.
    /// With many more pieces than that, join the small ones first.
    #[must_use]
    pub fn segments(segments: Vec<Bytes>) -> Self {
        let left = segments.iter().map(Bytes::len).sum();
        Self {
            parts: Parts::Many {
                segments: segments.into(),
                next: 0,
                left,
            },
        }
    }

    /// The bytes not yet sent. Before sending, the length of the whole body.
    #[must_use]
    pub const fn len(&self) -> usize {
        match &self.parts {
            Parts::Empty => 0,
            Parts::One(bytes) => bytes.len(),
            Parts::Many { left, .. } => *left,
        }
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        match &mut self.parts {
            Parts::Empty => None,
            Parts::One(bytes) => {
                let bytes = std::mem::take(bytes);
                self.parts = Parts::Empty;
                (!bytes.is_empty()).then_some(bytes)
            }
            Parts::Many {
                segments,
                next,
                left,
            } => loop {
                let piece = segments.get(*next)?.clone();
                *next += 1;
                *left -= piece.len();
                if !piece.is_empty() {
                    return Some(piece);
                }
            },
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next_piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.len()).unwrap_or(u64::MAX))
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            parts: Parts::One(bytes),
        }
    }
}

impl From<Vec<u8>> for RequestBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// Shows the length only: the bytes are the caller's conversation.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
