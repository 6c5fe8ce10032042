//! What layers know of a call.

use crate::{Journey, Picks, Text};
use std::sync::Arc;
use tokio::time::Instant;

/// What layers know of a call without knowing its provider.
#[derive(Clone, Debug, Default)]
pub struct Context {
    deadline: Option<Instant>,
    priority: Priority,
    retry: RetrySafety,
    token_estimate: Option<u64>,
    seed: u64,
    journey: Option<Journey>,
    hedge: bool,
    repeat: bool,
    picks: Option<Picks>,
    rare: Option<Arc<Rare>>,
}

/// What most calls do not have. Apart from the rest, since every layer passes the request on.
#[derive(Clone, Debug, Default)]
struct Rare {
    tenant: Option<Text>,
    tags: Vec<(Text, Text)>,
    trace_parent: Option<Text>,
    avoided: Vec<Text>,
    begin_by: Option<Instant>,
    /// A deadline that was taken out.
    taken: Option<Instant>,
}

/// How urgent a call is to the caller.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Priority {
    /// Nobody waits for it.
    Background,
    /// The default.
    #[default]
    Normal,
    /// A person waits.
    Interactive,
}

/// Whether a layer may send a call twice.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RetrySafety {
    /// A second try costs tokens and changes nothing else: the default.
    #[default]
    Safe,
    /// Never send it twice.
    Once,
}

// === impl Context ===

impl Context {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The moment after which the answer is of no use.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// On whose behalf the call is made.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<Text>) -> Self {
        self.rare_mut().tenant = Some(tenant.into());
        self
    }

    /// How urgent it is.
    #[must_use]
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Adds a tag, for traces and bills.
    #[must_use]
    pub fn with_tag(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.rare_mut().tags.push((name.into(), value.into()));
        self
    }

    /// The W3C `traceparent` of the span that makes the call.
    #[must_use]
    pub fn with_trace_parent(mut self, parent: impl Into<Text>) -> Self {
        self.rare_mut().trace_parent = Some(parent.into());
        self
    }

    /// Whether a layer may send it twice.
    #[must_use]
    pub const fn with_retry(mut self, retry: RetrySafety) -> Self {
        self.retry = retry;
        self
    }

    /// Tokens of the input, where the caller has counted them.
    #[must_use]
    pub const fn with_token_estimate(mut self, tokens: u64) -> Self {
        self.token_estimate = Some(tokens);
        self
    }

    /// Where the call's randomness starts, so that a simulation can repeat it.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Writes what happens to the call into `journey`.
    #[must_use]
    pub fn with_journey(mut self, journey: Journey) -> Self {
        self.journey = Some(journey);
        self
    }

    /// Writes what happens to the call into `journey`.
    pub fn set_journey(&mut self, journey: Journey) {
        self.journey = Some(journey);
    }

    /// Says that the attempt is sent beside another, to be faster.
    pub const fn set_hedge(&mut self, hedge: bool) {
        self.hedge = hedge;
    }

    /// Says that the call is itself a second try, as of an answer that broke off: it was paid for where that
    /// was decided, and earns no further tries as first attempts do.
    pub const fn set_repeat(&mut self, repeat: bool) {
        self.repeat = repeat;
    }

    /// Asks whoever picks among deployments to take another than `deployment`. Where there is no
    /// other, a second try goes to the same one; a hedge ([`is_hedge`](Self::is_hedge)) is refused.
    pub fn avoid(&mut self, deployment: impl Into<Text>) {
        let deployment = deployment.into();
        if !self.avoided().contains(&deployment) {
            self.rare_mut().avoided.push(deployment);
        }
    }

    /// Lets deployments be asked again that were asked before.
    pub fn forget_avoided(&mut self) {
        if !self.avoided().is_empty() {
            self.rare_mut().avoided.clear();
        }
    }

    /// Whoever picks among deployments writes the names of those that are asked into `picks`.
    pub fn set_picks(&mut self, picks: Picks) {
        self.picks = Some(picks);
    }

    /// Brings the deadline forward to `deadline`, where that is earlier. It is never put off.
    pub fn narrow_deadline(&mut self, deadline: Instant) {
        let earlier = self.deadline.map_or(deadline, |known| known.min(deadline));
        self.deadline = Some(earlier);
    }

    /// Takes the deadline out. Whoever does it holds the callers to their deadlines himself.
    /// [`plan_by`](Self::plan_by) still tells it.
    pub fn take_deadline(&mut self) -> Option<Instant> {
        let deadline = self.deadline.take()?;
        self.rare_mut().taken = Some(deadline);
        Some(deadline)
    }

    /// The moment by which whoever divides the time of the call among several plans it: the deadline, or one
    /// that was taken out.
    #[must_use]
    pub fn plan_by(&self) -> Option<Instant> {
        let taken = || self.rare.as_deref().and_then(|rare| rare.taken);
        self.deadline.or_else(taken)
    }

    /// Says until when the answer has to have begun, if not until the deadline: whoever says it asks somebody
    /// else then.
    pub fn set_begin_by(&mut self, moment: Option<Instant>) {
        if self.rare.is_some() || moment.is_some() {
            self.rare_mut().begin_by = moment;
        }
    }

    /// The moment by which the answer has to have begun: the deadline, or an earlier one. For whoever waits
    /// before it is asked for. An answer that has begun is held to the [`deadline`](Self::deadline) alone.
    #[must_use]
    pub fn begin_by(&self) -> Option<Instant> {
        let earlier = self.rare.as_deref().and_then(|rare| rare.begin_by);
        earlier.into_iter().chain(self.deadline).min()
    }

    /// Where what happens to the call is written down, if anywhere.
    #[must_use]
    pub const fn journey(&self) -> Option<&Journey> {
        self.journey.as_ref()
    }

    /// Whether the attempt is sent beside another, to be faster.
    #[must_use]
    pub const fn is_hedge(&self) -> bool {
        self.hedge
    }

    /// Whether the call is itself a second try that was paid for.
    #[must_use]
    pub const fn is_repeat(&self) -> bool {
        self.repeat
    }

    /// Deployments that were asked for this call before, or are being asked.
    #[must_use]
    pub fn avoided(&self) -> &[Text] {
        self.rare.as_deref().map_or(&[], |rare| &rare.avoided)
    }

    /// Where the deployments that are asked are written down, if anywhere.
    #[must_use]
    pub const fn picks(&self) -> Option<&Picks> {
        self.picks.as_ref()
    }

    /// The moment after which the answer is of no use.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// On whose behalf the call is made.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.rare.as_deref()?.tenant.as_deref()
    }

    /// How urgent it is.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The tags.
    #[must_use]
    pub fn tags(&self) -> &[(Text, Text)] {
        self.rare.as_deref().map_or(&[], |rare| &rare.tags)
    }

    /// The W3C `traceparent` of the span that makes the call.
    #[must_use]
    pub fn trace_parent(&self) -> Option<&str> {
        self.rare.as_deref()?.trace_parent.as_deref()
    }

    /// Whether a layer may send it twice.
    #[must_use]
    pub const fn retry(&self) -> RetrySafety {
        self.retry
    }

    /// Tokens of the input, where the caller has counted them.
    #[must_use]
    pub const fn token_estimate(&self) -> Option<u64> {
        self.token_estimate
    }

    /// Where the call's randomness starts.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    fn rare_mut(&mut self) -> &mut Rare {
        Arc::make_mut(self.rare.get_or_insert_default())
    }
}
