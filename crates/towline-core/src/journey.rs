//! What happened to a call on its way: every wait, refusal and attempt.

use crate::{Cost, ErrorKind, Text, Usage};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The record of one logical call. Clones are handles of the same record.
///
/// Whoever makes the call puts one into its [`Context`](crate::Context); layers write into it, and it
/// comes back in the [`Head`](crate::Head) of the answer or in the [`Error`](crate::Error).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_core::{ErrorKind, Journey, Outcome, Step};
///
/// let journey = Journey::new();
/// let now = journey.started();
/// let first = journey.begin_attempt("openai", "gpt-4o-mini", false, now);
/// journey.end_attempt(first, Outcome::Failed(ErrorKind::Overloaded), None, now);
/// journey.push(Step::waited("retry", "overloaded", Duration::from_millis(640)));
/// let second = journey.begin_attempt("openai", "gpt-4o-mini", false, now);
/// journey.end_attempt(second, Outcome::Whole, None, now);
/// assert_eq!(journey.attempts(), 2);
/// assert_eq!(journey.waited(), Duration::from_millis(640));
/// ```
#[derive(Clone)]
pub struct Journey {
    shared: Arc<Shared>,
}

struct Shared {
    started: Instant,
    record: Mutex<Record>,
}

/// Most calls are one attempt: that one needs no list.
#[derive(Debug, Default)]
struct Record {
    first: Option<Step>,
    more: Vec<Step>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The call stood still.
    Waited {
        /// The layer that held it.
        layer: &'static str,
        /// Why, in one word of the layer's.
        reason: &'static str,
        /// For how long.
        time: Duration,
    },
    /// A layer turned it away without asking a provider.
    Refused {
        /// The layer.
        layer: &'static str,
        /// As what the caller sees it.
        kind: ErrorKind,
        /// When another try would be let in.
        retry_after: Option<Duration>,
    },
    /// It went on to another target.
    Moved {
        /// The layer that moved it.
        layer: &'static str,
        /// What failed there.
        from: Text,
        /// What is asked now.
        to: Text,
        /// Why.
        kind: ErrorKind,
    },
    /// A provider was asked.
    Attempt(Attempt),
}

/// One call to a provider. Each may be billed.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    provider: Text,
    model: Text,
    hedge: bool,
    began: Duration,
    first: Option<Duration>,
    ended: Option<Duration>,
    outcome: Outcome,
    usage: Option<Usage>,
    /// On the heap, since mostly there is none: an attempt is moved on the way of every call.
    reckoned: Option<Box<Reckoned>>,
}

/// What is not told but reckoned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Reckoned {
    /// Tokens.
    estimate: Option<u64>,
    cost: Option<Cost>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// The answer was whole.
    Whole,
    /// It failed.
    Failed(ErrorKind),
    /// The caller, or a layer that had a better answer, dropped it.
    Dropped,
}

/// Which attempt of a [`Journey`] it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptId {
    index: usize,
}

// === impl Journey ===

