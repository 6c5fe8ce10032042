//! Puts the JSON body of a request together: the fields that say how to answer, the raw fields of the
//! caller, and last the messages as they were written before.

mod fields;

pub use self::fields::Fields;

use crate::RequestBody;
use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use towline_core::WireForm;

/// JSON that was written before, such as a schema. It is checked when it is written again.
#[expect(
    clippy::exhaustive_structs,
    reason = "a name around one value, which will never have another"
)]
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a str);

/// Up to this size messages are copied behind the other fields: that costs less than more buffers.
const ONE_PIECE: usize = 16 * 1024;

/// How many bytes to reserve for the other fields of a body whose messages are `messages` long: room
/// for those too, where they are going to be copied.
#[must_use]
pub const fn room(messages: usize) -> usize {
    const OTHERS: usize = 192;
    if messages <= ONE_PIECE {
        messages + OTHERS
    } else {
        OTHERS
    }
}

/// The body that begins with `head`, goes on with `messages` and ends with `end`: in one buffer, or as
/// shared pieces of which none is copied.
#[must_use]
pub fn assemble(mut head: Vec<u8>, messages: &WireForm, end: &'static [u8]) -> RequestBody {
    if messages.len() <= ONE_PIECE {
        for segment in messages.segments() {
            head.extend_from_slice(segment);
        }
        head.extend_from_slice(end);
        return RequestBody::from(head);
    }
    let mut pieces = Vec::with_capacity(messages.segments().len() + 2);
    pieces.push(Bytes::from(head));
    pieces.extend(messages.segments().iter().cloned());
    pieces.push(Bytes::from_static(end));
    RequestBody::segments(pieces)
}

// === impl Json ===

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}
