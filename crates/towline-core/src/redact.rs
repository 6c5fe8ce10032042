//! Keeps keys out of messages. Servers echo them.

use crate::{Secret, Text};
use std::{borrow::Cow, ops::Range};

/// Shorter secrets are not searched for: they would hide ordinary words.
const SHORTEST: usize = 6;

/// The most of a call's id that is kept, in bytes.
const LONGEST_ID: usize = 128;

/// `text` without the secrets that are held, and without what looks like a key of somebody else.
/// For whatever a server says that may end up in a message or a log.
///
/// # Examples
///
/// ```
/// use towline_core::{Secret, redact};
///
/// let held = [Secret::new("hunter2-hunter2")];
/// let said = "wrong key hunter2-hunter2 or sk-0123456789abcdef.";
/// assert_eq!(redact(said, &held), "wrong key *** or sk-***.");
/// ```
#[must_use]
pub fn redact(text: &str, secrets: &[Secret]) -> String {
    let text = without_held(text, secrets);
    let words = text.split_inclusive(|c: char| !is_key_char(c));
    words.map(redact_word).collect()
}

/// The id that a server gave to a call, for messages and logs: cut to 128 bytes, and without the secrets
/// that are held and what looks like a key. An id without either is copied, and nothing else is done.
///
/// # Examples
///
/// ```
/// use towline_core::{Secret, redact_id};
///
/// let held = [Secret::new("hunter2-hunter2")];
/// assert_eq!(redact_id("req_0123", &held), "req_0123");
/// assert_eq!(redact_id("req_hunter2-hunter2", &held), "req_***");
/// ```
#[must_use]
pub fn redact_id(id: &str, secrets: &[Secret]) -> Text {
    let held = |secret: &Secret| is_in(secret.expose().trim(), id);
    let is_harmless = id.len() <= LONGEST_ID && is_plain(id) && !secrets.iter().any(held);
    if is_harmless {
        return Text::from(id);
    }
    Text::from(cut(&redact(id, secrets), LONGEST_ID))
}

/// Whether nothing in `id` looks like a key or moves a cursor. Each call asks this of the id that it got, and
/// mostly that is one word and no key; where it is not, the slower way has a closer look.
fn is_plain(id: &str) -> bool {
    // Every byte is looked at: without a branch for each that is quick.
    let other = |found, byte: &u8| found | !is_key_byte(*byte);
    let is_word = !id.as_bytes().iter().fold(false, other);
    is_word && begins_like_a_key(id.as_bytes()).is_none()
}

/// Whether keys hold such a byte. Without a branch.
const fn is_key_byte(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    letter | digit | (byte == b'-') | (byte == b'_') | (byte == b'*')
}

/// Searches for every secret in the text as it is: one may be a part of another, or overlap with it, and
/// what is replaced first must not hide the other.
fn without_held<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for secret in secrets {
        let secret = secret.expose().trim();
        if is_in(secret, text) {
            spans.extend(found(secret, text));
        }
    }
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_unstable_by_key(|span| span.start);
    let mut clean = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        if span.start >= end {
            clean.push_str(text.get(end..span.start).unwrap_or_default());
            clean.push_str("***");
        }
        end = end.max(span.end);
    }
    clean.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(clean)
}

/// Where `secret` stands in `text`, also where it overlaps with itself.
fn found(secret: &str, text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(secret)?;
        // The next may begin at the next character.
        from = start + text.get(start..)?.chars().next()?.len_utf8();
        Some(start..start + secret.len())
    })
}

/// `text` in one line of at most `longest` bytes and a mark, without what would move a terminal's
/// cursor. To be called on text that went through [`redact`]: half a key would not be found any more.
///
/// # Examples
///
/// ```
/// use towline_core::cut;
///
/// assert_eq!(cut("two\nlines", 20), "two lines");
/// assert_eq!(cut("much too long", 4), "much…[truncated]");
/// ```
#[must_use]
pub fn cut(text: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(plain).collect();
    if text.len() <= longest {
        return text;
    }
    let end = text.floor_char_boundary(longest);
    format!("{}…[truncated]", text.get(..end).unwrap_or_default())
}

/// Whether `secret` is searched for at all, and there.
fn is_in(secret: &str, text: &str) -> bool {
    (SHORTEST..=text.len()).contains(&secret.len()) && text.contains(secret)
}

/// A word that begins like a key loses all behind the beginning; what follows the word stays.
fn redact_word(word: &str) -> Cow<'_, str> {
    let core = word.trim_end_matches(|c: char| !is_key_char(c));
    let rest = word.get(core.len()..).unwrap_or_default();
    begins_like_a_key(core.as_bytes()).map_or(Cow::Borrowed(word), |prefix| {
        Cow::Owned(format!("{prefix}***{rest}"))
    })
}

/// How a word begins that looks like a key.
fn begins_like_a_key(word: &[u8]) -> Option<&'static str> {
    let mut prefixes = ["sk-", "gsk_", "xai-", "pplx-", "hf_", "AIza", "eyJ"].into_iter();
    let is_key =
        |prefix: &str| word.len() >= prefix.len() + 8 && word.starts_with(prefix.as_bytes());
    prefixes.find(|prefix| is_key(prefix))
}

const fn is_key_char(c: char) -> bool {
    c.is_ascii() && is_key_byte(c as u8)
}
