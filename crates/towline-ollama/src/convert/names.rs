//! Which tool a result came from.

use towline_core::{Message, ToolCall};

/// Finds the tool of a result: the contract names the call, this API wants the name of the tool.
///
/// Messages are written once and kept, so a result may be written long after its call. Ids need not
/// be unique over a whole conversation, so the nearest call before the result counts. What stands
/// before a message never changes, so neither does the name, and the written form may be kept.
#[derive(Debug)]
pub(crate) struct ToolNames<'a> {
    messages: &'a [Message],
    /// How many messages stand before the one that is being written.
    before: Option<usize>,
}

// === impl ToolNames ===

impl<'a> ToolNames<'a> {
    /// For messages of `conversation`, written in their order; the first ones may be left out.
    pub(crate) const fn new(conversation: &'a [Message]) -> Self {
        Self {
            messages: conversation,
            before: None,
        }
    }

    /// Goes on to `message`, which is one of the conversation.
    pub(crate) fn advance(&mut self, message: &Message) {
        // Equal messages may stand in several places: it is the place in memory that tells.
        let is_it = |place: usize| {
            let here = self.messages.get(place);
            here.is_some_and(|here| std::ptr::eq(here, message))
        };
        let next = self.before.map_or(0, |before| before + 1);
        let place = (next..self.messages.len()).find(|place| is_it(*place));
        self.before = Some(place.unwrap_or(self.messages.len()));
    }

    /// The tool that the call `id` called.
    pub(crate) fn find(&self, id: &str) -> Option<&'a str> {
        let before = self.before.unwrap_or(self.messages.len());
        let earlier = self.messages.get(..before)?.iter().rev();
        let mut calls = earlier.flat_map(Message::tool_calls);
        calls.find(|call| call.id() == id).map(ToolCall::name)
    }
}

#[cfg(test)]
mod tests {
    use super::ToolNames;
    use towline_core::{Message, Role, ToolCall};

    fn call(id: &'static str, name: &'static str) -> Message {
        Message::new(Role::Assistant, vec![ToolCall::new(id, name, "{}").into()])
    }

    #[test]
    fn the_nearest_call_before_the_result_names_the_tool() {
        let messages = [
            call("a", "first"),
            Message::tool("a", "1"),
            call("a", "second"),
            Message::tool("a", "1"),
            call("a", "third"),
        ];
        let found = |from: usize| {
            let mut names = ToolNames::new(&messages);
            let mut found = Vec::new();
            for message in &messages[from..] {
                names.advance(message);
                if message.role() == Role::Tool {
                    found.push(names.find("a").unwrap());
                }
            }
            found
        };
        assert_eq!(found(0), ["first", "second"]);
        assert_eq!(
            found(1),
            ["first", "second"],
            "what is written may begin anywhere"
        );
        assert_eq!(found(3), ["second"]);
        assert_eq!(ToolNames::new(&messages).find("b"), None);
    }
}
