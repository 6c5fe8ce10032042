//! The typed stream of a response, without I/O.

use super::{
    answer::{self, finish_reason},
    item::{call_id, reasoning_text},
    wire::{Answer, EventWire, Item},
};
use crate::{OpenAiConfig, error};
use bytes::Bytes;
use std::{borrow::Cow, collections::VecDeque, sync::Arc};
use towline_core::{
    Completion, Error, ErrorKind, Event, FinishReason, ReasoningDelta, Start, Text, ToolCallDelta,
};
use towline_transport::{
    Decode,
    lax::{self, Template},
    sse::Frame,
};

/// Fields of an event that differ each time and that nobody reads.
const SKIPPED: &[&str] = &["sequence_number", "obfuscation"];

/// What a stream has said so far.
pub(crate) struct ResponsesDecoder {
    config: Arc<OpenAiConfig>,
    /// Of the last event, where that was a delta of text: what it did to the state is done by then.
    template: Option<Template>,
    queue: VecDeque<Event>,
    started: bool,
    items: Vec<Seen>,
    calls: usize,
    finish: Option<FinishReason>,
}

/// An item, and what was said of it.
#[derive(Debug, Default)]
struct Seen {
    index: Option<u64>,
    id: String,
    /// Which tool call of the answer it is.
    call: Option<usize>,
    /// Whether something of it was passed on.
    told: bool,
    /// The part of the summary that is being told.
    summary: Option<u64>,
}

// === impl ResponsesDecoder ===

impl Decode for ResponsesDecoder {
    type Frame = Frame;

    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    fn push(&mut self, frame: Frame) -> Result<Option<Event>, Error> {
        match frame {
            Frame::Comment => Ok(Some(Event::Ping)),
            Frame::Event(event) => self.event(event.data),
            _ => Ok(None),
        }
    }

    fn whole(&mut self, body: Bytes) -> Result<Completion, Error> {
        answer::decode(&self.config, body)
    }

    fn finish(&mut self) {
        let reason = self.finish.clone();
        let reason = reason.unwrap_or(FinishReason::Other(Text::from_static("unknown")));
        self.queue.push_back(Event::Finish(reason));
    }
}

impl ResponsesDecoder {
    pub(crate) const fn new(config: Arc<OpenAiConfig>) -> Self {
        Self {
            config,
            template: None,
            queue: VecDeque::new(),
            started: false,
            items: Vec::new(),
            calls: 0,
            finish: None,
        }
    }

    fn event(&mut self, data: Bytes) -> Result<Option<Event>, Error> {
        let learned = self.template.as_ref();
        if let Some(text) = learned.and_then(|template| template.text(&data)) {
            return Ok(Some(Event::Text(text)));
        }
        self.template = None;
        if data.trim_ascii() == b"[DONE]" {
            // OpenRouter's habit; the terminal event is another.
            return Ok(None);
        }
        let text = Text::from_utf8(data).map_err(|cause| {
            unreadable("an event of the stream is not UTF-8").with_source(cause)
        })?;
        self.parse(&text, true)?;
        Ok(self.pop())
    }

