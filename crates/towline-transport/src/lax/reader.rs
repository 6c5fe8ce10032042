//! Reads the JSON that servers usually send.
//!
//! A deserializer for the plain case: text that is borrowed or unescaped in one step, whole numbers,
//! objects and lists of common depth. What it does not know, or holds for wrong, it leaves to
//! `serde_json`, which has the last word: what is read here reads the same there, and each error is
//! one of `serde_json`.

use super::string::{self, Found};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::value::RawValue;
use std::fmt;

/// How deep objects and lists may lie in each other.
const DEPTH: u8 = 64;

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
    read(text).or_else(|Unusual| serde_json::from_str(text))
}

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unusual> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: DEPTH,
    };
    let value = T::deserialize(&mut reader)?;
    reader.peek();
    if reader.at == text.len() {
        Ok(value)
    } else {
        Err(Unusual)
    }
}

/// Not for this reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Unusual;

/// Text, and how far it is read.
struct Reader<'de> {
    text: &'de str,
    at: usize,
    /// How many more levels may be entered.
    depth: u8,
}

/// What stands in an object or a list.
struct Inside<'a, 'de> {
    reader: &'a mut Reader<'de>,
    close: u8,
    started: bool,
    ended: bool,
}

/// A key, at whose first quote the reader stands.
struct Key<'a, 'de>(&'a mut Reader<'de>);

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

impl<'de> Reader<'de> {
    /// The next byte that is no blank; zero at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        match self.rest() {
            [byte, ..] if *byte > b' ' => *byte,
            rest => {
                let blanks = string::blanks(rest);
                self.at += blanks;
                rest.get(blanks).copied().unwrap_or(0)
            }
        }
    }

    #[inline]
    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn word(&mut self, word: &str) -> Result<(), Unusual> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(Unusual)
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Result<Found<'de>, Unusual> {
        let start = self.at + 1;
        let text = self.text.get(start..).ok_or(Unusual)?;
        let (found, length) = string::find(text).ok_or(Unusual)?;
        self.at = start + length + 1;
        Ok(found)
    }

    /// Hands the string that begins here over.
    #[inline]
    fn visit_string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        match self.string()? {
            Found::Plain(text) => visitor.visit_borrowed_str(text),
            Found::Escaped(text, escapes) => {
                visitor.visit_string(string::text(text, escapes).ok_or(Unusual)?)
            }
        }
    }

    /// A whole number from zero up, of a length that cannot overflow.
    fn number(&mut self) -> Result<u64, Unusual> {
        let rest = self.rest();
        let mut number = 0_u64;
        let mut digits = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(digits) {
            number = number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0'));
            digits += 1;
        }
        let zero = digits > 1 && rest.first() == Some(&b'0');
        let more = matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        if digits == 0 || digits > 18 || zero || more {
            return Err(Unusual);
        }
        self.at += digits;
        Ok(number)
    }

    /// Steps over a value.
    fn skip(&mut self) -> Result<(), Unusual> {
        match self.peek() {
            b'"' => self.skip_string()?,
            b'{' => self.inside(b'}', |inside| inside.skip_entries())?,
            b'[' => self.inside(b']', |inside| inside.skip_elements())?,
            b'n' => self.word("null")?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            _ => self.skip_number()?,
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Result<(), Unusual> {
        match self.string()? {
            Found::Escaped(inner, _) if !string::is_sound(inner) => Err(Unusual),
            _ => Ok(()),
        }
    }

    fn skip_number(&mut self) -> Result<(), Unusual> {
        if self.rest().first() == Some(&b'-') {
            self.at += 1;
        }
        let zero = self.rest().first() == Some(&b'0');
        let digits = self.skip_digits()?;
        if zero && digits > 1 {
            return Err(Unusual);
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest() {
            let sign = matches!(rest.first(), Some(b'+' | b'-'));
            self.at += 1 + usize::from(sign);
            self.skip_digits()?;
        }
        Ok(())
    }

    /// Steps over the digits, of which there has to be one, and counts them.
    fn skip_digits(&mut self) -> Result<usize, Unusual> {
        let rest = self.rest();
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit());
        let digits = digits.unwrap_or(rest.len());
        self.at += digits;
        if digits == 0 {
            Err(Unusual)
        } else {
            Ok(digits)
        }
    }

    /// Reads what stands between the bracket that comes next and `close`. All of it has to be read.
    fn inside<T>(
        &mut self,
        close: u8,
        read: impl FnOnce(&mut Inside<'_, 'de>) -> Result<T, Unusual>,
    ) -> Result<T, Unusual> {
        self.at += 1;
        self.depth = self.depth.checked_sub(1).ok_or(Unusual)?;
        let mut inside = Inside {
            reader: self,
            close,
            started: false,
            ended: false,
        };
        let value = read(&mut inside)?;
        if !inside.ended {
            return Err(Unusual);
        }
        self.depth += 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.peek() {
            b'"' => self.visit_string(visitor),
            b'{' => self.inside(b'}', |inside| visitor.visit_map(inside)),
            b'[' => self.inside(b']', |inside| visitor.visit_seq(inside)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => self.number().and_then(|number| visitor.visit_u64(number)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.peek() == b'n' {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        self.peek();
        let start = self.at;
        self.skip()?;
        visitor.visit_borrowed_str(self.text.get(start..self.at).ok_or(Unusual)?)
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

// === impl Inside ===

impl<'de> Inside<'_, 'de> {
    /// Steps to the next entry or element, and says how it begins. `None` at the end.
    #[inline]
    fn advance(&mut self) -> Result<Option<u8>, Unusual> {
        let mut byte = self.reader.peek();
        if byte == self.close {
            self.reader.at += 1;
            self.ended = true;
            return Ok(None);
        }
        if self.started {
            if byte != b',' {
                return Err(Unusual);
            }
            self.reader.at += 1;
            byte = self.reader.peek();
            // Otherwise `[1,]` were a list.
            if byte == self.close {
                return Err(Unusual);
            }
        }
        self.started = true;
        Ok(Some(byte))
    }

    /// Steps to the next key. Whether there is one.
    #[inline]
    fn advance_to_key(&mut self) -> Result<bool, Unusual> {
        match self.advance()? {
            Some(b'"') => Ok(true),
            Some(_) => Err(Unusual),
            None => Ok(false),
        }
    }

    /// Steps over the colon, which comes next.
    #[inline]
    fn step_to_value(&mut self) -> Result<(), Unusual> {
        if self.reader.peek() != b':' {
            return Err(Unusual);
        }
        self.reader.at += 1;
        Ok(())
    }

    fn skip_entries(&mut self) -> Result<(), Unusual> {
        while self.advance_to_key()? {
            self.reader.skip_string()?;
            self.step_to_value()?;
            self.reader.skip()?;
        }
        Ok(())
    }

    fn skip_elements(&mut self) -> Result<(), Unusual> {
        while self.advance()?.is_some() {
            self.reader.skip()?;
        }
        Ok(())
    }
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Unusual;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.0.visit_string(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.0.skip_string()?;
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

impl<'de> MapAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unusual> {
        if self.advance_to_key()? {
            return seed.deserialize(Key(self.reader)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        self.step_to_value()?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Unusual;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unusual> {
        if self.advance()?.is_some() {
            return seed.deserialize(&mut *self.reader).map(Some);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
