//! What a call does to the load of its deployment.

use super::{
    deployment::{LONGEST, Slot},
    latency::{Millis, number},
    service::Shared,
};
use crate::{handle::Handle, verdict::is_at_fault};
use std::time::Duration;
use tokio::time::Instant;
use towline_core::{Ending, Error, ErrorKind, Event, Metered, Moment, Picks, Text, Usage, Watch};

/// A call to a deployment, which counts as its load until the answer has ended.
pub(super) struct Asked<'a, S> {
    shared: Handle<'a, Shared<S>>,
    index: usize,
    start: Start,
    /// Its latency is known, or says nothing.
    told: bool,
    /// It is part of the load; not where another took that over.
    counted: bool,
    /// Who was asked for this call before.
    before: Vec<Text>,
    /// Who is asked beside it.
    beside: Option<Picks>,
}

/// How it was asked.
#[derive(Clone, Copy)]
struct Start {
    at: Instant,
    streamed: bool,
    /// Though its provider wanted to be left alone.
    pressed: bool,
}

/// A failure counts at least like an answer that took so long.
const PENALTY: Duration = Duration::from_secs(5);

/// A key or an account that is turned down is not tried again for so long.
const LOCKED: Duration = Duration::from_secs(30);

// === impl Asked ===

impl<'a, S> Asked<'a, S> {
    /// The deployment with this index is asked `now` for `request`, and has one more call under way.
    pub(super) fn new(
        shared: Handle<'a, Shared<S>>,
        index: usize,
        now: Instant,
        request: &impl Metered,
    ) -> Self {
        let context = request.context();
        let mut asked = Self {
            shared,
            index,
            start: Start {
                at: now,
                streamed: request.streams(),
                pressed: false,
            },
            told: false,
            counted: true,
            before: context.avoided().to_vec(),
            beside: context.picks().cloned(),
        };
        if let Some(slot) = asked.slot() {
            slot.load.begin();
            asked.start.pressed = slot.is_aside(now);
        }
        asked
    }

    /// One that borrows nothing, in the place of this one.
    pub(super) fn into_owned(mut self) -> Asked<'static, S> {
        Asked {
            shared: self.shared.to_owned(),
            index: self.index,
            start: self.start,
            told: std::mem::replace(&mut self.told, true),
            counted: std::mem::take(&mut self.counted),
            before: std::mem::take(&mut self.before),
            beside: self.beside.take(),
        }
    }

    /// This one and those beside it, and then who was asked before.
    pub(super) fn tried(&self) -> (Vec<Text>, &[Text]) {
        let own = self.slot().map(|slot| slot.deployment.name().clone());
        let beside = self.beside.iter().flat_map(Picks::names);
        (own.into_iter().chain(beside).collect(), &self.before)
    }

    /// Whether anybody takes calls but these.
    pub(super) fn is_another(&self, tried: &[Text], before: &[Text]) -> bool {
        let now = Instant::now();
        let mut slots = self.shared.slots.iter();
        slots.any(|slot| {
            let name = slot.deployment.name();
            !tried.contains(name) && !before.contains(name) && slot.admits(now)
        })
    }

    fn slot(&self) -> Option<&Slot<S>> {
        self.shared.slots.get(self.index)
    }

    /// The answer has begun; a whole one, of so many tokens.
    fn begin(&mut self, tokens: Option<u64>, moment: &Moment) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let now = moment.now();
        let mut seconds = now.saturating_duration_since(self.start.at).as_secs_f32();
        if let Some(tokens) = tokens {
            // The whole of an answer takes as long as it is.
            let hundreds = u32::try_from(tokens / 100).unwrap_or(u32::MAX);
            seconds /= 1.0 + number(hundreds);
        }
        if let Some(slot) = self.slot() {
            let millis = Millis::between(self.shared.began, now);
            slot.load
                .latency(self.start.streamed)
                .observe(millis, seconds);
            if self.start.pressed {
                slot.take_back();
            }
        }
    }

    /// Says in `error` whose it is, and whether another could be asked, so that who tries again asks that.
    pub(super) fn sign(&self, error: Error) -> Error {
        let Some(slot) = self.slot() else {
            return error;
        };
        let name = slot.deployment.name();
        // That of a group inside says more.
        if error.deployment().is_some_and(|known| known != name) {
            return error;
        }
        let is_own = slot.deployment.is_spoken_of(error.kind());
        let asked = error.refused_by().is_none();
        let (tried, before) = self.tried();
        let sibling = asked && is_own && self.is_another(&tried, before);
        error.with_deployment(name.clone()).with_sibling(sibling)
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.told = true;
        let now = Instant::now();
        let Some(slot) = self.slot() else {
            return;
        };
        if error.refused_by() == Some("breaker") {
            slot.refused(now, error.retry_after().unwrap_or(PENALTY));
        } else if is_at_fault(error) {
            let penalty = error.retry_after().unwrap_or(PENALTY).min(LONGEST);
            let took = now.saturating_duration_since(self.start.at);
            let millis = Millis::between(self.shared.began, now);
            let seconds = penalty.max(took).as_secs_f32();
            // One that fails, fails whole answers and streams.
            slot.load.streams.penalise(millis, seconds);
            slot.load.wholes.penalise(millis, seconds);
            let is_own = slot.deployment.is_spoken_of(error.kind());
            if let Some(rest) = aside(error).filter(|_| is_own) {
                slot.set_aside(now, rest);
            }
        }
    }

    /// Nobody waits any more for an answer that had not begun.
    fn give_up(&mut self) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let now = Instant::now();
        let seconds = now.saturating_duration_since(self.start.at).as_secs_f32();
        if let Some(slot) = self.slot() {
            let millis = Millis::between(self.shared.began, now);
            slot.load
                .latency(self.start.streamed)
                .at_least(millis, seconds);
        }
    }
}

/// For how long a deployment takes no calls, where its error says that.
fn aside(error: &Error) -> Option<Duration> {
    let known = match error.kind() {
        ErrorKind::RateLimit => Some(PENALTY),
        ErrorKind::Auth | ErrorKind::Permission | ErrorKind::Quota => Some(LOCKED),
        _ => None,
    };
    error.retry_after().or(known)
}

impl<S: Send + Sync + 'static> Watch for Asked<'_, S> {
    fn on_event(&mut self, event: &Event, moment: &Moment) -> Result<(), Error> {
        if !self.told && event.is_content() {
            self.begin(None, moment);
        }
        Ok(())
    }

    fn on_error(&mut self, error: Error) -> Error {
        self.sign(error)
    }

    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, moment: &Moment) {
        match ending {
            Ending::Whole(_) => self.begin(usage.and_then(Usage::output), moment),
            Ending::Failed(error) => self.fail(error),
            _ => self.give_up(),
        }
    }
}

impl<S> Drop for Asked<'_, S> {
    fn drop(&mut self) {
        self.give_up();
        if let Some(slot) = self.slot().filter(|_| self.counted) {
            slot.load.end();
        }
    }
}