    /// Reads an event. What only some parsers take gets a second try, mended.
    fn parse(&mut self, text: &Text, again: bool) -> Result<(), Error> {
        match lax::from_str::<EventWire<'_>>(text) {
            Ok(event) => self.read(text, event),
            Err(cause) => match lax::mended(text).filter(|_| again) {
                Some(json) => self.parse(&json.into(), false),
                None => Err(
                    unreadable("an event of the stream is not JSON of the dialect")
                        .with_source(lax::fault(&cause)),
                ),
            },
        }
    }

    fn read(&mut self, text: &Text, event: EventWire<'_>) -> Result<(), Error> {
        match &*event.kind.0 {
            "response.output_text.delta" => {
                self.tell(&event, text.share(&event.delta.0), Event::Text);
                if let Cow::Borrowed(delta) = event.delta.0 {
                    self.template = Template::learn(text, delta, SKIPPED);
                }
            }
            "response.refusal.delta" => {
                self.tell(&event, text.share(&event.delta.0), Event::Refusal);
            }
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                self.reasoning_delta(text, &event);
            }
            "response.output_item.added" => self.item_added(text, &event),
            "response.function_call_arguments.delta" => {
                self.arguments(&event, text.share(&event.delta.0));
            }
            "response.function_call_arguments.done" => {
                let untold = self.find(&event).is_some_and(|seen| !seen.told);
                if untold {
                    self.arguments(&event, text.share(&event.arguments.0));
                }
            }
            "response.output_item.done" => self.item_done(text, &event),
            "response.completed" | "response.incomplete" => {
                self.end(text, &event.response.0.unwrap_or_default());
            }
            "response.failed" => return Err(self.failed(event.response.0.as_ref())),
            "error" => return Err(error::in_band(&self.config, text)),
            _ if event.error.is_some_and(|error| error.0 != "null") => {
                return Err(error::in_band(&self.config, text));
            }
            _ => {
                if let Some(response) = &event.response.0 {
                    self.start(text, response);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, text: &Text, response: &Answer<'_>) {
        if !self.started {
            self.started = true;
            let (id, model) = (text.share(&response.id.0), text.share(&response.model.0));
            self.queue.push_back(Event::Start(Start::new(id, model)));
        }
    }

    /// Passes something on that belongs to the item of `event`.
    fn tell(&mut self, event: &EventWire<'_>, text: Text, wrap: fn(Text) -> Event) {
        if !text.is_empty() {
            self.mark(event);
            self.queue.push_back(wrap(text));
        }
    }

    fn reasoning_delta(&mut self, text: &Text, event: &EventWire<'_>) {
        let (told, part) = self.mark(event);
        // Parts of a summary are paragraphs.
        let next = told && event.summary_index.0.is_some() && part != event.summary_index.0;
        let delta = text.share(&event.delta.0);
        let delta = if next {
            Text::from(format!("\n\n{delta}"))
        } else {
            delta
        };
        self.queue
            .push_back(Event::Reasoning(self.reasoning(delta)));
    }

    /// An item begins. One that comes twice, or behind what belongs to it, is known already.
    fn item_added(&mut self, text: &Text, event: &EventWire<'_>) {
        let Some(item) = &event.item.0 else { return };
        let mut known = self.items.iter();
        if known.any(|seen| !seen.id.is_empty() && seen.id == item.id.0) {
            return;
        }
        let call = (item.kind.0 == "function_call").then_some(self.calls);
        self.items.push(Seen {
            index: event.output_index.0,
            id: item.id.0.clone().into_owned(),
            call,
            ..Seen::default()
        });
        if let Some(place) = call {
            self.calls += 1;
            let arguments = text.share(&item.arguments.0);
            let told = !arguments.is_empty();
            if let Some(seen) = self.items.last_mut() {
                seen.told = told;
            }
            let delta = ToolCallDelta::new(place, arguments)
                .with_id(text.share(call_id(item)))
                .with_name(text.share(&item.name.0));
            self.queue.push_back(Event::ToolCall(delta));
        }
    }

    fn arguments(&mut self, event: &EventWire<'_>, arguments: Text) {
        let Some(seen) = self.find(event) else { return };
        let Some(place) = seen.call else { return };
        seen.told |= !arguments.is_empty();
        let delta = ToolCallDelta::new(place, arguments);
        self.queue.push_back(Event::ToolCall(delta));
    }

    /// The whole item comes once more at its end. What was not told of it is told now.
    fn item_done(&mut self, text: &Text, event: &EventWire<'_>) {
        let Some(item) = &event.item.0 else { return };
        let known = self.find_item(event.output_index.0, &item.id.0).is_some();
        if !known {
            self.item_added(text, event);
        }
        let Some(seen) = self.find_item(event.output_index.0, &item.id.0) else {
            return;
        };
        let told = std::mem::replace(&mut seen.told, true);
        let call = seen.call;
        match (&*item.kind.0, call) {
            ("function_call", Some(place)) if known && !told => {
                let delta = ToolCallDelta::new(place, text.share(&item.arguments.0));
                self.queue.push_back(Event::ToolCall(delta));
            }
            ("message", _) if !told => self.message(text, item),
            ("reasoning", _) => self.reasoning_done(item, told),
            _ => {}
        }
    }

    fn message(&mut self, text: &Text, item: &Item<'_>) {
        for part in &item.content.0 {
            if !part.text.is_empty() {
                self.queue.push_back(Event::Text(text.share(&part.text.0)));
            }
            if !part.refusal.is_empty() {
                self.queue
                    .push_back(Event::Refusal(text.share(&part.refusal.0)));
            }
        }
    }

    fn reasoning_done(&mut self, item: &Item<'_>, told: bool) {
        let untold = if told {
            String::new()
        } else {
            reasoning_text(item)
        };
        let mut delta = self.reasoning(untold);
        if !item.id.is_empty() {
            delta = delta.with_id(&*item.id.0);
        }
        // Even without data the mark closes the stretch: the next item is another one.
        delta = delta.with_encrypted(&*item.encrypted_content.0);
        self.queue.push_back(Event::Reasoning(delta));
    }

    fn end(&mut self, text: &Text, response: &Answer<'_>) {
        self.start(text, response);
        if let Some(usage) = response.usage.0.and_then(super::wire::UsageWire::to_usage) {
            let usage = usage.with_raw(text.clone().into_bytes());
            self.queue.push_back(Event::Usage(usage));
        }
        let incomplete = response.incomplete_details.0.as_ref();
        self.finish = Some(finish_reason(
            &response.status.0,
            incomplete,
            self.calls > 0,
        ));
    }

    fn failed(&self, response: Option<&Answer<'_>>) -> Error {
        let error = response.and_then(|response| response.error);
        error.map_or_else(error::finish_error, |error| {
            error::in_band(&self.config, error.0)
        })
    }

    fn reasoning(&self, text: impl Into<Text>) -> ReasoningDelta {
        let provider = Text::from_static(self.config.flavor().name());
        ReasoningDelta::new(text).with_provider(provider)
    }

    fn find(&mut self, event: &EventWire<'_>) -> Option<&mut Seen> {
        self.find_item(event.output_index.0, &event.item_id.0)
    }

    fn find_item(&mut self, index: Option<u64>, id: &str) -> Option<&mut Seen> {
        let place = self.place(index, id)?;
        self.items.get_mut(place)
    }

    /// Marks the item of `event` as told, and gives what was known of it before.
    fn mark(&mut self, event: &EventWire<'_>) -> (bool, Option<u64>) {
        let place = self.place(event.output_index.0, &event.item_id.0);
        let Some(seen) = place.and_then(|place| self.items.get_mut(place)) else {
            self.items.push(Seen {
                index: event.output_index.0,
                id: event.item_id.0.clone().into_owned(),
                told: true,
                summary: event.summary_index.0,
                ..Seen::default()
            });
            return (false, None);
        };
        let before = (seen.told, seen.summary);
        seen.told = true;
        seen.summary = event.summary_index.0;
        before
    }

    /// By id where there is one, else by index, else the last.
    fn place(&self, index: Option<u64>, id: &str) -> Option<usize> {
        let items = &self.items;
        let by_id = || {
            items
                .iter()
                .rposition(|seen| !id.is_empty() && seen.id == id)
        };
        let by_index = || {
            items
                .iter()
                .rposition(|seen| index.is_some() && seen.index == index)
        };
        let nameless = id.is_empty() && index.is_none();
        let last = || items.len().checked_sub(1).filter(|_| nameless);
        by_id().or_else(by_index).or_else(last)
    }
}

fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(what)
}

#[cfg(test)]
mod tests;
