//! Events of the wire to events of the contract, without I/O.

use super::blocks::{Blocks, Kind, first_delta, mixed};
use crate::{
    AnthropicConfig, DIALECT,
    convert::answer::{self, finish_reason},
    error,
    wire::{
        answer::{Answer, Block},
        event::{Delta, EventWire},
        usage::UsageWire,
    },
};
use bytes::Bytes;
use std::{borrow::Cow, collections::VecDeque, sync::Arc};
use towline_core::{
    Completion, Error, ErrorKind, Event, FinishReason, ReasoningDelta, Start, Text, ToolCallDelta,
};
use towline_transport::{
    Decode,
    lax::{self, LaxText, Template},
    sse::Frame,
};

/// What a stream has said so far.
pub(crate) struct Decoder {
    config: Arc<AnthropicConfig>,
    /// Of the last event, where that was more of a block: which block is open is known by then.
    learned: Option<Learned>,
    queue: VecDeque<Event>,
    phase: Phase,
    id: Text,
    blocks: Blocks,
    usage: UsageWire,
    finish: Text,
    /// Why the model declined, where it did and said so.
    explanation: Text,
}

/// How more of the same block looks, and what it is to the caller.
struct Learned {
    template: Template,
    wrap: fn(Text) -> Event,
}

/// Where in an answer the stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Before `message_start`.
    Waiting,
    Answering,
    /// Behind `message_stop`.
    Done,
}

// === impl Decoder ===

impl Decode for Decoder {
    type Frame = Frame;

    fn is_done(&self) -> bool {
        self.phase == Phase::Done
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
        self.queue.extend(self.blocks.end_all());
        let reason = finish_reason(&self.finish, self.blocks.any_call());
        if reason == FinishReason::Refusal && !self.explanation.is_empty() {
            let words = std::mem::take(&mut self.explanation);
            self.queue.push_back(Event::Refusal(words));
        }
        self.queue.push_back(Event::Finish(reason));
    }

    fn whole(&mut self, body: Bytes) -> Result<Completion, Error> {
        answer::decode(&self.config, body)
    }
}

impl Decoder {
    pub(crate) fn new(config: Arc<AnthropicConfig>) -> Self {
        Self {
            config,
            learned: None,
            queue: VecDeque::new(),
            phase: Phase::Waiting,
            id: Text::new(),
            blocks: Blocks::default(),
            usage: UsageWire::default(),
            finish: Text::new(),
            explanation: Text::new(),
        }
    }

