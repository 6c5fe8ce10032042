//! JSON strings: where they end, and what they say.

use memchr::memchr;
use std::borrow::Cow;
use towline_core::Text;

/// How far to look by words before it is worth to look by more at a time.
const NEAR: usize = 16;

/// How many bytes are looked at together further on.
const BLOCK: usize = 32;

/// With this bit turned round, the quote stands next to the control characters.
const QUOTE_BIT: u8 = 0x02;

/// The text of `string`, which is a JSON string with its quotes: borrowed where it holds no escape.
///
/// # Errors
///
/// When it is no JSON string.
pub fn unescape(string: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match plainly(string) {
        Some(text) => Ok(text),
        None => serde_json::from_str(string).map(Cow::Owned),
    }
}

/// The same, where nothing about it is unusual.
fn plainly(string: &str) -> Option<Cow<'_, str>> {
    let inner = string.strip_prefix('"')?;
    let (length, escapes) = measure(inner.as_bytes())?;
    let (inner, end) = inner.split_at_checked(length)?;
    match escapes {
        _ if end != "\"" => None,
        0 => Some(Cow::Borrowed(inner)),
        _ => text(inner, escapes).map(Cow::Owned),
    }
}

/// `part` as a text of its own: shared with `buffer` where it lies inside, and not copied where it
/// was unescaped.
#[must_use]
pub fn into_text(buffer: &Text, part: Cow<'_, str>) -> Text {
    match part {
        Cow::Borrowed(part) => buffer.share(part),
        Cow::Owned(part) => part.into(),
    }
}

/// How long the string is whose first quote stands before `bytes`, without its quotes, and how many
/// escapes it holds. `None` where it does not end, or holds a byte or an escape that JSON forbids in it.
/// Whether it is UTF-8, and what escapes by number mean, is not looked at.
#[inline]
pub(super) fn measure(bytes: &[u8]) -> Option<(usize, usize)> {
    let special = special(bytes)?;
    if bytes.get(special) == Some(&b'"') {
        return Some((special, 0));
    }
    measure_escaped(bytes, special)
}

/// The same, where something else than the closing quote stands at `at`.
#[inline(never)]
fn measure_escaped(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut escapes = 0;
    loop {
        at += match bytes.get(at..)? {
            [b'"', ..] => return Some((at, escapes)),
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => 2,
            [b'\\', b'u', a, b, c, d, ..] if is_hex([a, b, c, d]) => 6,
            _ => return None,
        };
        escapes += 1;
        at += special(bytes.get(at..)?)?;
    }
}

fn is_hex(digits: [&u8; 4]) -> bool {
    digits.into_iter().all(u8::is_ascii_hexdigit)
}

/// Where the first quote, backslash or control character stands: mostly close by, as keys are short and
/// escapes come in swarms.
#[inline(never)]
fn special(bytes: &[u8]) -> Option<usize> {
    let Some((near, far)) = bytes.split_at_checked(NEAR) else {
        return special_by_words(bytes);
    };
    if let Some(at) = special_by_words(near) {
        return Some(at);
    }
    let mut rest = far;
    while let Some((block, more)) = rest.split_first_chunk::<BLOCK>()
        && !has_special(block)
    {
        rest = more;
    }
    Some(bytes.len() - rest.len() + special_by_words(rest)?)
}

/// Where the next escape begins in the content of a string, where nothing else is special.
#[inline]
fn next_escape(inner: &[u8]) -> Option<usize> {
    let Some((near, far)) = inner.split_at_checked(NEAR) else {
        return special(inner);
    };
    special(near).or_else(|| memchr(b'\\', far).map(|at| NEAR + at))
}

/// The same as [`special`], for few bytes. Looks at eight at a time: in each that is searched for, a
/// subtraction borrows its highest bit, and in none before the first.
#[inline]
fn special_by_words(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::MAX / 0xff;
    let below = |word: u64, bound: u8| word.wrapping_sub(EACH * u64::from(bound)) & !word;
    let mut rest = bytes;
    while let Some((word, more)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quote_or_control = below(word ^ (EACH * u64::from(QUOTE_BIT)), b' ' + 1);
        let slash = below(word ^ (EACH * u64::from(b'\\')), 1);
        let found = (quote_or_control | slash) & (EACH << 7);
        if found != 0 {
            return Some(bytes.len() - rest.len() + leading_bytes(found));
        }
        rest = more;
    }
    Some(bytes.len() - rest.len() + rest.iter().position(is_special)?)
}

/// Looks at every byte: without a branch for each that is one instruction for all.
#[inline]
fn has_special(block: &[u8; BLOCK]) -> bool {
    let found = |found, byte| found | is_special(byte);
    block.iter().fold(false, found)
}

#[inline]
const fn is_special(byte: &u8) -> bool {
    ((*byte ^ QUOTE_BIT) <= b' ') | (*byte == b'\\')
}

/// How many bytes of a little-endian word are zero before the first that is not.
#[inline]
const fn leading_bytes(word: u64) -> usize {
    (word.trailing_zeros() / 8) as usize
}

/// How many blanks stand before something else.
#[inline]
pub(super) fn blanks(bytes: &[u8]) -> usize {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    let mut at = 0;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
        // Indented JSON: a line end, and many spaces.
        while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let spaces = leading_bytes(u64::from_le_bytes(*word) ^ SPACES);
            at += spaces;
            if spaces < 8 {
                break;
            }
        }
    }
    at
}

/// What `inner` says, the content of a string that holds so many `escapes`. `None` where one of them
/// is none.
pub(super) fn text(inner: &str, escapes: usize) -> Option<String> {
    // As long as it will be: what has room left is copied once more to be shared.
    let mut text = String::with_capacity(inner.len().saturating_sub(escapes));
    let mut rest = inner;
    // Between the escapes there is nothing special: no other quote, no control character.
    while let Some(at) = next_escape(rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at)?;
        text.push_str(before);
        text.push(match escape.as_bytes().get(1)? {
            b'n' => '\n',
            kept @ (b'"' | b'\\' | b'/') => char::from(*kept),
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            // Characters by number, some of which take two.
            _ => return serde_json::from_str(&format!("\"{inner}\"")).ok(),
        });
        rest = escape.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests;
