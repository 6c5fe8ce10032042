//! Whether somebody may go on, who, and how he is asked.

use super::super::Target;
use crate::{budget::Withdrawal, refused};
use std::sync::Arc;
use tokio::time::Instant;
use towline_core::{
    Clock, Error, Event, Journey, Message, Metered, Request, ResponseFormat, RetrySafety, Role,
    Step, Text, error::Repeat,
};

/// What is needed to ask somebody to go on.
pub(super) struct Ask<S> {
    request: Request,
    targets: Arc<[Target<S>]>,
    instruction: Text,
    /// How much of the record is of calls before.
    before: usize,
}

/// What was delivered so far.
#[derive(Debug)]
pub(super) struct Delivered {
    text: String,
    /// Nothing but text.
    plain: bool,
}

/// Somebody to go on, and what he is asked.
pub(super) struct Successor<S> {
    pub(super) service: S,
    pub(super) request: Request,
    /// White space that was delivered and cannot be sent: he may say it again.
    pub(super) blank: String,
    /// What he may cost, where that is bounded.
    pub(super) withdrawal: Option<Withdrawal>,
}

const LAYER: &str = "continue";

/// Whether an answer to `request` is one that somebody else may go on with.
pub(super) fn may_continue(request: &Request) -> bool {
    let json = !matches!(
        request.options().response_format(),
        None | Some(ResponseFormat::Text)
    );
    let messages = request.conversation().messages();
    let begun = messages
        .last()
        .is_some_and(|last| last.role() == Role::Assistant);
    let once = request.context().retry() == RetrySafety::Once;
    request.stream() && !json && !begun && !once
}

/// Whether `error` is one that a second try may mend.
fn may_mend(error: &Error, deadline: Option<Instant>) -> bool {
    let in_time = deadline.is_none_or(|deadline| Instant::now() < deadline);
    let over = error.clock() == Some(Clock::Total) || error.refused_by().is_some();
    error.kind().repeat() == Repeat::Later && in_time && !over
}

// === impl Ask ===

impl<S> Ask<S> {
    pub(super) fn new(request: Request, targets: Arc<[Target<S>]>, instruction: Text) -> Self {
        let journey = request.context().journey();
        Self {
            before: journey.map_or(0, |journey| journey.steps().len()),
            request,
            targets,
            instruction,
        }
    }

    /// The place of the target that began to answer: the last that the fallback went on to, by the
    /// journey, else the first.
    fn began(&self) -> usize {
        let steps = self.request.context().journey().map(Journey::steps);
        let steps = steps.unwrap_or_default();
        let mut steps = steps.into_iter().skip(self.before).rev();
        let moved = steps.find_map(|step| match step {
            Step::Moved {
                layer: "fallback",
                to,
                ..
            } => self.targets.iter().position(|target| *target.name() == to),
            _ => None,
        });
        moved.unwrap_or(0)
    }
}

impl<S: Clone> Ask<S> {
    /// Who goes on after `error`, if anybody may.
    pub(super) fn successor(&self, error: &Error, delivered: &Delivered) -> Option<Successor<S>> {
        let context = self.request.context();
        let blank = delivered.text.trim().is_empty();
        if !delivered.plain || blank || !may_mend(error, context.deadline()) {
            return None;
        }
        let needs = self.request.needs();
        let began = self.began();
        let (target, request) = self.after(began).find_map(|target| {
            let request = target.address(self.put(target, &delivered.text));
            let can = target.lacks(needs, &request).is_none();
            can.then_some((target, request))
        })?;
        let from = self.targets.get(began);
        let withdrawal = match from.and_then(Target::budget) {
            None => None,
            Some(budget) => match budget.withdraw(request.estimated_tokens()) {
                // Somebody could have gone on, and is not asked.
                None => {
                    refused::note(context, LAYER, error);
                    return None;
                }
                withdrawal => withdrawal,
            },
        };
        if let Some(journey) = context.journey() {
            journey.push(Step::Moved {
                layer: LAYER,
                from: from.map_or_else(Text::new, |target| target.name().clone()),
                to: target.name().clone(),
                kind: error.kind(),
            });
        }
        let sent = match self.begins(target) {
            true => delivered.text.trim_end().len(),
            false => delivered.text.len(),
        };
        Some(Successor {
            service: target.service.clone(),
            request,
            blank: delivered.text.get(sent..).unwrap_or_default().to_owned(),
            withdrawal,
        })
    }

    /// The targets after the one that began, those before it, and that one.
    fn after(&self, began: usize) -> impl Iterator<Item = &Target<S>> {
        let next = self.targets.len().min(began + 1);
        let (before, after) = self.targets.split_at(next);
        after.iter().chain(before)
    }

    /// Whether `target` takes the beginning of its turn from others. A model that thinks begins its
    /// turn with its thoughts, and those it has not had.
    fn begins(&self, target: &Target<S>) -> bool {
        target.prefill() && !self.request.reasons()
    }

    /// The request to go on after `text`.
    fn put(&self, target: &Target<S>, text: &str) -> Request {
        let conversation = self.request.conversation().clone();
        let conversation = match self.begins(target) {
            // Some providers take no white space at the end.
            true => conversation.with(Message::assistant(text.trim_end())),
            false => conversation
                .with(Message::assistant(text))
                .with(Message::user(self.instruction.clone())),
        };
        let mut request = self.request.clone().with_conversation(conversation);
        // What it costs is taken from the budget of who broke off.
        request.context_mut().set_repeat(true);
        let Some(tokens) = request.context().token_estimate() else {
            return request;
        };
        // Four bytes a token, as everywhere where nobody has counted.
        let more = u64::try_from(text.len() / 4).unwrap_or(u64::MAX);
        let tokens = tokens.saturating_add(more);
        let context = request.context().clone().with_token_estimate(tokens);
        request.with_context(context)
    }
}

// === impl Delivered ===

impl Default for Delivered {
    fn default() -> Self {
        Self {
            text: String::new(),
            plain: true,
        }
    }
}

impl Delivered {
    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::Text(text) => self.text.push_str(text),
            event => self.plain = self.plain && !event.is_content(),
        }
    }
}