    fn event(&mut self, name: Option<&[u8]>, data: Bytes) -> Result<Option<Event>, Error> {
        if let Some(learned) = self.learned.as_ref().filter(|_| name != Some(b"error"))
            && let Some(text) = learned.template.text(&data)
        {
            return Ok(Some((learned.wrap)(text)));
        }
        self.learned = None;
        // Gateways end the stream as their other dialect does. It is no terminal event here.
        if data.trim_ascii() == b"[DONE]" {
            return Ok(None);
        }
        let text = Text::from_utf8(data).map_err(|cause| {
            unreadable("an event of the stream is not UTF-8").with_source(cause)
        })?;
        if name == Some(b"error") {
            return Err(error::in_band(&self.config, &text));
        }
        let event: EventWire<'_> = lax::from_str(&text).map_err(|cause| {
            unreadable("an event of the stream is not JSON").with_source(lax::fault(&cause))
        })?;
        self.read(&text, event)?;
        Ok(self.pop())
    }

    fn read(&mut self, text: &Text, event: EventWire<'_>) -> Result<(), Error> {
        if event.error.is_some_and(|error| error.0 != "null") {
            return Err(error::in_band(&self.config, text));
        }
        let index = event.index.0;
        match &*event.kind.0 {
            "ping" => self.queue.push_back(Event::Ping),
            "message_start" => self.start(text, &event.message.unwrap_or_default())?,
            "content_block_start" => {
                self.answering("a block begins")?;
                self.begin(text, index, &event.content_block.unwrap_or_default())?;
            }
            "content_block_delta" => {
                self.answering("there is more of a block")?;
                self.delta(text, index, &event.delta.unwrap_or_default())?;
            }
            "content_block_stop" => {
                self.answering("a block ends")?;
                self.queue.extend(self.blocks.end(index));
            }
            "message_delta" => {
                self.answering("the answer ends")?;
                self.end(text, &event.delta.unwrap_or_default(), event.usage);
            }
            "message_stop" => {
                self.answering("the stream ends")?;
                // Answering => Done
                self.phase = Phase::Done;
            }
            // New kinds of events appear without notice.
            _ => {}
        }
        Ok(())
    }

    /// An answer in the stream before it has begun is the rest of another one.
    fn answering(&self, what: &str) -> Result<(), Error> {
        if self.phase == Phase::Answering {
            return Ok(());
        }
        Err(mixed(format_args!("{what} before `message_start`")))
    }

    fn start(&mut self, text: &Text, message: &Answer<'_>) -> Result<(), Error> {
        if self.phase != Phase::Waiting {
            return Err(mixed(format_args!("a second `message_start`")));
        }
        // Waiting => Answering
        self.phase = Phase::Answering;
        self.id = text.share(&message.id.0);
        let start = Start::new(self.id.clone(), text.share(&message.model.0));
        self.queue.push_back(Event::Start(start));
        self.count(text, message.usage);
        Ok(())
    }

    fn begin(&mut self, text: &Text, index: Option<u64>, block: &Block<'_>) -> Result<(), Error> {
        match self.blocks.begin(index, block)? {
            Kind::Text => self.say(text, &block.text.0),
            Kind::Thinking => {
                self.think(text, &block.thinking.0);
                self.sign(text, &block.signature.0);
            }
            Kind::ToolUse { call, .. } => {
                let delta = first_delta(text, &self.id, call, block);
                self.queue.push_back(Event::ToolCall(delta));
            }
            Kind::Hidden => {
                let data = text.share(&block.data.0);
                let thought = reasoning("").with_encrypted(data);
                self.queue.push_back(Event::Reasoning(thought));
            }
            Kind::Other => {}
        }
        Ok(())
    }

    fn delta(&mut self, text: &Text, index: Option<u64>, delta: &Delta<'_>) -> Result<(), Error> {
        let kind = self.blocks.kind(index)?;
        if let Kind::ToolUse { said, .. } = kind {
            *said |= !delta.partial_json.is_empty();
        }
        match (*kind, &*delta.kind.0) {
            (Kind::Text, "text_delta") => {
                self.say(text, &delta.text.0);
                self.learn(text, &delta.text, Event::Text);
            }
            (Kind::Thinking, "thinking_delta") => {
                self.think(text, &delta.thinking.0);
                self.learn(text, &delta.thinking, thought);
            }
            (Kind::Thinking, "signature_delta") => self.sign(text, &delta.signature.0),
            (Kind::ToolUse { call, .. }, "input_json_delta") => {
                let arguments = text.share(&delta.partial_json.0);
                if !arguments.is_empty() {
                    let delta = ToolCallDelta::new(call, arguments);
                    self.queue.push_back(Event::ToolCall(delta));
                }
            }
            // Citations, the input of tools on the server's side, and what is not known.
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, text: &Text, delta: &Delta<'_>, usage: Option<UsageWire>) {
        if !delta.stop_reason.is_empty() {
            self.finish = text.share(&delta.stop_reason.0);
        }
        if let Some(details) = &delta.stop_details {
            self.explanation = text.share(&details.explanation.0);
        }
        self.count(text, usage);
    }

    /// Says what the call used so far, where that is new.
    fn count(&mut self, text: &Text, usage: Option<UsageWire>) {
        let Some(usage) = usage else { return };
        let usage = self.usage.updated(usage);
        if usage == self.usage {
            return;
        }
        self.usage = usage;
        if let Some(usage) = usage.to_usage() {
            let usage = usage.with_raw(text.clone().into_bytes());
            self.queue.push_back(Event::Usage(usage));
        }
    }

    fn say(&mut self, text: &Text, part: &str) {
        if !part.is_empty() {
            self.queue.push_back(Event::Text(text.share(part)));
        }
    }

    fn think(&mut self, text: &Text, part: &str) {
        if !part.is_empty() {
            self.queue.push_back(thought(text.share(part)));
        }
    }

    /// Remembers how an event looks that says no more than `part`.
    fn learn(&mut self, text: &Text, part: &LaxText<'_>, wrap: fn(Text) -> Event) {
        if let Cow::Borrowed(part) = part.0 {
            let template = Template::learn(text, part, &[]);
            self.learned = template.map(|template| Learned { template, wrap });
        }
    }

    /// Ends a stretch of thinking with the signature that has to come back with it.
    fn sign(&mut self, text: &Text, signature: &str) {
        if !signature.is_empty() {
            let thought = reasoning("").with_signature(text.share(signature));
            self.queue.push_back(Event::Reasoning(thought));
        }
    }
}

fn thought(text: Text) -> Event {
    Event::Reasoning(reasoning(text))
}

fn reasoning(text: impl Into<Text>) -> ReasoningDelta {
    ReasoningDelta::new(text).with_provider(Text::from_static(DIALECT))
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(what)
}

#[cfg(test)]
mod tests;
