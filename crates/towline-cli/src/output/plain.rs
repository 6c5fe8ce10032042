//! Text without control sequences.

use std::{borrow::Cow, fmt::Write};

/// The text as a terminal may have it: line breaks and tabs stay, every other control character is
/// replaced by its picture, so that it is seen and does nothing.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            c if is_active(c) => shown.push(picture(c)),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// JSON text with the same characters escaped: it means the same, and does nothing to a terminal.
pub(super) fn escaped(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_active) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_active(c) {
            // Outside of strings there are none. A string takes what is written into it.
            let _written = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// C0, DEL and C1, and the marks that turn the direction of writing.
const fn is_active(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// U+2400 and on hold a picture for each of C0, U+2421 that of DEL.
fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests;
