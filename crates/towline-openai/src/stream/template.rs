//! Reads the text of a chunk without parsing it.
//!
//! The chunks of an answer differ in little but the text. After a full parse the bytes before and
//! after the text are remembered; a later chunk with the same bytes around another string says that
//! text and nothing else, since to a JSON parser the two differ only in the content of one string. A
//! text with escapes is parsed by itself, any other is taken as it stands. `OpenAI` pads its chunks with a second
//! string of random length, which nobody reads; that is the other place where they may differ.

use bytes::Bytes;
use memchr::memmem;
use towline_core::Text;
use towline_transport::lax;

/// The bytes around the text, and around the padding where there is one.
#[derive(Clone, Debug)]
pub(super) struct Template {
    head: Bytes,
    /// From the end of the text to the beginning of the padding, or to the end.
    middle: Bytes,
    /// From the end of the padding to the end.
    tail: Option<Bytes>,
}

/// How the text begins.
const OPENERS: [&[u8]; 2] = [b"\"content\":\"", b"\"content\": \""];

/// How padding begins: of `OpenAI`, and of Mistral.
const PADDING: [&[u8]; 2] = [b"\"obfuscation\":\"", b"\"p\":\""];

// === impl Template ===

impl Template {
    /// Remembers `chunk`, in which `text` stands as it is.
    pub(super) fn learn(chunk: &Text, text: &str) -> Option<Self> {
        let bytes = chunk.clone().into_bytes();
        let start = text.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
        let end = start.checked_add(text.len())?;
        if text.is_empty() || end > bytes.len() {
            return None;
        }
        let head = bytes.slice(..start);
        if !OPENERS.iter().any(|opener| head.ends_with(opener)) {
            return None;
        }
        let after = bytes.slice(end..);
        Some(match padding(&after) {
            Some((start, end)) => Self {
                head,
                middle: after.slice(..start),
                tail: Some(after.slice(end..)),
            },
            None => Self {
                head,
                middle: after,
                tail: None,
            },
        })
    }

    /// The text of `chunk`, if it has the form of the template. `None` says nothing about it.
    pub(super) fn text(&self, chunk: &Bytes) -> Option<Text> {
        let rest = chunk.strip_prefix(self.head.as_ref())?;
        let (length, escaped) = lax::string_length(rest)?;
        let after = rest.get(length..)?.strip_prefix(self.middle.as_ref())?;
        match &self.tail {
            None if after.is_empty() => {}
            Some(tail) if plain_string(after).is_some_and(|n| after.get(n..) == Some(tail)) => {}
            _ => return None,
        }
        if length == 0 {
            return None;
        }
        let start = self.head.len();
        if !escaped {
            return Text::from_utf8(chunk.slice(start..start + length)).ok();
        }
        // With the quotes around it. What is no JSON string goes to the parser, to be refused.
        let string = std::str::from_utf8(chunk.get(start - 1..=start + length)?).ok()?;
        lax::unescape(string)
            .ok()
            .map(|text| text.into_owned().into())
    }
}

/// Where the padding stands.
fn padding(bytes: &[u8]) -> Option<(usize, usize)> {
    let start = PADDING.iter().find_map(|opener| {
        let at = memmem::find(bytes, opener)?;
        Some(at + opener.len())
    })?;
    let length = plain_string(bytes.get(start..)?)?;
    Some((start, start + length))
}

/// The length of a JSON string's content up to its closing quote, where it holds no escape, nothing
/// that JSON forbids, and only whole characters.
fn plain_string(bytes: &[u8]) -> Option<usize> {
    let (length, escaped) = lax::string_length(bytes)?;
    let whole = std::str::from_utf8(bytes.get(..length)?).is_ok();
    (!escaped && whole).then_some(length)
}

#[cfg(test)]
mod tests;
