//! When it opens, and when it lets calls in again.

use std::{num::NonZeroU32, time::Duration};

/// When a breaker opens, and when it lets calls in again. Every combination of values means something.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use towline_layers::breaker::BreakerConfig;
///
/// let config = BreakerConfig::new()
///     .with_failures(NonZeroU32::new(3))
///     .with_cooldown(Duration::from_secs(5), Duration::from_secs(60));
/// assert_eq!(config.failures(), NonZeroU32::new(3));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerConfig {
    failures: Option<NonZeroU32>,
    ratio: Option<(NonZeroU32, NonZeroU32)>,
    window: Duration,
    min_requests: NonZeroU32,
    rate_limits: Option<NonZeroU32>,
    cooldown: Duration,
    max_cooldown: Duration,
    max_hint: Duration,
    probes: NonZeroU32,
    successes: NonZeroU32,
    single: bool,
}

const fn some(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

// === impl BreakerConfig ===

impl BreakerConfig {
    /// The defaults: five failures in a row, or half of at least 20 calls within 30 s; 30 s of
    /// cooldown at first and five minutes at most; one probe at a time, and two good ones close it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            failures: Some(some(5)),
            ratio: Some((some(1), some(2))),
            window: Duration::from_secs(30),
            min_requests: some(20),
            rate_limits: Some(some(10)),
            cooldown: Duration::from_secs(30),
            max_cooldown: Duration::from_mins(5),
            max_hint: Duration::from_hours(1),
            probes: some(1),
            successes: some(2),
            single: false,
        }
    }

    /// Opens after this many failures in a row. `None` does not count failures in a row. Default 5.
    #[must_use]
    pub const fn with_failures(mut self, failures: Option<NonZeroU32>) -> Self {
        self.failures = failures;
        self
    }

    /// Opens when at least `failed` of each `of` calls in the window failed: exact, as long as the
    /// window holds [`min_requests`](Self::with_min_requests). A `failed` of 0 does not look at the
    /// share. Default 1 of 2.
    #[must_use]
    pub const fn with_ratio(mut self, failed: u32, of: NonZeroU32) -> Self {
        self.ratio = match NonZeroU32::new(failed) {
            Some(failed) => Some((failed, of)),
            None => None,
        };
        self
    }

    /// Counts the share over this time, in ten parts: between nine and ten tenths of it are seen.
    /// Default 30 s.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Below this many calls in the window the share says nothing. Default 20.
    #[must_use]
    pub const fn with_min_requests(mut self, requests: NonZeroU32) -> Self {
        self.min_requests = requests;
        self
    }

    /// Opens after *more* than this many rate limits of the provider in a row, which our own limits
    /// let through: those limits are then wrong. It stays open for as long as the provider says.
    /// `None` leaves rate limits to the limiter alone. Default 10.
    #[must_use]
    pub const fn with_rate_limits(mut self, rate_limits: Option<NonZeroU32>) -> Self {
        self.rate_limits = rate_limits;
        self
    }

    /// Stays open for `first`, twice as long with each time that it opens again soon, and for `most`
    /// at most. Default 30 s and five minutes.
    #[must_use]
    pub const fn with_cooldown(mut self, first: Duration, most: Duration) -> Self {
        self.cooldown = first;
        self.max_cooldown = most;
        self
    }

    /// Believes a provider's `Retry-After` up to this. It makes a cooldown longer, never shorter.
    /// Default one hour.
    #[must_use]
    pub const fn with_max_hint(mut self, longest: Duration) -> Self {
        self.max_hint = longest;
        self
    }

    /// Lets this many calls at once try whether the deployment is back. A stream is a try until it
    /// has ended; one that has not after as long as the breaker was open, or a second where that is
    /// longer, leaves its place to another. Default 1.
    #[must_use]
    pub const fn with_probes(mut self, probes: NonZeroU32) -> Self {
        self.probes = probes;
        self
    }

    /// Closes after this many good tries. Default 2.
    #[must_use]
    pub const fn with_successes(mut self, successes: NonZeroU32) -> Self {
        self.successes = successes;
        self
    }

    /// Says that there is nobody else to ask. To refuse everything would then only fail sooner: an
    /// open breaker lets calls through by chance, the fewer the more of them fail, and a call that
    /// succeeds ends the cooldown. Default false.
    ///
    /// A call is shed with the probability `(calls - 2 * successes) / (calls + 1)`, over the calls of
    /// the last two minutes since it opened, those that were shed among them.
    ///
    /// Source: Beyer and others, "Site Reliability Engineering", chapter 21, "client-side throttling".
    #[must_use]
    pub const fn with_single(mut self, single: bool) -> Self {
        self.single = single;
        self
    }

    /// Failures in a row that open it.
    #[must_use]
    pub const fn failures(&self) -> Option<NonZeroU32> {
        self.failures
    }

    /// The share that opens it: so many failed of so many.
    #[must_use]
    pub const fn ratio(&self) -> Option<(NonZeroU32, NonZeroU32)> {
        self.ratio
    }

    /// The time over which the share is counted.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Calls in the window below which the share says nothing.
    #[must_use]
    pub const fn min_requests(&self) -> NonZeroU32 {
        self.min_requests
    }

    /// Rate limits in a row that it puts up with.
    #[must_use]
    pub const fn rate_limits(&self) -> Option<NonZeroU32> {
        self.rate_limits
    }

    /// The first cooldown.
    #[must_use]
    pub const fn cooldown(&self) -> Duration {
        self.cooldown
    }

    /// The longest cooldown without a word of the provider.
    #[must_use]
    pub const fn max_cooldown(&self) -> Duration {
        self.max_cooldown
    }

    /// The longest `Retry-After` that is believed.
    #[must_use]
    pub const fn max_hint(&self) -> Duration {
        self.max_hint
    }

    /// Calls at once that try whether the deployment is back.
    #[must_use]
    pub const fn probes(&self) -> NonZeroU32 {
        self.probes
    }

    /// Good tries that close it.
    #[must_use]
    pub const fn successes(&self) -> NonZeroU32 {
        self.successes
    }

    /// Whether there is nobody else to ask.
    #[must_use]
    pub const fn single(&self) -> bool {
        self.single
    }

    /// The cooldown of the `trips`th time in a row that it opens.
    pub(super) fn cooldown_of(&self, trips: u32) -> Duration {
        let doublings = trips.saturating_sub(1).min(31);
        let time = self.cooldown.saturating_mul(1 << doublings);
        time.min(self.max_cooldown.max(self.cooldown))
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self::new()
    }
}
