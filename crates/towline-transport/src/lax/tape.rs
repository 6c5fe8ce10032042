//! Which values a JSON text holds, and where they stand.
//!
//! One pass looks at each byte once, checks the grammar, and notes each key and value in the order of
//! the text. Who reads the values finds them without looking at the text again, and steps over what it
//! does not want at once.

use super::string;

/// How deep objects and lists may lie in each other.
const DEPTH: usize = 64;

/// A key, a value, or the end of an object or a list. A key comes right before its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it begins and where it ends, without quotes; of an object or a list, its first bracket.
    /// Counted from where the token `after` ends.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) after: usize,
    /// Of an object or a list, the token after its end. Of a string, how many escapes.
    pub(super) more: usize,
}

/// Comes before all others, and ends where the text begins.
const FIRST: Token = Token::new(Kind::End, 0, 0);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    /// A whole number from zero up that does not overflow.
    Count,
    /// Any other number.
    Number,
    /// A key without an escape.
    Key,
    /// Any other string without an escape.
    Plain,
    /// A string or a key with escapes. What those by number mean is not looked at.
    Escaped,
    Object,
    List,
    End,
}

/// A place in a text.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// An object or a list that has not ended.
#[derive(Clone, Copy)]
struct Open {
    index: usize,
    close: u8,
}

/// Notes what `bytes` hold, which are UTF-8, behind a first token that is not in them. `None` where they
/// are not JSON, or deeper than is usual.
pub(super) fn write(bytes: &[u8], tape: &mut Vec<Token>) -> Option<()> {
    tape.clear();
    tape.push(FIRST);
    let mut cursor = Cursor { bytes, at: 0 };
    let mut open: Option<Open> = None;
    let mut depth = 0;
    loop {
        let byte = cursor.peek();
        match byte {
            b'"' => tape.push(cursor.string()?),
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH {
                    return None;
                }
                let inner = Open {
                    index: tape.len(),
                    // The closing brackets stand two places behind the opening ones.
                    close: byte + 2,
                };
                tape.push(cursor.open(byte, open));
                open = Some(inner);
                if cursor.peek() != inner.close {
                    if inner.close == b'}' {
                        tape.push(cursor.key()?);
                    }
                    continue;
                }
            }
            _ => tape.push(cursor.scalar(byte)?),
        }
        // After a value.
        loop {
            let Some(inner) = open else {
                cursor.peek();
                return (cursor.at == bytes.len()).then_some(());
            };
            let byte = cursor.peek();
            if byte == b',' {
                cursor.at += 1;
                if inner.close == b'}' {
                    tape.push(cursor.key()?);
                }
                break;
            }
            if byte != inner.close {
                return None;
            }
            depth -= 1;
            open = close(tape, inner.index, cursor.at)?;
            cursor.at += 1;
        }
    }
}

/// Ends an object or a list at a bracket, and says in which it lies.
fn close(tape: &mut Vec<Token>, index: usize, at: usize) -> Option<Option<Open>> {
    tape.push(Token::new(Kind::End, at, at + 1));
    let next = tape.len();
    let token = tape.get_mut(index)?;
    let outer = token.more.checked_sub(1);
    token.more = next;
    let Some(index) = outer else {
        return Some(None);
    };
    let close = match tape.get(index)?.kind {
        Kind::List => b']',
        _ => b'}',
    };
    Some(Some(Open { index, close }))
}

// === impl Token ===

