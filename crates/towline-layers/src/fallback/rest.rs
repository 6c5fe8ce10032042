//! What is needed to ask somebody else.

use super::{
    failures::{Failures, Next},
    target::Target,
};
use std::{mem, sync::Arc, time::Duration};
use tokio::time::Instant;
use towline_core::{Capabilities, Clock, Error, ErrorKind, Metered, RetrySafety, Step, Text};

/// What a call carries that may go to somebody else. Absent where there is nobody else.
pub(super) struct Rest<S, Req> {
    request: Req,
    needs: Capabilities,
    others: Arc<[Target<S>]>,
    /// The first of them that was not looked at.
    next: usize,
    /// One of them that was asked in the place of the first target, before its turn.
    instead: Option<usize>,
    /// The target that is being asked.
    asked: Text,
    window: Option<u64>,
    filtered: bool,
    reserve: Duration,
    turn: Option<Turn>,
    failures: Failures,
}

/// How long a target may take that has another behind it.
#[derive(Clone, Copy, Debug)]
struct Turn {
    end: Instant,
    time: Duration,
}

/// The part of the time that is left for who is next: one of so many.
const SHARE: u32 = 4;

// === impl Rest ===

impl<S, Req> Rest<S, Req> {
    pub(super) const fn asked(&self) -> &Text {
        &self.asked
    }

    /// When the target that is asked has to make way, if it has to.
    pub(super) fn turn_end(&self) -> Option<Instant> {
        self.turn.map(|turn| turn.end)
    }

    /// What is said of a target that had not begun to answer then.
    pub(super) fn late(&self) -> Error {
        let time = self.turn.map_or(Duration::ZERO, |turn| turn.time);
        Error::new(ErrorKind::Timeout)
            .with_clock(Clock::Target)
            .with_provider(self.asked.to_string())
            .with_message(format!(
                "`{}` had not begun to answer after {time:.1?}, and what is left of the deadline is for \
                 the next target; a later deadline (`timeout.total`) lets it take longer",
                self.asked
            ))
    }

    /// The error of a call that nobody has answered.
    pub(super) fn take_error(&mut self) -> Error {
        mem::take(&mut self.failures).into_error()
    }
}

impl<S, Req: Metered> Rest<S, Req> {
    /// Of a call to `first`, and the place of the other that is asked instead where `first` cannot
    /// answer it.
    pub(super) fn new(
        request: Req,
        first: &Target<S>,
        others: &Arc<[Target<S>]>,
        (filtered, reserve): (bool, Duration),
    ) -> (Box<Self>, Option<usize>) {
        let mut rest = Box::new(Self {
            needs: request.needs(),
            others: Arc::clone(others),
            next: 0,
            instead: None,
            asked: first.name().clone(),
            window: first.window_for(&request),
            turn: None,
            failures: Failures::default(),
            request,
            filtered,
            reserve,
        });
        let instead = rest.instead_of(first);
        rest.instead = instead.map(|(index, _)| index);
        match instead {
            Some((index, kind)) => rest.go_to(index, kind),
            None => rest.begin_turn(),
        }
        (rest, instead.map(|(index, _)| index))
    }

    /// Keeps the error of a call that was made, or of a target that did not get ready for it, and says which
    /// of the others is asked next.
    pub(super) fn move_on(&mut self, failed: Error, made: bool) -> Option<usize> {
        let kind = failed.kind();
        let deadline = self.request.context().deadline();
        let is_once = self.request.context().retry() == RetrySafety::Once;
        let sent = made && failed.refused_by().is_none();
        let next = match is_once && sent {
            // It must not be sent twice.
            true => Next::Nobody,
            false => Next::after(&failed, self.filtered, deadline, self.turn_end()),
        };
        self.failures.push(failed);
        let index = self.pick(next)?;
        self.next = index.saturating_add(1);
        self.go_to(index, kind);
        Some(index)
    }

    /// The first of the others that can answer what `first` cannot, and what it lacks. Where only the
    /// window rules it out, the other's has to be known to hold the request.
    fn instead_of(&self, first: &Target<S>) -> Option<(usize, ErrorKind)> {
        let lack = first.lacks(self.needs, &self.request)?;
        let able = |other: &Target<S>| {
            other.lacks(self.needs, &self.request).is_none()
                && (lack != ErrorKind::ContextLength || other.window_for(&self.request).is_some())
        };
        let index = self.others.iter().position(able)?;
        Some((index, lack))
    }

    /// One of the others is asked, since `kind` is what came of the one before.
    fn go_to(&mut self, index: usize, kind: ErrorKind) {
        let Some(target) = self.others.get(index) else {
            return;
        };
        self.window = target.window_for(&self.request);
        let from = mem::replace(&mut self.asked, target.name().clone());
        if let Some(journey) = self.request.context().journey() {
            journey.push(Step::Moved {
                layer: "fallback",
                from,
                to: self.asked.clone(),
                kind,
            });
        }
        self.begin_turn();
    }

    /// The next target that can answer.
    fn pick(&self, next: Next) -> Option<usize> {
        if next == Next::Nobody {
            return None;
        }
        let may = |target: &Target<S>| match next {
            Next::Larger => target.has_more_than(self.window, &self.request),
            Next::NotSmaller => !target.has_less_than(self.window, &self.request),
            Next::Anybody | Next::Nobody => true,
        };
        self.left()
            .find(|(_, target)| may(target))
            .map(|(index, _)| index)
    }

    /// Those that can answer and were not asked.
    fn left(&self) -> impl Iterator<Item = (usize, &Target<S>)> {
        let others = self.others.iter().enumerate().skip(self.next);
        others
            .filter(|(index, _)| self.instead != Some(*index))
            .filter(|(_, target)| target.lacks(self.needs, &self.request).is_none())
    }

    /// Says to the target that is asked how long it has: to the deadline, and less where there is
    /// somebody else.
    fn begin_turn(&mut self) {
        let context = self.request.context();
        let Some(plan) = context.plan_by() else {
            return;
        };
        let now = Instant::now();
        let time = plan.saturating_duration_since(now);
        let reserve = (time / SHARE).min(self.reserve);
        // A call that must not be sent twice is not given up for another.
        let is_once = context.retry() == RetrySafety::Once;
        let is_shared = !is_once && !reserve.is_zero() && self.left().next().is_some();
        self.turn = is_shared.then(|| {
            let time = time.saturating_sub(reserve);
            let end = now + time;
            Turn { end, time }
        });
        let end = self.turn_end();
        // The one before may have had less.
        let context = self.request.context();
        if context.begin_by() != end.or_else(|| context.deadline()) {
            self.request.context_mut().set_begin_by(end);
        }
    }
}

impl<S: Clone, Req> Rest<S, Req> {
    /// One of the others.
    pub(super) fn other(&self, index: usize) -> Option<Target<S>> {
        self.others.get(index).cloned()
    }
}

impl<S, Req: Clone> Rest<S, Req> {
    /// The request of the target that is asked.
    pub(super) fn request(&self) -> Req {
        self.request.clone()
    }
}
