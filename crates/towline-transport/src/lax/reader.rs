//! Reads the JSON that servers usually send.
//!
//! A deserializer for the plain case: text that is borrowed or unescaped in one step, whole numbers,
//! objects and lists of common depth. It reads from a tape, on which all keys and values stand. What it
//! does not know, or holds for wrong, it leaves to `serde_json`, which has the last word: what is read
//! here reads the same there, and each error is one of `serde_json`.

use super::{
    frame::with_tape,
    string,
    tape::{Kind, Token},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;
use std::fmt;

/// Under this name [`Raw`] asks for the text of a value.
const RAW: &str = "towline_transport::lax::Raw";

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a transparent wrapper: wire shapes take it apart"
)]
pub struct Raw<'a>(pub &'a str);

/// Reads `text`: as [`serde_json::from_str`], and in less time.
///
/// # Errors
///
/// Those of [`serde_json::from_str`].
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    match read(text) {
        Some(value) => Ok(value),
        None => serde_json::from_str(text),
    }
}

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    with_tape(text, |tape| {
        let mut reader = Reader { text, tape, at: 1 };
        match T::deserialize(&mut reader) {
            Ok(value) if reader.at == tape.len() => Some(value),
            _ => None,
        }
    })
}

/// Not for this reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Unusual;

/// The keys and values of a text, and which of them comes next.
struct Reader<'a, 'de> {
    text: &'de str,
    tape: &'a [Token],
    at: usize,
}

/// What is left of an object or a list.
struct Inside<'r, 'a, 'de> {
    reader: &'r mut Reader<'a, 'de>,
}

/// The key that comes next.
struct Key<'r, 'a, 'de>(&'r mut Reader<'a, 'de>);

// === impl Raw ===

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    /// From the reader of this module.
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Raw(text))
    }

    /// From `serde_json`.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        <&RawValue>::deserialize(json).map(|raw| Raw(raw.get()))
    }
}

// === impl Unusual ===

impl Error for Unusual {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Unusual {}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unusual JSON")
    }
}

// === impl Reader ===

impl<'a, 'de> Reader<'a, 'de> {
    /// The next key or value.
    fn next(&mut self) -> Result<&'a Token, Unusual> {
        let token = self.tape.get(self.at).ok_or(Unusual)?;
        self.at += 1;
        Ok(token)
    }

    /// The next value, with all that it holds.
    fn skip(&mut self) -> Result<&'a Token, Unusual> {
        let token = self.next()?;
        if matches!(token.kind, Kind::Object | Kind::List) {
            self.at = token.more;
        }
        Ok(token)
    }

    /// Reads a value. Who reads none would not come to an end.
    fn step<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Unusual>,
    ) -> Result<T, Unusual> {
        let before = self.at;
        let value = read(self)?;
        if self.at == before {
            return Err(Unusual);
        }
        Ok(value)
    }

    /// Whether an object or a list ends here.
    fn is_at_end(&self) -> bool {
        let next = self.tape.get(self.at);
        next.is_none_or(|token| token.kind == Kind::End)
    }

    fn text(&self, token: &Token) -> Result<&'de str, Unusual> {
        let zero = self.zero(token)?;
        let text = self.text.get(zero + token.start..zero + token.end);
        text.ok_or(Unusual)
    }

    /// From where the places of a token count.
    fn zero(&self, token: &Token) -> Result<usize, Unusual> {
        let after = self.tape.get(token.after).ok_or(Unusual)?;
        Ok(after.end)
    }

    /// What a string with escapes says.
    fn unescaped(&self, token: &Token) -> Result<String, Unusual> {
        string::text(self.text(token)?, token.more).ok_or(Unusual)
    }

    fn count(&self, token: &Token) -> Result<u64, Unusual> {
        let digits = self.text(token)?.bytes();
        Ok(digits.fold(0, |count, digit| count * 10 + u64::from(digit - b'0')))
    }

    /// Reads what `token` holds. All of it has to be read.
    fn inside<T>(
        &mut self,
        token: &Token,
        read: impl FnOnce(Inside<'_, 'a, 'de>) -> Result<T, Unusual>,
    ) -> Result<T, Unusual> {
        let value = read(Inside { reader: self })?;
        // The last that was read is its end.
        self.at += 1;
        if self.at == token.more {
            Ok(value)
        } else {
            Err(Unusual)
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'_, 'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let token = self.next()?;
        match token.kind {
            Kind::Plain | Kind::Key => visitor.visit_borrowed_str(self.text(token)?),
            Kind::Escaped => visitor.visit_string(self.unescaped(token)?),
            Kind::Count => visitor.visit_u64(self.count(token)?),
            Kind::Object => self.inside(token, |inside| visitor.visit_map(inside)),
            Kind::List => self.inside(token, |inside| visitor.visit_seq(inside)),
            Kind::Null => visitor.visit_unit(),
            Kind::True => visitor.visit_bool(true),
            Kind::False => visitor.visit_bool(false),
            Kind::Number | Kind::End => Err(Unusual),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.tape.get(self.at) {
            Some(token) if token.kind == Kind::Null => {
                self.at += 1;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        let first = self.skip()?;
        let last = self.tape.get(self.at - 1).ok_or(Unusual)?;
        let quote = usize::from(matches!(first.kind, Kind::Plain | Kind::Escaped));
        let start = self.zero(first)? + first.start - quote;
        let end = self.zero(last)? + last.end + quote;
        visitor.visit_borrowed_str(self.text.get(start..end).ok_or(Unusual)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

// === impl Key ===

impl<'de> Deserializer<'de> for Key<'_, '_, 'de> {
    type Error = Unusual;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        (&mut *self.0).deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        let key = self.0.next()?;
        if key.kind == Kind::Escaped {
            // Also of a key that nobody reads `serde_json` asks what its escapes mean.
            self.0.unescaped(key)?;
        }
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

// === impl Inside ===

impl<'de> MapAccess<'de> for Inside<'_, '_, 'de> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unusual> {
        if self.reader.is_at_end() {
            return Ok(None);
        }
        seed.deserialize(Key(self.reader)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        self.reader.step(|reader| seed.deserialize(reader))
    }
}

impl<'de> SeqAccess<'de> for Inside<'_, '_, 'de> {
    type Error = Unusual;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unusual> {
        if self.reader.is_at_end() {
            return Ok(None);
        }
        let element = self.reader.step(|reader| seed.deserialize(reader));
        element.map(Some)
    }
}

#[cfg(test)]
mod tests;
