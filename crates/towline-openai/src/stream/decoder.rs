//! Chunks to events, without I/O.

use super::calls::Calls;
use crate::{
    OpenAiConfig,
    convert::{
        answer::{self, finish_reason, reasoning_text},
        reasoning::Details,
    },
    error,
    flavor::Terminal,
    wire::{
        answer::MessageWire,
        chunk::{Chunk, ChunkChoice},
        content::Content,
    },
};
use bytes::Bytes;
use std::{borrow::Cow, collections::VecDeque, sync::Arc};
use towline_core::{Completion, Error, ErrorKind, Event, ReasoningDelta, Start, Text, Usage};
use towline_transport::{
    Decode,
    lax::{self, Template},
    sse::Frame,
};

/// Fields of a chunk that differ each time and that nobody reads: padding, of `OpenAI` and of Mistral.
const SKIPPED: &[&str] = &["obfuscation", "p"];

/// What a stream has said so far.
pub(crate) struct Decoder {
    config: Arc<OpenAiConfig>,
    template: Option<Template>,
    queue: VecDeque<Event>,
    started: bool,
    id: Text,
    calls: Calls,
    details: Details,
    usage: Option<Usage>,
    finish: Text,
    done: bool,
}

// === impl Decoder ===

impl Decode for Decoder {
    type Frame = Frame;

    fn is_done(&self) -> bool {
        self.done
    }

    fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    fn push(&mut self, frame: Frame) -> Result<Option<Event>, Error> {
        match frame {
            Frame::Comment => Ok(Some(Event::Ping)),
            Frame::Event(event) => self.event(event.name.as_deref(), event.data),
            _ => Ok(None),
        }
    }

    fn finish(&mut self) {
        if let Some(json) = self.details.to_json() {
            self.queue
                .push_back(Event::Reasoning(self.reasoning("").with_encrypted(json)));
        }
        let reason = finish_reason(&self.finish, &self.finish, self.calls.any());
        self.queue.push_back(Event::Finish(reason));
    }

    fn whole(&mut self, body: Bytes) -> Result<Completion, Error> {
        answer::decode(&self.config, body)
    }
}

impl Decoder {
    pub(crate) fn new(config: Arc<OpenAiConfig>) -> Self {
        Self {
            config,
            template: None,
            queue: VecDeque::new(),
            started: false,
            id: Text::new(),
            calls: Calls::default(),
            details: Details::default(),
            usage: None,
            finish: Text::new(),
            done: false,
        }
    }

