//! Lines to events, without I/O.

use crate::{
    DIALECT, OllamaConfig,
    convert::answer::{call_id, finish_reason},
    error,
    wire::answer::{Answer, MessageWire},
};
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc};
use towline_core::{Error, ErrorKind, Event, ReasoningDelta, Start, Text, ToolCallDelta};

/// What a stream has said so far.
pub(crate) struct Decoder {
    config: Arc<OllamaConfig>,
    model: Text,
    queue: VecDeque<Event>,
    started: bool,
    /// When the answer began, by the server's clock: ids of calls are made of it.
    began: Text,
    calls: usize,
    finish: Text,
    done: bool,
}

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(config: Arc<OllamaConfig>, model: Text) -> Self {
        Self {
            config,
            model,
            queue: VecDeque::new(),
            started: false,
            began: Text::new(),
            calls: 0,
            finish: Text::new(),
            done: false,
        }
    }

    /// Whether the terminal line was seen.
    pub(crate) const fn is_done(&self) -> bool {
        self.done
    }

    /// The next event that is ready.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// Reads one line of the stream. What it means comes from [`pop`](Self::pop).
    pub(crate) fn push(&mut self, line: Bytes) -> Result<(), Error> {
        let text = Text::from_utf8(line)
            .map_err(|cause| unreadable("a line of the stream is not UTF-8").with_source(cause))?;
        let line: Answer<'_> = serde_json::from_str(&text)
            .map_err(|cause| unreadable("a line of the stream is not JSON").with_source(cause))?;
        if let Some(error) = line.error.filter(|error| error.get() != "null") {
            return Err(error::in_band(&self.config, Some(&self.model), error.get()));
        }
        if !self.started {
            self.started = true;
            self.began = text.share(&line.created_at.0);
            let start = Start::new("", text.share(&line.model.0));
            self.queue.push_back(Event::Start(start));
        }
        if let Some(message) = &line.message {
            self.message(&text, message);
        }
        if line.done == Some(true) {
            self.done = true;
            self.finish = text.share(&line.done_reason.0);
            let usage = line.usage();
            let usage = usage.map(|usage| usage.with_raw(text.into_bytes()));
            self.queue.extend(usage.map(Event::Usage));
        }
        Ok(())
    }

    /// Says the last thing. Called once, after the terminal line.
    pub(crate) fn finish(&mut self) {
        let reason = finish_reason(std::mem::take(&mut self.finish), self.calls > 0);
        self.queue.push_back(Event::Finish(reason));
    }

    fn message(&mut self, text: &Text, message: &MessageWire<'_>) {
        if !message.thinking.is_empty() {
            let thinking = ReasoningDelta::new(text.share(&message.thinking.0));
            let thinking = thinking.with_provider(Text::from_static(DIALECT));
            self.queue.push_back(Event::Reasoning(thinking));
        }
        if !message.content.is_empty() {
            let content = text.share(&message.content.0);
            self.queue.push_back(Event::Text(content));
        }
        for call in &message.tool_calls.0 {
            let id = call_id(text, &self.began, self.calls, call);
            let delta = ToolCallDelta::new(self.calls, text.share(call.arguments()))
                .with_id(id)
                .with_name(text.share(call.name()));
            self.calls += 1;
            self.queue.push_back(Event::ToolCall(delta));
        }
    }
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(what)
}

#[cfg(test)]
mod tests;
