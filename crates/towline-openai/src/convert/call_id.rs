//! Ids of tool calls, as a server takes them back.

use crate::{Flavor, flavor::CallIds};
use std::borrow::Cow;

/// The Responses API takes no longer id than this, by the text of its error.
#[cfg(feature = "responses")]
const RESPONSES: CallIds = CallIds::Short(64);

/// The id of a call for the chat API. One that another provider made, and that this one does not
/// take, is written anew: the same way each time, so that calls and results still match.
pub(crate) fn chat(flavor: Flavor, id: &str) -> Cow<'_, str> {
    written(flavor.traits().call_ids, id)
}

/// The same for the Responses API.
#[cfg(feature = "responses")]
pub(crate) fn responses(id: &str) -> Cow<'_, str> {
    written(RESPONSES, id)
}

fn written(ids: CallIds, id: &str) -> Cow<'_, str> {
    match ids {
        CallIds::Any => Cow::Borrowed(id),
        CallIds::Short(most) if id.len() <= most => Cow::Borrowed(id),
        CallIds::Short(_) => {
            let [a, b] = checksums(id);
            Cow::Owned(format!("call_{a:016x}{b:016x}"))
        }
        CallIds::Nine if id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Cow::Borrowed(id)
        }
        CallIds::Nine => Cow::Owned(nine(id)),
    }
}

/// Nine letters and digits: 53 bits of the checksum.
fn nine(id: &str) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let [mut rest, _] = checksums(id);
    let mut letter = || {
        let place = usize::try_from(rest % 62).unwrap_or_default();
        rest /= 62;
        char::from(LETTERS.get(place).copied().unwrap_or(b'0'))
    };
    (0..9).map(|_| letter()).collect()
}

/// FNV-1a, from two beginnings.
fn checksums(id: &str) -> [u64; 2] {
    [0xcbf2_9ce4_8422_2325_u64, 0x9ae1_6a3b_2f90_404f].map(|start| {
        id.bytes().fold(start, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}

#[cfg(test)]
#[cfg(feature = "responses")]
mod tests;