    fn event(&mut self, name: Option<&[u8]>, data: Bytes) -> Result<Option<Event>, Error> {
        let learned = self.template.as_ref().filter(|_| name != Some(b"error"));
        if let Some(text) = learned.and_then(|template| template.text(&data)) {
            return Ok(Some(Event::Text(text)));
        }
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return Ok(None);
        }
        let text = Text::from_utf8(data)
            .map_err(|cause| unreadable("a chunk of the stream is not UTF-8").with_source(cause))?;
        if name == Some(b"error") {
            return Err(error::in_band(&self.config, &text));
        }
        self.parse(&text, true)?;
        Ok(self.pop())
    }

    /// Reads a chunk. What only some parsers take gets a second try, mended.
    fn parse(&mut self, text: &Text, again: bool) -> Result<(), Error> {
        match lax::from_str::<Chunk<'_>>(text) {
            Ok(chunk) => self.read(text, chunk),
            Err(cause) => match lax::mended(text).filter(|_| again) {
                Some(json) => self.parse(&json.into(), false),
                None => Err(
                    unreadable("a chunk of the stream is not JSON of the dialect")
                        .with_source(lax::fault(&cause)),
                ),
            },
        }
    }

    fn read(&mut self, text: &Text, chunk: Chunk<'_>) -> Result<(), Error> {
        if let Some(error) = chunk.error.filter(|error| error.0 != "null") {
            return Err(error::in_band(&self.config, error.0));
        }
        let flavor = self.config.flavor();
        let terminal = flavor.traits().terminal == Terminal::DoneObject
            && chunk.object.0 == "chat.completion.done";
        let choice = chunk.choices.0;
        self.start(text, &chunk.id.0, &chunk.model.0, choice.is_some());
        let before = self.queue.len();
        let learnable = self.choice(text, choice)?;
        let extra = chunk.x_groq.0.and_then(|extra| extra.usage.0);
        let usage = chunk.usage.0.or(extra);
        let usage = usage.and_then(|usage| usage.to_usage(flavor.traits().reasoning_apart));
        if let Some(content) = learnable
            && usage.is_none()
            && !terminal
            && before == 0
            && self.queue.len() == 1
        {
            self.template = Template::learn(text, content, SKIPPED);
        }
        if let Some(usage) = usage.filter(|usage| self.usage.as_ref() != Some(usage)) {
            let usage = usage.with_raw(text.clone().into_bytes());
            self.usage = Some(usage.clone());
            self.queue.push_back(Event::Usage(usage));
        }
        self.done = terminal;
        Ok(())
    }

    /// Azure's first chunk has neither id nor choice: the answer has not begun with it.
    fn start(&mut self, text: &Text, id: &str, model: &str, choice: bool) {
        if self.started || (id.is_empty() && !choice) {
            return;
        }
        self.started = true;
        self.id = text.share(id);
        let start = Start::new(self.id.clone(), text.share(model));
        self.queue.push_back(Event::Start(start));
    }

    /// Reads the choice. Gives the text where there was nothing else and it stands in the chunk as
    /// it is: a later chunk that differs only there need not be parsed.
    fn choice<'a>(
        &mut self,
        text: &Text,
        choice: Option<ChunkChoice<'a>>,
    ) -> Result<Option<&'a str>, Error> {
        let Some(choice) = choice else {
            return Ok(None);
        };
        if choice.finish_reason.0 == "error" {
            return Err(error::finish_error());
        }
        if !choice.finish_reason.is_empty() {
            self.finish = text.share(&choice.finish_reason.0);
        }
        let mut delta = choice.delta.0.unwrap_or_default();
        let content = std::mem::take(&mut delta.content);
        let plain = match &content {
            Content::Text(Cow::Borrowed(part))
                if choice.finish_reason.is_empty() && delta.reasoning_details.0.is_empty() =>
            {
                Some(*part)
            }
            _ => None,
        };
        self.delta(text, content, &delta);
        Ok(plain)
    }

    fn delta(&mut self, text: &Text, content: Content<'_>, delta: &MessageWire<'_>) {
        let reasoning = reasoning_text(delta);
        if !reasoning.is_empty() {
            let reasoning = text.share(&reasoning);
            self.queue
                .push_back(Event::Reasoning(self.reasoning(reasoning)));
        }
        for detail in &delta.reasoning_details.0 {
            self.details.push(detail);
        }
        self.content(text, content);
        self.say(text, &delta.refusal.0, Event::Refusal);
        for call in &delta.tool_calls.0 {
            let delta = self.calls.delta(text, &self.id, call);
            self.queue.push_back(Event::ToolCall(delta));
        }
        if let Some(function) = &delta.function_call.0 {
            let delta = self.calls.legacy(text, &self.id, function);
            self.queue.push_back(Event::ToolCall(delta));
        }
    }

    fn content(&mut self, text: &Text, content: Content<'_>) {
        match content {
            Content::Nothing => {}
            Content::Text(part) => self.say(text, &part, Event::Text),
            Content::Parts(parts) => {
                for part in parts {
                    for thought in part.thinking.0.iter().filter(|thought| !thought.is_empty()) {
                        let thought = self.reasoning(text.share(thought));
                        self.queue.push_back(Event::Reasoning(thought));
                    }
                    self.say(text, &part.text.0, Event::Text);
                    self.say(text, &part.refusal.0, Event::Refusal);
                }
            }
        }
    }

    fn say(&mut self, text: &Text, part: &str, wrap: fn(Text) -> Event) {
        if !part.is_empty() {
            self.queue.push_back(wrap(text.share(part)));
        }
    }

    fn reasoning(&self, text: impl Into<Text>) -> ReasoningDelta {
        let provider = Text::from_static(self.config.flavor().name());
        ReasoningDelta::new(text).with_provider(provider)
    }
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(what)
}

#[cfg(test)]
mod tests;
