//! Texts that look like one before.
//!
//! A server writes its answers with the same keys in the same places: what changes are strings and
//! numbers. What stood between them in a text is its frame. Where a new text has the frame of an
//! earlier one, and strings and numbers between, its tape is that of the earlier one with other places,
//! and the grammar need not be looked at again. Frames hold keys, `true`, `false` and `null`, and no string or
//! number of any value.

use super::tape::{self, Kind, Token};
use std::{cell::Cell, mem};

/// How many frames a thread remembers: an answer, and some events of a stream.
const FRAMES: usize = 4;

/// How many tokens a text may have whose frame is remembered, and how many its frame may have bytes.
const MAX_TOKENS: usize = 256;
const MAX_BYTES: usize = 4096;

thread_local! {
    /// Taken while it is in use.
    static DESK: Cell<Option<Box<Desk>>> = const { Cell::new(None) };
}

/// The desk of this thread while it is in use: put back however that ends, and without a move of what
/// was read.
struct Taken(Option<Box<Desk>>);

/// What a thread keeps from one text to the next.
#[derive(Default)]
struct Desk {
    /// The one that was of use last comes first.
    frames: Vec<Frame>,
    /// Where the next tape is written.
    spare: Frame,
}

/// What stands between the strings and numbers of a text.
#[derive(Default)]
struct Frame {
    between: Vec<u8>,
    /// How much of it comes behind the last string or number.
    tail: usize,
    told: Vec<Told>,
    /// The tape of the text. Of the one that was read last it has the places of strings and numbers;
    /// all others count from those.
    tape: Vec<Token>,
}

/// A string or a number.
struct Told {
    /// How much stands between the one before and this one.
    behind: usize,
    /// Which token it is.
    index: usize,
}

/// Lets `read` look at the tape of `text`. `None` where it gives none, and where the text is not JSON or
/// deeper than is usual.
pub(super) fn with_tape<T>(text: &str, read: impl FnOnce(&[Token]) -> Option<T>) -> Option<T> {
    // A thread that ends may have none any more.
    let kept = DESK.try_with(Cell::take).ok().flatten();
    let mut taken = Taken(Some(kept.unwrap_or_default()));
    let desk = taken.0.as_mut()?;
    match desk.find(text.as_bytes()) {
        Some(frame) => read(&frame.tape),
        None => desk.write(text.as_bytes(), read),
    }
}

// === impl Taken ===

impl Drop for Taken {
    fn drop(&mut self) {
        let _gone = DESK.try_with(|kept| kept.set(self.0.take()));
    }
}

// === impl Desk ===

impl Desk {
    /// A frame that the text has, with its tape.
    fn find(&mut self, bytes: &[u8]) -> Option<&Frame> {
        let mut frames = self.frames.iter_mut();
        let index = frames.position(|frame| frame.fit(bytes).is_some())?;
        self.frames.get_mut(..=index)?.rotate_right(1);
        self.frames.first()
    }

    /// Writes the tape of a text, and remembers its frame in place of the oldest.
    fn write<T>(&mut self, bytes: &[u8], read: impl FnOnce(&[Token]) -> Option<T>) -> Option<T> {
        let mut frame = mem::take(&mut self.spare);
        tape::write(bytes, &mut frame.tape)?;
        let learned = frame.learn(bytes);
        let value = read(&frame.tape);
        if learned.is_some() {
            self.frames.insert(0, frame);
        }
        if self.frames.len() > FRAMES {
            self.spare = self.frames.pop().unwrap_or_default();
        }
        value
    }
}

// === impl Frame ===

impl Frame {
    /// Notes where strings and numbers stand in a text that has this frame. `None` where it has another.
    fn fit(&mut self, bytes: &[u8]) -> Option<()> {
        let mut between = self.between.as_slice();
        // The end first: texts that differ there would be looked through in vain.
        let tail = between.len().checked_sub(self.tail)?;
        if !bytes.ends_with(between.get(tail..)?) {
            return None;
        }
        let mut at = 0;
        for Told { behind, index } in &self.told {
            let start = at + behind;
            let (next, rest) = between.split_at_checked(*behind)?;
            if bytes.get(at..start)? != next {
                return None;
            }
            between = rest;
            let token = self.tape.get_mut(*index)?;
            *token = match token.kind {
                Kind::Count | Kind::Number => tape::number_at(bytes, start)?,
                _ => tape::string_at(bytes, start)?,
            };
            at = token.end;
        }
        (bytes.get(at..)? == between).then_some(())
    }

    /// Becomes the frame of the text whose tape was written. `None` where that is too large to
    /// remember; the tape can be read all the same.
    fn learn(&mut self, bytes: &[u8]) -> Option<()> {
        if self.tape.len() > MAX_TOKENS {
            return None;
        }
        self.between.clear();
        self.told.clear();
        let (mut last, mut at) = (0, 0);
        for (index, token) in self.tape.iter_mut().enumerate() {
            if token.is_told() {
                let between = bytes.get(at..token.start)?;
                self.between.extend_from_slice(between);
                let behind = between.len();
                self.told.push(Told { behind, index });
                (last, at) = (index, token.end);
            } else {
                token.after = last;
                token.start -= at;
                token.end -= at;
            }
        }
        let tail = bytes.get(at..)?;
        self.tail = tail.len();
        self.between.extend_from_slice(tail);
        (self.between.len() <= MAX_BYTES).then_some(())
    }
}

#[cfg(test)]
mod tests;
