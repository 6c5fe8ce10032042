//! Text that shares memory with the bytes it was read from.

use bytes::Bytes;
use bytestring::ByteString;
use std::{
    borrow::Borrow,
    collections::BTreeSet,
    fmt,
    ops::Deref,
    str::Utf8Error,
    sync::{Mutex, PoisonError},
};

/// Immutable text. A clone is a reference count; a part of a network buffer is a slice of it, so a
/// streamed answer is not copied piece by piece.
///
/// It keeps the whole buffer alive: text that is to outlive its answer for long is better copied
/// (`text.as_str().to_owned()`).
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text {
    inner: ByteString,
}

/// The names that are kept.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

const MAX_NAMES: usize = 1024;
const MAX_NAME: usize = 256;

// === impl Text ===

impl Text {
    /// The empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inner: ByteString::new(),
        }
    }

    /// Text that lives as long as the program; allocates nothing.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self {
            inner: ByteString::from_static(text),
        }
    }

    /// A name that stays for as long as the program runs, such as that of a configured model: each is kept
    /// once, and a clone does not even count. Beyond 1,024 names, or 256 bytes, text as any other.
    ///
    /// # Examples
    ///
    /// ```
    /// use towline_core::Text;
    ///
    /// let name = Text::interned(&String::from("gpt-4o"));
    /// assert_eq!(name.as_ptr(), Text::interned("gpt-4o").as_ptr());
    /// ```
    #[must_use]
    pub fn interned(name: &str) -> Self {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Self::from_static(known);
        }
        if names.len() >= MAX_NAMES || name.len() > MAX_NAME {
            return Self::from(name);
        }
        let kept: &'static str = Box::leak(Box::from(name));
        names.insert(kept);
        Self::from_static(kept)
    }

    /// Takes `bytes` as text, without a copy.
    ///
    /// # Errors
    ///
    /// When they are not UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Utf8Error> {
        ByteString::try_from(bytes).map(|inner| Self { inner })
    }

    /// `part` as a text of its own: a slice of this buffer where it lies inside, else a copy.
    #[must_use]
    pub fn share(&self, part: &str) -> Self {
        let whole = self.inner.as_bytes().as_ptr_range();
        let range = part.as_bytes().as_ptr_range();
        if !part.is_empty() && whole.start <= range.start && range.end <= whole.end {
            Self {
                inner: self.inner.slice_ref(part),
            }
        } else {
            Self::from(part)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.inner
    }

    /// The bytes of the text, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.inner.into_bytes()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.inner
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.inner
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.inner
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { inner: text.into() }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            Self::new()
        } else {
            Self { inner: text.into() }
        }
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}
