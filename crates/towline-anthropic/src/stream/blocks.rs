//! Which block a delta belongs to.

use crate::{convert::answer::call_id, wire::answer::Block};
use std::fmt;
use towline_core::{Error, ErrorKind, Event, Text, ToolCallDelta};

/// The blocks of an answer, in the order in which they began. Anthropic closes one before it opens
/// the next; llama.cpp keeps several open and closes them all at the end.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    list: Vec<Open>,
    calls: usize,
}

/// A block that has begun.
#[derive(Debug)]
struct Open {
    /// The server's own number.
    index: u64,
    kind: Kind,
    closed: bool,
}

/// What a block is to the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Text,
    Thinking,
    /// Thinking that only Anthropic can read. It comes whole.
    Hidden,
    /// A call, by its number in the answer.
    ToolUse {
        call: usize,
        /// Whether some of its arguments have come.
        said: bool,
    },
    /// A block of a tool on the server's side, or one that is not known.
    Other,
}

// === impl Blocks ===

impl Blocks {
    /// Whether there is a tool call.
    pub(super) const fn any_call(&self) -> bool {
        self.calls > 0
    }

    /// Notes that a block begins. Two under one number are two answers in one stream.
    pub(super) fn begin(&mut self, index: Option<u64>, block: &Block<'_>) -> Result<Kind, Error> {
        let index = index.unwrap_or_else(|| self.next_index());
        if self.list.iter().any(|open| open.index == index) {
            return Err(mixed(format_args!("block {index} begins twice")));
        }
        let kind = match &*block.kind.0 {
            "text" => Kind::Text,
            "thinking" => Kind::Thinking,
            "redacted_thinking" => Kind::Hidden,
            "tool_use" => {
                let call = self.calls;
                self.calls += 1;
                let said = !block.arguments().is_empty();
                Kind::ToolUse { call, said }
            }
            _ => Kind::Other,
        };
        self.list.push(Open {
            index,
            kind,
            closed: false,
        });
        Ok(kind)
    }

    /// What the block with this number is. One that never began, or has ended, is an error.
    pub(super) fn kind(&mut self, index: Option<u64>) -> Result<&mut Kind, Error> {
        let mut open = self.list.iter_mut().rev().filter(|open| !open.closed);
        let found = match index {
            Some(index) => open.find(|open| open.index == index),
            None => open.next(),
        };
        let open = found.ok_or_else(|| {
            let index = index.unwrap_or_default();
            mixed(format_args!(
                "there is more of block {index}, which is not open"
            ))
        })?;
        Ok(&mut open.kind)
    }

    /// Notes that a block ends. A call of which no arguments came has none: an empty object.
    pub(super) fn end(&mut self, index: Option<u64>) -> Option<Event> {
        let mut open = self.list.iter_mut().rev().filter(|open| !open.closed);
        let open = match index {
            Some(index) => open.find(|open| open.index == index)?,
            None => open.next()?,
        };
        open.closed = true;
        open.kind.empty_arguments()
    }

    /// Ends whatever is still open.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = Event> {
        let open = self.list.iter_mut().filter(|open| !open.closed);
        open.filter_map(|open| {
            open.closed = true;
            open.kind.empty_arguments()
        })
    }

    fn next_index(&self) -> u64 {
        let highest = self.list.iter().map(|open| open.index).max();
        highest.map_or(0, |index| index.saturating_add(1))
    }
}

// === impl Kind ===

impl Kind {
    fn empty_arguments(self) -> Option<Event> {
        match self {
            Self::ToolUse { call, said: false } => {
                let nothing = Text::from_static("{}");
                Some(Event::ToolCall(ToolCallDelta::new(call, nothing)))
            }
            Self::ToolUse { .. } | Self::Text | Self::Thinking | Self::Hidden | Self::Other => None,
        }
    }
}

/// The first delta of a call.
pub(super) fn first_delta(
    buffer: &Text,
    answer: &str,
    call: usize,
    block: &Block<'_>,
) -> ToolCallDelta {
    ToolCallDelta::new(call, buffer.share(block.arguments()))
        .with_id(call_id(buffer, answer, call, block))
        .with_name(buffer.share(&block.name.0))
}

/// The stream is not the one of one answer.
pub(super) fn mixed(what: fmt::Arguments<'_>) -> Error {
    Error::new(ErrorKind::Protocol).with_message(format!(
        "the stream is out of order: {what}; something between here and the model mixes answers or drops events"
    ))
}
