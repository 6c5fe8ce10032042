//! A complete answer, read as events.

use crate::{Completion, Event, Part, ReasoningDelta, Start, ToolCallDelta};
use std::collections::VecDeque;

/// The events that a complete answer would have been streamed as.
pub(super) fn replay(completion: Completion) -> VecDeque<Event> {
    let (id, model, parts, reason, usage) = completion.into_pieces();
    let mut events = VecDeque::with_capacity(parts.len() + 3);
    events.push_back(Event::Start(Start::new(id, model)));
    let mut calls = 0;
    for part in parts {
        events.extend(match part {
            Part::Text(text) => Some(Event::Text(text)),
            Part::Refusal(text) => Some(Event::Refusal(text)),
            Part::Reasoning(reasoning) => {
                let mut delta = ReasoningDelta::new(reasoning.text());
                if let Some(provider) = reasoning.provider() {
                    delta = delta.with_provider(provider);
                }
                if let Some(id) = reasoning.id() {
                    delta = delta.with_id(id);
                }
                if let Some(signature) = reasoning.signature() {
                    delta = delta.with_signature(signature);
                }
                if let Some(data) = reasoning.encrypted() {
                    delta = delta.with_encrypted(data);
                }
                Some(Event::Reasoning(delta))
            }
            Part::ToolCall(call) => {
                calls += 1;
                let delta = ToolCallDelta::new(calls - 1, call.arguments());
                Some(Event::ToolCall(
                    delta.with_id(call.id()).with_name(call.name()),
                ))
            }
            Part::Image(_) | Part::File(_) | Part::ToolResult(_) => None,
        });
    }
    events.extend(usage.map(Event::Usage));
    events.push_back(Event::Finish(reason));
    events
}