impl Journey {
    /// A call that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(Instant::now())
    }

    /// A call that has started `now`.
    #[must_use]
    pub fn starting_at(now: Instant) -> Self {
        Self {
            shared: Arc::new(Shared {
                started: now,
                record: Mutex::default(),
            }),
        }
    }

    /// When the call started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Writes down what happened.
    pub fn push(&self, step: Step) {
        self.lock().push(step);
    }

    /// Writes down that `provider` is asked for `model` from `now` on; as a `hedge` beside another
    /// attempt, or not.
    pub fn begin_attempt(
        &self,
        provider: impl Into<Text>,
        model: impl Into<Text>,
        hedge: bool,
        now: Instant,
    ) -> AttemptId {
        let attempt = Attempt {
            provider: provider.into(),
            model: model.into(),
            hedge,
            began: self.elapsed(now),
            first: None,
            ended: None,
            outcome: Outcome::Running,
            usage: None,
            reckoned: None,
        };
        AttemptId {
            index: self.lock().push(Step::Attempt(attempt)),
        }
    }

    /// The first content of an attempt arrived.
    pub fn first_token(&self, id: AttemptId, now: Instant) {
        let now = self.elapsed(now);
        self.with_attempt(id, |attempt| {
            attempt.first.get_or_insert(now);
        });
    }

    /// An attempt ended. Only the first end of an attempt counts.
    pub fn end_attempt(
        &self,
        id: AttemptId,
        outcome: Outcome,
        usage: Option<&Usage>,
        now: Instant,
    ) {
        let now = self.elapsed(now);
        self.with_attempt(id, |attempt| attempt.end(outcome, usage, now));
    }

    /// An attempt was answered by a whole answer: its first content is its last.
    pub fn whole_attempt(&self, id: AttemptId, usage: Option<&Usage>, now: Instant) {
        let now = self.elapsed(now);
        self.with_attempt(id, |attempt| {
            attempt.first.get_or_insert(now);
            attempt.end(Outcome::Whole, usage, now);
        });
    }

    /// What an attempt has probably used, where the provider did not say, or not of all of it.
    pub fn estimate(&self, id: AttemptId, tokens: u64) {
        self.with_attempt(id, |attempt| attempt.reckoned().estimate = Some(tokens));
    }

    /// What an attempt costs, or probably costs where its tokens are an estimate.
    pub fn price(&self, id: AttemptId, cost: Cost) {
        self.with_attempt(id, |attempt| attempt.reckoned().cost = Some(cost));
    }

    /// Everything so far, in the order in which it began.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let record = self.lock();
        record.first.iter().chain(&record.more).cloned().collect()
    }

    /// How many times a provider was asked.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        let record = self.lock();
        let steps = record.first.iter().chain(&record.more);
        let count = steps
            .filter(|step| matches!(step, Step::Attempt(_)))
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// How long the call stood still, all waits together.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let record = self.lock();
        let steps = record.first.iter().chain(&record.more);
        steps.fold(Duration::ZERO, |sum, step| match step {
            Step::Waited { time, .. } => sum.saturating_add(*time),
            _ => sum,
        })
    }

    /// Tokens of all attempts: what providers reported, and estimates where they did not.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let record = self.lock();
        let steps = record.first.iter().chain(&record.more);
        steps.fold(0, |sum, step| match step {
            Step::Attempt(attempt) => sum.saturating_add(attempt.tokens().unwrap_or(0)),
            _ => sum,
        })
    }

    /// What all attempts cost together, estimates among them. `None` as long as that of one is not known, and
    /// without attempts, as where the call joined another one.
    ///
    /// A stack whose target is a client of its own writes an attempt of each into the record of one call, of
    /// which the inner one is billed: add up the cost of those whose provider that is.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        let record = self.lock();
        let steps = record.first.iter().chain(&record.more);
        let attempts = steps.filter_map(|step| match step {
            Step::Attempt(attempt) => Some(attempt.cost()),
            _ => None,
        });
        attempts
            .reduce(|sum, cost| Some(sum?.saturating_add(cost?)))
            .flatten()
    }

    fn elapsed(&self, now: Instant) -> Duration {
        // The first attempt mostly begins with the call.
        if now == self.shared.started {
            return Duration::ZERO;
        }
        now.saturating_duration_since(self.shared.started)
    }

    fn with_attempt(&self, id: AttemptId, change: impl FnOnce(&mut Attempt)) {
        if let Some(Step::Attempt(attempt)) = self.lock().get(id.index) {
            change(attempt);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // Nothing panics while it is held, and a record with a hole is better than none.
        let record = self.shared.record.lock();
        record.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Journey {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints the steps.
impl fmt::Debug for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps()).finish()
    }
}

// === impl Record ===

impl Record {
    /// Adds `step` and says its index.
    fn push(&mut self, step: Step) -> usize {
        if self.first.is_none() {
            self.first = Some(step);
            return 0;
        }
        self.more.push(step);
        self.more.len()
    }

    fn get(&mut self, index: usize) -> Option<&mut Step> {
        match index.checked_sub(1) {
            None => self.first.as_mut(),
            Some(index) => self.more.get_mut(index),
        }
    }
}

// === impl Step ===

impl Step {
    /// The call stood still in `layer` for `time`.
    #[must_use]
    pub const fn waited(layer: &'static str, reason: &'static str, time: Duration) -> Self {
        Self::Waited {
            layer,
            reason,
            time,
        }
    }
}

// === impl Attempt ===

impl Attempt {
    /// The provider that was asked.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model that was asked.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether it was sent beside another attempt, to be faster.
    #[must_use]
    pub const fn is_hedge(&self) -> bool {
        self.hedge
    }

    /// When it began, from the start of the call.
    #[must_use]
    pub const fn began(&self) -> Duration {
        self.began
    }

    /// When its first content arrived, from the start of the call.
    #[must_use]
    pub const fn first_token(&self) -> Option<Duration> {
        self.first
    }

    /// When it ended, from the start of the call.
    #[must_use]
    pub const fn ended(&self) -> Option<Duration> {
        self.ended
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the provider said it used. Of an attempt that broke off these are the numbers up to there, some
    /// of which may be those of its first event.
    #[must_use]
    pub const fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    /// Tokens: an estimate where there is one, else what the provider reported.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        let reported = self.usage.as_ref().and_then(Usage::total);
        self.estimate().or(reported)
    }

    /// Whether [`tokens`](Self::tokens) and [`cost`](Self::cost) are estimates: the provider did not say, or
    /// not of all that it sent, and may bill.
    #[must_use]
    pub fn is_estimate(&self) -> bool {
        self.estimate().is_some()
    }

    /// What it costs, where the prices are known; an estimate where [`is_estimate`](Self::is_estimate).
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.reckoned.as_ref()?.cost
    }

    fn estimate(&self) -> Option<u64> {
        self.reckoned.as_ref()?.estimate
    }

    fn reckoned(&mut self) -> &mut Reckoned {
        self.reckoned.get_or_insert_default()
    }

    fn end(&mut self, outcome: Outcome, usage: Option<&Usage>, now: Duration) {
        if self.ended.is_none() {
            self.ended = Some(now);
            self.outcome = outcome;
            self.usage = usage.cloned();
        }
    }
}
