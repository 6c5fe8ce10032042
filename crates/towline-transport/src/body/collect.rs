//! Reads a whole body of any kind.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use std::{future::poll_fn, pin::Pin};
use towline_core::{Error, ErrorKind};

/// The bytes of `body`, at most `limit` of them. A body in one piece is not copied.
///
/// # Errors
///
/// [`ErrorKind::Protocol`] for a body longer than `limit`, which with a known length is told before
/// the first byte, and what the body itself reports.
///
/// # Cancel safety
///
/// Dropping the future drops the body. What had arrived is lost.
pub async fn collect<B>(mut body: B, limit: usize) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    let expected = body.size_hint().exact();
    let expected = expected.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if expected.is_some_and(|length| length > limit) {
        return Err(too_long(limit));
    }
    let Some(first) = next_data(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(too_long(limit));
    }
    // Asking on, even at the end, is what tells some bodies that they are done.
    let Some(second) = next_data(&mut body).await? else {
        return Ok(first);
    };
    let room = expected.unwrap_or_else(|| (first.len() + second.len()).saturating_mul(2));
    let mut buffer = BytesMut::with_capacity(room.min(limit));
    buffer.extend_from_slice(&first);
    let mut piece = Some(second);
    while let Some(data) = piece {
        if data.len() > limit - buffer.len() {
            return Err(too_long(limit));
        }
        buffer.extend_from_slice(&data);
        piece = next_data(&mut body).await?;
    }
    Ok(buffer.freeze())
}

/// The next piece of data that is not empty.
pub(super) async fn next_data<B>(body: &mut B) -> Result<Option<Bytes>, Error>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        let Some(frame) = frame.transpose().map_err(Into::into)? else {
            return Ok(None);
        };
        // Trailers say nothing that we read.
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Ok(Some(data));
        }
    }
}

fn too_long(limit: usize) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!(
        "the answer is longer than the bound of {limit} bytes"
    ))
}