impl Token {
    const fn new(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            kind,
            start,
            end,
            after: 0,
            more: 0,
        }
    }

    /// Whether it says something of its own: a string or a number.
    pub(super) const fn is_told(&self) -> bool {
        matches!(
            self.kind,
            Kind::Plain | Kind::Escaped | Kind::Count | Kind::Number
        )
    }
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    /// The next byte that is no blank; zero at the end.
    #[inline(always)]
    fn peek(&mut self) -> u8 {
        let byte = self.byte(0);
        if byte > b' ' {
            return byte;
        }
        let second = self.byte(1);
        self.at += match byte {
            b' ' if second > b' ' => 1,
            _ => string::blanks(self.rest()),
        };
        self.byte(0)
    }

    /// The byte so many places further on; zero past the end.
    #[inline(always)]
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The object or list that begins here. Until it ends, `more` is one above the number of that
    /// in which it lies, and zero where it lies in none.
    #[inline(always)]
    fn open(&mut self, byte: u8, outer: Option<Open>) -> Token {
        let kind = match byte {
            b'[' => Kind::List,
            _ => Kind::Object,
        };
        self.at += 1;
        Token {
            more: outer.map_or(0, |outer| outer.index + 1),
            ..Token::new(kind, self.at - 1, self.at)
        }
    }

    /// The key that comes next. Steps over its colon.
    #[inline(always)]
    fn key(&mut self) -> Option<Token> {
        if self.peek() != b'"' {
            return None;
        }
        let mut key = self.string()?;
        if key.kind == Kind::Plain {
            key.kind = Kind::Key;
        }
        if self.peek() != b':' {
            return None;
        }
        self.at += 1;
        Some(key)
    }

    /// The string that begins here.
    #[inline(always)]
    fn string(&mut self) -> Option<Token> {
        let token = string_at(self.bytes, self.at + 1)?;
        self.at = token.end + 1;
        Some(token)
    }

    /// What begins here and is no string, object or list.
    #[inline(always)]
    fn scalar(&mut self, byte: u8) -> Option<Token> {
        let token = match byte {
            b'n' => self.word(b"null", Kind::Null)?,
            b't' => self.word(b"true", Kind::True)?,
            b'f' => self.word(b"false", Kind::False)?,
            _ => number_at(self.bytes, self.at)?,
        };
        self.at = token.end;
        Some(token)
    }

    fn word(&self, word: &[u8], kind: Kind) -> Option<Token> {
        let token = Token::new(kind, self.at, self.at + word.len());
        self.rest().starts_with(word).then_some(token)
    }
}

/// The string whose first quote stands before `start`.
#[inline(always)]
pub(super) fn string_at(bytes: &[u8], start: usize) -> Option<Token> {
    let (length, more) = string::measure(bytes.get(start..)?)?;
    let kind = match more {
        0 => Kind::Plain,
        _ => Kind::Escaped,
    };
    Some(Token {
        more,
        ..Token::new(kind, start, start + length)
    })
}

/// The number that begins at `start`.
#[inline(always)]
pub(super) fn number_at(bytes: &[u8], start: usize) -> Option<Token> {
    let mut end = start;
    while let Some(b'0'..=b'9') = bytes.get(end) {
        end += 1;
    }
    let zero = end > start + 1 && bytes.get(start) == Some(&b'0');
    let more = matches!(bytes.get(end), Some(b'.' | b'e' | b'E'));
    let kind = if end == start || end > start + 18 || zero || more {
        end = start + any_number(bytes.get(start..)?)?;
        Kind::Number
    } else {
        Kind::Count
    };
    Some(Token::new(kind, start, end))
}

/// How long the number is with which `bytes` begin.
fn any_number(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let zero = rest.first() == Some(&b'0');
    let whole = digits(rest);
    if whole == 0 || (zero && whole > 1) {
        return None;
    }
    rest = rest.get(whole..)?;
    if let [b'.', part @ ..] = rest {
        rest = some_digits(part)?;
    }
    if let [b'e' | b'E', part @ ..] = rest {
        let part = part
            .strip_prefix(b"+")
            .or_else(|| part.strip_prefix(b"-"))
            .unwrap_or(part);
        rest = some_digits(part)?;
    }
    Some(bytes.len() - rest.len())
}

/// What comes after the digits, of which there has to be one.
fn some_digits(bytes: &[u8]) -> Option<&[u8]> {
    match digits(bytes) {
        0 => None,
        digits => bytes.get(digits..),
    }
}

/// With how many digits `bytes` begin.
#[inline]
fn digits(bytes: &[u8]) -> usize {
    let digits = bytes.iter().position(|byte| !byte.is_ascii_digit());
    digits.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
