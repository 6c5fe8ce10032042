//! Lines to events, without I/O.

use crate::{
    DIALECT, OllamaConfig,
    convert::answer::{self, call_id, finish_reason},
    error,
    line::Line,
    wire::answer::{Answer, MessageWire},
};
use bytes::Bytes;
use std::{borrow::Cow, collections::VecDeque, sync::Arc};
use towline_core::{
    Completion, Error, ErrorKind, Event, ReasoningDelta, Start, Text, ToolCallDelta,
};
use towline_transport::{
    Decode,
    lax::{self, Template},
};

/// What differs in each line, and is read in the first alone.
const SKIPPED: &[&str] = &["created_at"];

/// What a stream has said so far.
pub(crate) struct Decoder {
    config: Arc<OllamaConfig>,
    model: Text,
    template: Option<Template>,
    queue: VecDeque<Event>,
    started: bool,
    /// When the answer began, by the server's clock: ids of calls are made of it.
    began: Text,
    calls: usize,
    finish: Text,
    done: bool,
}

// === impl Decoder ===

impl Decode for Decoder {
    type Frame = Line;

    fn is_done(&self) -> bool {
        self.done
    }

    fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    fn push(&mut self, line: Line) -> Result<Option<Event>, Error> {
        let learned = self.template.as_ref();
        if let Some(text) = learned.and_then(|template| line.text(template)) {
            return Ok(Some(Event::Text(text)));
        }
        line.read(|line| self.line(line))?;
        Ok(self.pop())
    }

    fn finish(&mut self) {
        let reason = finish_reason(std::mem::take(&mut self.finish), self.calls > 0);
        self.queue.push_back(Event::Finish(reason));
    }

    fn whole(&mut self, body: Bytes) -> Result<Completion, Error> {
        answer::decode(&self.config, Some(&self.model), body)
    }
}

impl Decoder {
    pub(crate) fn new(config: Arc<OllamaConfig>, model: Text) -> Self {
        Self {
            config,
            model,
            template: None,
            queue: VecDeque::new(),
            started: false,
            began: Text::new(),
            calls: 0,
            finish: Text::new(),
            done: false,
        }
    }

    /// Reads one line of the stream. What it means goes into the queue.
    fn line(&mut self, line: Bytes) -> Result<(), Error> {
        let text = Text::from_utf8(line)
            .map_err(|cause| unreadable("a line of the stream is not UTF-8").with_source(cause))?;
        let line: Answer<'_> = lax::from_str(&text).map_err(|cause| {
            unreadable("a line of the stream is not JSON").with_source(lax::fault(&cause))
        })?;
        if let Some(error) = line.error.filter(|error| error.0 != "null") {
            return Err(error::in_band(&self.config, Some(&self.model), error.0));
        }
        if !self.started {
            self.started = true;
            self.began = text.share(&line.created_at.0);
            let start = Start::new("", text.share(&line.model.0));
            self.queue.push_back(Event::Start(start));
        }
        if let Some(message) = &line.message {
            self.message(&text, message);
            if line.done != Some(true) {
                self.learn(&text, message);
            }
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

    /// Remembers how a line looks that holds nothing but text.
    fn learn(&mut self, text: &Text, message: &MessageWire<'_>) {
        let alone = message.thinking.is_empty() && message.tool_calls.0.is_empty();
        if let Cow::Borrowed(content) = message.content.0
            && alone
        {
            self.template = Template::learn(text, content, SKIPPED);
        }
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
