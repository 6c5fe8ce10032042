//! Which values a JSON text holds, and where they stand.
//!
//! One pass looks at each byte once, checks the grammar, and notes each key and value in the order of
//! the text. Who reads the values finds them without looking at the text again, and steps over what it
//! does not want at once.

use super::string;

/// How deep objects and lists may lie in each other.
const DEPTH: usize = 64;

/// How many tokens a tape has at most: a text of two bytes a value must not cost forty bytes each.
const LONGEST: usize = 1 << 16;

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

/// Writes a tape.
struct Writer<'a> {
    bytes: &'a [u8],
    at: usize,
    tape: &'a mut Vec<Token>,
    /// The innermost object or list that has not ended.
    open: Option<Open>,
    depth: usize,
}

/// An object or a list that has not ended. Until it has, `more` of its token is one above the number of
/// that in which it lies, and zero where it lies in none.
#[derive(Clone, Copy)]
struct Open {
    index: usize,
    close: u8,
}

/// Notes what `bytes` hold, which are UTF-8, behind a first token that is not in them. `None` where they
/// are not JSON, or deeper or of more values than is usual.
pub(super) fn write(bytes: &[u8], tape: &mut Vec<Token>) -> Option<()> {
    tape.clear();
    tape.push(FIRST);
    let mut writer = Writer {
        bytes,
        at: 0,
        tape,
        open: None,
        depth: 0,
    };
    writer.write()
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

// === impl Writer ===

impl<'a> Writer<'a> {
    fn write(&mut self) -> Option<()> {
        loop {
            let mut more = self.value()?;
            while !more {
                let Some(inner) = self.open else {
                    self.peek();
                    return (self.at == self.bytes.len()).then_some(());
                };
                more = self.behind(inner)?;
            }
        }
    }

    /// Notes the value that comes next, and says whether one begins in it.
    fn value(&mut self) -> Option<bool> {
        let token = match self.peek() {
            b'"' => self.string()?,
            byte @ (b'{' | b'[') => return self.enter(byte),
            byte => self.scalar(byte)?,
        };
        self.note(token)?;
        Some(false)
    }

    fn note(&mut self, token: Token) -> Option<()> {
        if self.tape.len() == LONGEST {
            return None;
        }
        self.tape.push(token);
        Some(())
    }

    /// Notes that an object or a list begins, and its first key.
    fn enter(&mut self, byte: u8) -> Option<bool> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let inner = Open {
            index: self.tape.len(),
            // The closing brackets stand two places behind the opening ones.
            close: byte + 2,
        };
        let kind = match byte {
            b'[' => Kind::List,
            _ => Kind::Object,
        };
        self.note(Token {
            more: self.open.map_or(0, |outer| outer.index + 1),
            ..Token::new(kind, self.at, self.at + 1)
        })?;
        self.at += 1;
        self.open = Some(inner);
        if self.peek() == inner.close {
            return Some(false);
        }
        self.key_of(inner)?;
        Some(true)
    }

    /// Notes what stands behind a value in `inner`: the next key, or its end. Whether a value follows.
    fn behind(&mut self, inner: Open) -> Option<bool> {
        let byte = self.peek();
        if byte == b',' {
            self.at += 1;
            self.key_of(inner)?;
            return Some(true);
        }
        if byte != inner.close {
            return None;
        }
        self.leave(inner)?;
        Some(false)
    }

    fn leave(&mut self, inner: Open) -> Option<()> {
        self.note(Token::new(Kind::End, self.at, self.at + 1))?;
        self.at += 1;
        self.depth -= 1;
        let next = self.tape.len();
        let token = self.tape.get_mut(inner.index)?;
        let outer = token.more.checked_sub(1);
        token.more = next;
        self.open = match outer {
            Some(index) => Some(self.opened(index)?),
            None => None,
        };
        Some(())
    }

    fn opened(&self, index: usize) -> Option<Open> {
        let close = match self.tape.get(index)?.kind {
            Kind::List => b']',
            _ => b'}',
        };
        Some(Open { index, close })
    }

    /// The next byte that is no blank; zero at the end.
    #[inline]
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
    #[inline]
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Notes the key that comes next, where `inner` has keys, and steps over its colon.
    fn key_of(&mut self, inner: Open) -> Option<()> {
        if inner.close != b'}' {
            return Some(());
        }
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
        self.note(key)
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Option<Token> {
        let token = string_at(self.bytes, self.at + 1)?;
        self.at = token.end + 1;
        Some(token)
    }

    /// What begins here and is no string, object or list.
    #[inline]
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
#[inline]
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
#[inline]
pub(super) fn number_at(bytes: &[u8], start: usize) -> Option<Token> {
    let rest = bytes.get(start..)?;
    let digits = digits(rest);
    let zero = digits > 1 && rest.first() == Some(&b'0');
    let more = matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
    let (kind, length) = if digits == 0 || digits > 18 || zero || more {
        (Kind::Number, any_number(rest)?)
    } else {
        (Kind::Count, digits)
    };
    Some(Token::new(kind, start, start + length))
}

/// How long the number is with which `bytes` begin.
#[inline(never)]
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
