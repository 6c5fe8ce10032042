//! What conversations have in common that a provider's prompt cache could know.

use crate::{Conversation, Message, Role};

/// A hash that is the same in every process and on every machine: deployments are chosen by it.
#[derive(Clone, Copy, Debug)]
struct Hash {
    state: u64,
}

/// From the fraction of the golden ratio; any odd number without a pattern would do.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Of the model, the instructions and the first question; `None` of a conversation without messages.
pub(super) fn affinity(model: &str, conversation: &Conversation) -> Option<u64> {
    let messages = conversation.messages();
    let first = messages.first()?;
    let mut hash = Hash { state: FACTOR };
    hash.text(model);
    if first.role() != Role::User {
        hash.message(first);
    }
    if let Some(question) = messages.iter().find(|each| each.role() == Role::User) {
        hash.message(question);
    }
    Some(hash.state)
}

// === impl Hash ===

impl Hash {
    fn message(&mut self, message: &Message) {
        self.text(message.role().as_str());
        let parts = message.parts();
        parts
            .iter()
            .filter_map(|part| part.as_text())
            .for_each(|text| self.text(text));
    }

    /// The length goes in too, so that two texts in a row are not one.
    fn text(&mut self, text: &str) {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let rest = rest
            .iter()
            .rfold(0, |word, byte| (word << 8) | u64::from(*byte));
        self.word(rest);
        self.word(u64::try_from(text.len()).unwrap_or(u64::MAX));
    }

    /// Multiplies into 128 bits and folds the halves.
    fn word(&mut self, word: u64) {
        let mixed = self.state.rotate_left(29) ^ word;
        let (low, high) = mixed.carrying_mul(FACTOR, 0);
        self.state = low ^ high ^ FACTOR;
    }
}

#[cfg(test)]
mod tests;
