//! Reads a whole body of any kind.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use std::{future::poll_fn, pin::Pin};
use towline_core::{Error, ErrorKind};

/// The bytes of `body`, at most `limit` of them. A body in one piece is not copied.
///
/// # Errors
///
/// [`ErrorKind::Protocol`] for a body longer than `limit`, and what the body itself reports.
///
/// # Cancel safety
///
/// Dropping the future drops the body. What had arrived is lost.
pub async fn collect<B>(mut body: B, limit: usize) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    let Some(first) = next(&mut body, limit).await? else {
        return Ok(Bytes::new());
    };
    // Asking on, even at the end, is what tells the connection that it is free.
    let Some(second) = next(&mut body, limit - first.len()).await? else {
        return Ok(first);
    };
    let more = body.size_hint().exact().unwrap_or(0);
    let more = usize::try_from(more).unwrap_or(limit).min(limit);
    let mut buffer = BytesMut::with_capacity(first.len() + second.len() + more);
    buffer.extend_from_slice(&first);
    buffer.extend_from_slice(&second);
    while let Some(piece) = next(&mut body, limit - buffer.len()).await? {
        buffer.extend_from_slice(&piece);
    }
    Ok(buffer.freeze())
}

async fn next<B>(body: &mut B, room: usize) -> Result<Option<Bytes>, Error>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        let Some(frame) = frame.transpose().map_err(Into::into)? else {
            return Ok(None);
        };
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if piece.len() > room {
            return Err(Error::new(ErrorKind::Protocol)
                .with_message("the answer is longer than the bound for complete answers"));
        }
        if !piece.is_empty() {
            return Ok(Some(piece));
        }
    }
}
