//! Texts that look like one before.
//!
//! A server writes its answers with the same keys in the same places: what changes are strings and
//! numbers. What stood between them in a text is its frame. Where a new text has the frame of an
//! earlier one, and strings and numbers between, its tape is that of the earlier one with other places,
//! and the grammar need not be looked at again. Frames hold keys and nothing that a value said.

use super::tape::{self, Kind, Token};
use std::cell::Cell;

/// How many frames a thread remembers: an answer, and some events of a stream.
const FRAMES: usize = 4;

/// How many tokens a text may have whose frame is remembered, and how many its frame may have bytes.
const MAX_TOKENS: usize = 256;
const MAX_BYTES: usize = 4096;

thread_local! {
    /// Taken while it is in use.
    static DESK: Cell<Option<Box<Desk>>> = const { Cell::new(None) };
}

/// What a thread keeps from one text to the next.
#[derive(Default)]
struct Desk {
    tape: Vec<Token>,
    /// The one that was of use last comes first.
    frames: Vec<Frame>,
}

/// What stands between the strings and numbers of a text.
#[derive(Default)]
struct Frame {
    between: Vec<u8>,
    /// The tape of the text. Places count from the end of the last string or number, the beginning of
    /// a string or a number among them.
    tape: Vec<Token>,
}

/// Lets `read` look at the tape of `text`. `None` where it gives none, and where the text is not JSON or
/// deeper than is usual.
pub(super) fn with_tape<T>(text: &str, read: impl FnOnce(&[Token]) -> Option<T>) -> Option<T> {
    let mut desk = DESK.take().unwrap_or_default();
    let value = desk.write(text.as_bytes()).and_then(|()| read(&desk.tape));
    if desk.tape.capacity() <= MAX_TOKENS * 2 {
        DESK.set(Some(desk));
    }
    value
}

// === impl Desk ===

impl Desk {
    fn write(&mut self, bytes: &[u8]) -> Option<()> {
        for index in 0..self.frames.len() {
            self.tape.clear();
            let frame = self.frames.get(index)?;
            if frame.fit(bytes, &mut self.tape).is_some() {
                self.frames.swap(0, index);
                return Some(());
            }
        }
        self.tape.clear();
        tape::write(bytes, &mut self.tape)?;
        self.learn(bytes);
        Some(())
    }

    /// Remembers the frame of the text whose tape was written, in place of the oldest.
    fn learn(&mut self, bytes: &[u8]) {
        if self.tape.len() > MAX_TOKENS {
            return;
        }
        let mut frame = match self.frames.len() {
            FRAMES => self.frames.pop().unwrap_or_default(),
            _ => Frame::default(),
        };
        if frame.learn(bytes, &self.tape).is_some() {
            self.frames.insert(0, frame);
        }
    }
}

// === impl Frame ===

impl Frame {
    /// Writes the tape of a text that has this frame. `None` where it has another.
    fn fit(&self, bytes: &[u8], tape: &mut Vec<Token>) -> Option<()> {
        let mut between = self.between.as_slice();
        let mut at = 0;
        for token in &self.tape {
            let Token { start, end, .. } = *token;
            let token = match token.kind {
                Kind::Plain | Kind::Escaped => {
                    at = step_over(bytes, at, &mut between, start)?;
                    tape::string_at(bytes, at)?
                }
                Kind::Count | Kind::Number => {
                    at = step_over(bytes, at, &mut between, start)?;
                    tape::number_at(bytes, at)?
                }
                _ => Token {
                    start: at + start,
                    end: at + end,
                    ..*token
                },
            };
            if changes(token.kind) {
                at = token.end;
            }
            tape.push(token);
        }
        (bytes.get(at..)? == between).then_some(())
    }

    /// Becomes the frame of a text, whose tape this is. `None` where that is too large to remember.
    fn learn(&mut self, bytes: &[u8], tape: &[Token]) -> Option<()> {
        self.between.clear();
        self.tape.clear();
        let mut at = 0;
        for token in tape {
            let (start, end) = (token.start - at, token.end - at);
            self.tape.push(Token { start, end, ..*token });
            if changes(token.kind) {
                self.between.extend_from_slice(bytes.get(at..token.start)?);
                at = token.end;
            }
        }
        self.between.extend_from_slice(bytes.get(at..)?);
        (self.between.len() <= MAX_BYTES).then_some(())
    }
}

/// Whether it is another in each text.
fn changes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Plain | Kind::Escaped | Kind::Count | Kind::Number
    )
}

/// Where `length` bytes end that begin `at`. `None` where they are others than the next of `between`.
#[inline]
fn step_over(bytes: &[u8], at: usize, between: &mut &[u8], length: usize) -> Option<usize> {
    let (next, rest) = between.split_at_checked(length)?;
    let end = at + length;
    if bytes.get(at..end)? != next {
        return None;
    }
    *between = rest;
    Some(end)
}

#[cfg(test)]
mod tests;
