//! Messages of the contract as turns of the wire.
//!
//! # How turns are kept
//!
//! [`Conversation::wire`] keeps what was written of a conversation and asks only for what is new. It
//! puts commas between messages, which fits a dialect in which each message stands for itself. Here a
//! message may go on with the turn before it, and what was written cannot be changed any more: it is
//! shared with the conversation that this one grew out of.
//!
//! So a turn is never closed before it is known that it is over. What is kept ends inside the content
//! of the last turn. The next message either goes on with it behind the comma, or takes that comma
//! away, closes the turn and opens one. [`END`] closes the last one when a body is put together. That
//! way the kept bytes are the body's own, in few pieces, and none is copied or searched at any turn.
//!
//! The other ways were worse: to keep the blocks of each message with marks between them means to
//! search and cut the whole history at every call; to leave the merging to the server works with
//! Anthropic's own, which does it, and not with all that speak its dialect.

use super::block;
use towline_core::{Conversation, Error, ErrorKind, Message, Role, WireDialect, WireForm};

/// Closes the content of the last turn, the turn, the list of messages and the body.
pub(super) const END: &[u8] = b"]}]}";

/// The API takes no more marks for its cache than this in one request.
///
/// Source: <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching> (November 2026).
const MOST_HINTS: usize = 4;

/// Who speaks, as far as the wire knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    User,
    Assistant,
}

/// Writes messages one after the other, in the order of the conversation.
struct Writer<'a> {
    messages: &'a [Message],
    /// Where the next message stands, and whose turn is open before it.
    place: Option<(usize, Option<Side>)>,
    /// Hints of messages before this one do not count.
    hints_from: usize,
}

/// The conversation without its system messages, as a list of turns of which the last is open.
pub(super) fn messages(conversation: &Conversation) -> Result<WireForm, Error> {
    const DIALECT: WireDialect = WireDialect::new("anthropic-messages", 0);
    let hints_from = hints_from(conversation.messages());
    // With fewer marks than it was kept with, the history has to be written anew.
    let fresh: Conversation;
    let conversation = if hints_from == 0 {
        conversation
    } else {
        fresh = conversation.messages().iter().cloned().collect();
        &fresh
    };
    let mut writer = Writer {
        messages: conversation.messages(),
        place: None,
        hints_from,
    };
    let form = conversation.wire(DIALECT, |message, out| writer.write(message, out))?;
    if form.is_empty() {
        return Err(Error::new(ErrorKind::InvalidRequest).with_message(
            "the conversation holds nothing to answer: no message but instructions or white space",
        ));
    }
    Ok(form)
}

/// The blocks of all system messages, separated by commas. Empty where there are none.
pub(super) fn system(conversation: &Conversation) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for message in conversation.messages() {
        if message.role() != Role::System || !message.parts().iter().any(block::is_sent) {
            continue;
        }
        if !out.is_empty() {
            out.push(b',');
        }
        block::write(message, message.cache_hint(), &mut out)?;
    }
    Ok(out)
}

/// The first message whose hint counts. Where there are more hints than the API takes, those of
/// instructions and then the newest count: they cover the longest beginning.
fn hints_from(messages: &[Message]) -> usize {
    let hinted = |system: bool| {
        let all = messages.iter().enumerate();
        all.filter(move |(_, message)| {
            message.cache_hint().is_some() && (message.role() == Role::System) == system
        })
    };
    let room = MOST_HINTS.saturating_sub(hinted(true).count());
    let mut over = hinted(false).rev().skip(room);
    over.next().map_or(0, |(index, _)| index + 1)
}

// === impl Writer ===

impl Writer<'_> {
    fn write(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), Error> {
        let (index, open) = match self.place {
            Some(place) => place,
            None => self.locate(message)?,
        };
        let side = side(message)?;
        self.place = Some((index + 1, side.or(open)));
        let Some(side) = side else {
            return Ok(());
        };
        if let Some(open) = open.filter(|open| *open != side) {
            debug_assert!(out.ends_with(b","), "a comma behind the turn of {open:?}");
            out.pop_if(|byte| *byte == b',');
            out.extend_from_slice(b"]},");
        }
        if open != Some(side) {
            out.extend_from_slice(side.opening());
        }
        let hint = message.cache_hint().filter(|_| index >= self.hints_from);
        block::write(message, hint, out)
    }

    /// Where the first message that is asked for stands in the conversation: all before it was
    /// written earlier.
    fn locate(&self, message: &Message) -> Result<(usize, Option<Side>), Error> {
        let mut all = self.messages.iter();
        let index = all.position(|known| std::ptr::eq(known, message));
        let index = index.ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest)
                .with_message("a message is not part of the conversation it is sent with")
        })?;
        let before = self.messages.get(..index).unwrap_or_default();
        for message in before.iter().rev() {
            if let Some(side) = side(message)? {
                return Ok((index, Some(side)));
            }
        }
        Ok((index, None))
    }
}

/// Whose turn the message belongs to; `None` where none of it is sent here.
fn side(message: &Message) -> Result<Option<Side>, Error> {
    let side = match message.role() {
        Role::System => return Ok(None),
        // What tools gave is told by the user.
        Role::User | Role::Tool => Side::User,
        Role::Assistant => Side::Assistant,
        role => {
            let what = format!("{role:?} message");
            return Err(block::misplaced(&what, "nowhere in this dialect"));
        }
    };
    Ok(message.parts().iter().any(block::is_sent).then_some(side))
}

// === impl Side ===

impl Side {
    const fn opening(self) -> &'static [u8] {
        match self {
            Self::User => br#"{"role":"user","content":["#,
            Self::Assistant => br#"{"role":"assistant","content":["#,
        }
    }
}
