//! Reads the text of a streamed event without parsing it.

use super::string;
use bytes::Bytes;
use memchr::memmem;
use std::fmt;
use towline_core::Text;

/// What the events of a stream have in common: the bytes around the text.
///
/// The events of an answer differ in little but the text. After a full parse the bytes before and
/// after the text are remembered; a later event with the same bytes around another string says that
/// text and nothing else, since to a JSON parser the two differ only in the content of one string. A
/// text with escapes is parsed by itself, any other is taken as it stands.
///
/// Some providers have fields in their events that differ each time and that nobody reads: padding
/// against those who guess a text by its length, a running number, a time. They are skipped.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use towline_core::Text;
/// use towline_transport::lax::Template;
///
/// let event = Text::from(r#"{"n":7,"delta":"Hi"}"#);
/// let template = Template::learn(&event, &event[16..18], &["n"]).expect("the text lies inside");
/// let next = Bytes::from_static(br#"{"n":8,"delta":" there"}"#);
/// assert_eq!(template.text(&next).as_deref(), Some(" there"));
/// let other = Bytes::from_static(br#"{"n":9,"delta":" there","usage":1}"#);
/// assert_eq!(template.text(&other), None);
/// ```
#[derive(Clone)]
pub struct Template {
    /// In the order in which they stand in an event.
    parts: Vec<Part>,
    /// What comes behind the last of them.
    tail: Bytes,
}

/// Bytes that are always the same, and what comes behind them.
#[derive(Clone)]
struct Part {
    fixed: Bytes,
    gap: Gap,
}

/// What differs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gap {
    /// The text.
    Text,
    /// The content of a string that nobody reads.
    String,
    /// A number that nobody reads.
    Number,
}

// === impl Template ===

impl Template {
    /// Remembers `event`, which is sound JSON. In it stands `text` as it is, between the quotes of a
    /// string. The fields of the names in `skipped` may hold any other string or whole number in a
    /// later event: nobody may read them, wherever in the event they stand.
    ///
    /// `None` where `text` is empty or no part of `event`.
    #[must_use]
    pub fn learn(event: &Text, text: &str, skipped: &[&str]) -> Option<Self> {
        let bytes = event.clone().into_bytes();
        let start = text.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
        let end = start.checked_add(text.len())?;
        if text.is_empty() || end > bytes.len() {
            return None;
        }
        let (before, after) = (bytes.slice(..start), bytes.slice(end..));
        if !before.ends_with(b"\"") || !after.starts_with(b"\"") {
            return None;
        }
        let mut parts = Vec::with_capacity(skipped.len() + 1);
        let fixed = gaps(before, skipped, &mut parts);
        parts.push(Part {
            fixed,
            gap: Gap::Text,
        });
        let tail = gaps(after, skipped, &mut parts);
        Some(Self { parts, tail })
    }

    /// The text of `event`, if it has the form of the template. `None` says nothing about it.
    #[must_use]
    pub fn text(&self, event: &Bytes) -> Option<Text> {
        let mut rest = event.as_ref();
        let mut found = None;
        for part in &self.parts {
            rest = rest.strip_prefix(part.fixed.as_ref())?;
            let length = match part.gap {
                Gap::Text => {
                    let (length, escapes) = string::measure(rest)?;
                    found = Some((event.len() - rest.len(), length, escapes));
                    length
                }
                Gap::String => plain_string(rest)?,
                Gap::Number => number(rest)?,
            };
            rest = rest.get(length..)?;
        }
        let (start, length, escapes) = found.filter(|(_, length, _)| *length > 0)?;
        if rest != self.tail {
            return None;
        }
        let text = Text::from_utf8(event.slice(start..start + length)).ok()?;
        if escapes == 0 {
            return Some(text);
        }
        // What is no escape goes to the parser, to be refused.
        string::text(&text, escapes).map(Text::from)
    }
}

/// Cuts `bytes` at the values of the fields in `skipped`. What is left behind the last of them.
fn gaps(mut bytes: Bytes, skipped: &[&str], parts: &mut Vec<Part>) -> Bytes {
    loop {
        let found = skipped.iter().filter_map(|name| field(&bytes, name));
        let Some((start, length, gap)) = found.min_by_key(|(start, ..)| *start) else {
            return bytes;
        };
        let fixed = bytes.split_to(start);
        parts.push(Part { fixed, gap });
        drop(bytes.split_to(length));
    }
}

/// Where the value of the field `name` stands, how long it is, and what it is: the content of a plain
/// string, or a number.
fn field(bytes: &[u8], name: &str) -> Option<(usize, usize, Gap)> {
    let mut from = 0;
    while let Some(at) = memmem::find(bytes.get(from..)?, name.as_bytes()) {
        let start = from + at;
        from = start + name.len();
        let quoted = start > 0 && bytes.get(start - 1) == Some(&b'"');
        let value = bytes.get(from..).and_then(|rest| rest.strip_prefix(b"\":"));
        let Some(value) = value.filter(|_| quoted) else {
            continue;
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let place = bytes.len() - value.len();
        if let Some(string) = value.strip_prefix(b"\"") {
            if let Some(length) = plain_string(string) {
                return Some((place + 1, length, Gap::String));
            }
        } else if let Some(length) = number(value)
            // The number has to be whole, and all of it there.
            && matches!(value.get(length), Some(b',' | b'}' | b']' | b' '))
        {
            return Some((place, length, Gap::Number));
        }
    }
    None
}

/// The length of a JSON string's content up to its closing quote, where it holds no escape, nothing
/// that JSON forbids, and only whole characters.
fn plain_string(bytes: &[u8]) -> Option<usize> {
    let (length, escapes) = string::measure(bytes)?;
    let whole = std::str::from_utf8(bytes.get(..length)?).is_ok();
    (escapes == 0 && whole).then_some(length)
}

/// The length of a whole number from zero up.
fn number(bytes: &[u8]) -> Option<usize> {
    let length = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let zero = length > 1 && bytes.first() == Some(&b'0');
    (1..=18)
        .contains(&length)
        .then_some(length)
        .filter(|_| !zero)
}

/// Shows how much is known only: the bytes are a part of an answer.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fixed: usize = self.parts.iter().map(|part| part.fixed.len()).sum();
        f.debug_struct("Template")
            .field("gaps", &self.parts.len())
            .field("fixed_bytes", &(fixed + self.tail.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
