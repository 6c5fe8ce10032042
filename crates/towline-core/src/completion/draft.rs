//! Builds a completion from events.

use crate::{
    Completion, Event, FinishReason, Part, Reasoning, ReasoningDelta, Start, Text, ToolCall,
    ToolCallDelta, Usage,
};

/// What has arrived of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    start: Start,
    pieces: Vec<Piece>,
    usage: Option<Usage>,
}

/// A part that still grows.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Refusal(String),
    Reasoning(Reasoning, String),
    ToolCall(ToolCallDraft),
}

#[derive(Clone, Debug)]
struct ToolCallDraft {
    index: usize,
    id: Text,
    name: Text,
    arguments: String,
}

// === impl Draft ===

impl Draft {
    pub(crate) fn push(&mut self, event: &Event) {
        match event {
            Event::Start(start) => self.start = start.clone(),
            Event::Text(text) => self.push_text(text),
            Event::Refusal(text) => self.push_refusal(text),
            Event::Reasoning(delta) => self.push_reasoning(delta),
            Event::ToolCall(delta) => self.push_tool_call(delta),
            Event::Usage(usage) => self.usage = Some(usage.clone()),
            Event::Ping | Event::Seam(_) | Event::Finish(_) => {}
        }
    }

    pub(crate) fn finish(self, reason: FinishReason) -> Completion {
        let parts = self.pieces.into_iter().map(Piece::into_part).collect();
        Completion::new(parts, reason)
            .with_id(self.start.id().clone())
            .with_model(self.start.model().clone())
            .with_usage(self.usage)
    }

    fn push_text(&mut self, more: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.pieces.push(Piece::Text(more.to_owned())),
        }
    }

    fn push_refusal(&mut self, more: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Refusal(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.pieces.push(Piece::Refusal(more.to_owned())),
        }
    }

    /// A signature ends a stretch: what comes after it is a new one.
    fn push_reasoning(&mut self, delta: &ReasoningDelta) {
        let open = matches!(
            self.pieces.last(),
            Some(Piece::Reasoning(r, _)) if r.signature().is_none() && r.encrypted().is_none()
        );
        if !open {
            let piece = Piece::Reasoning(Reasoning::default(), String::new());
            self.pieces.push(piece);
        }
        if let Some(Piece::Reasoning(reasoning, text)) = self.pieces.last_mut() {
            text.push_str(delta.text());
            learn(reasoning, delta);
        }
    }

    fn push_tool_call(&mut self, delta: &ToolCallDelta) {
        let drafts = self.pieces.iter_mut().rev();
        let mut known = drafts.filter_map(|piece| match piece {
            Piece::ToolCall(draft) if draft.index == delta.index() => Some(draft),
            _ => None,
        });
        if let Some(draft) = known.next() {
            draft.arguments.push_str(delta.arguments());
            draft.learn(delta);
            return;
        }
        let mut draft = ToolCallDraft {
            index: delta.index(),
            id: Text::new(),
            name: Text::new(),
            arguments: delta.arguments().to_owned(),
        };
        draft.learn(delta);
        self.pieces.push(Piece::ToolCall(draft));
    }
}

/// What a delta says beside its text. Only the first word on provider and id counts.
fn learn(reasoning: &mut Reasoning, delta: &ReasoningDelta) {
    let mut known = std::mem::take(reasoning);
    if let (None, Some(provider)) = (known.provider(), delta.provider()) {
        known = known.with_provider(provider.clone());
    }
    if let (None, Some(id)) = (known.id(), delta.id()) {
        known = known.with_id(id.clone());
    }
    if let Some(signature) = delta.signature() {
        known = known.with_signature(signature.clone());
    }
    if let Some(data) = delta.encrypted() {
        known = known.with_encrypted(data.clone());
    }
    *reasoning = known;
}

// === impl ToolCallDraft ===

impl ToolCallDraft {
    /// Id and name come from the first delta that has them.
    fn learn(&mut self, delta: &ToolCallDelta) {
        if let (true, Some(id)) = (self.id.is_empty(), delta.id()) {
            self.id = id.into();
        }
        if let (true, Some(name)) = (self.name.is_empty(), delta.name()) {
            self.name = name.into();
        }
    }
}

// === impl Piece ===

impl Piece {
    fn into_part(self) -> Part {
        match self {
            Self::Text(text) => Part::Text(text.into()),
            Self::Refusal(text) => Part::Refusal(text.into()),
            Self::Reasoning(reasoning, text) => Part::Reasoning(reasoning.with_more_text(&text)),
            Self::ToolCall(draft) => {
                Part::ToolCall(ToolCall::new(draft.id, draft.name, draft.arguments))
            }
        }
    }
}
