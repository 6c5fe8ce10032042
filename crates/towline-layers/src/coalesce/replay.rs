//! The pieces of an answer, kept for those who read later.

use std::collections::VecDeque;
use towline_core::Event;

/// The last events of an answer, up to a bound.
#[derive(Debug)]
pub(super) struct Replay {
    events: VecDeque<Event>,
    /// The place of the first of them in the answer.
    first: u64,
    bytes: usize,
    bound: usize,
}

/// What is at a place of the answer.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Here(&'a Event),
    /// It was thrown away.
    Gone,
    /// It has not arrived.
    Ahead,
}

// === impl Replay ===

impl Replay {
    pub(super) const fn new(bound: usize) -> Self {
        Self {
            events: VecDeque::new(),
            first: 0,
            bytes: 0,
            bound,
        }
    }

    /// Adds what arrived. The oldest goes where there is too much; the newest always stays.
    pub(super) fn push(&mut self, event: Event) {
        self.bytes = self.bytes.saturating_add(weight(&event));
        self.events.push_back(event);
        while self.bytes > self.bound && self.events.len() > 1 {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes = self.bytes.saturating_sub(weight(&oldest));
                self.first += 1;
            }
        }
    }

    pub(super) fn get(&self, place: u64) -> Piece<'_> {
        let Some(offset) = place.checked_sub(self.first) else {
            return Piece::Gone;
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.events.get(offset).map_or(Piece::Ahead, Piece::Here)
    }

    /// Whether the answer can still be told from its start.
    pub(super) const fn is_whole(&self) -> bool {
        self.first == 0
    }
}

/// The bytes that an event stands for: its own, and those of its text.
fn weight(event: &Event) -> usize {
    let text = match event {
        Event::Text(text) | Event::Refusal(text) => text.len(),
        Event::Reasoning(delta) => {
            let encrypted = delta.encrypted().map_or(0, |data| data.len());
            let signature = delta.signature().map_or(0, |signature| signature.len());
            delta.text().len() + encrypted + signature
        }
        Event::ToolCall(delta) => delta.arguments().len(),
        Event::Usage(usage) => usage.raw().map_or(0, |raw| raw.len()),
        _ => 0,
    };
    size_of::<Event>() + text
}

#[cfg(test)]
mod tests;
