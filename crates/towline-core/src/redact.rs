//! Keeps keys out of messages. Servers echo them.

use crate::Secret;

/// Shorter secrets are not searched for: they would hide ordinary words.
const SHORTEST: usize = 6;

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
    let mut text = text.to_owned();
    for secret in secrets {
        let secret = secret.expose().trim();
        if secret.len() >= SHORTEST && text.contains(secret) {
            text = text.replace(secret, "***");
        }
    }
    let words = text.split_inclusive(|c: char| !is_key_char(c));
    words.map(redact_word).collect()
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

/// A word that begins like a key loses all behind the beginning; what follows the word stays.
fn redact_word(word: &str) -> String {
    let core = word.trim_end_matches(|c: char| !is_key_char(c));
    let rest = word.get(core.len()..).unwrap_or_default();
    for prefix in ["sk-", "gsk_", "xai-", "pplx-", "hf_", "AIza", "eyJ"] {
        if core.starts_with(prefix) && core.len() >= prefix.len() + 8 {
            return format!("{prefix}***{rest}");
        }
    }
    word.to_owned()
}

const fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*')
}
