//! Where the levels of limits are kept.

use super::{Demand, Dimension, Quotas, Spent};
use std::{
    fmt,
    hash::{Hash, Hasher},
    time::Duration,
};
use tokio::time::Instant;
use towline_core::{Error, Moment, RateLimits, Text};

/// Keeps buckets, one for each key: in this process ([`LocalStore`](super::LocalStore)), or in one
/// that several processes share.
///
/// Fairness and queues are the layer's and stay in the process; a store only grants or says when.
/// [`conformance`](super::conformance) holds what every store has to do.
pub trait Store: Clone + fmt::Debug + Send + Sync + 'static {
    /// What calls of one key are counted in.
    type Bucket: Bucket;

    /// Opens the bucket of `key`. The layer asks once for each key, and again when it has forgotten one
    /// that was idle.
    fn bucket(&self, key: &Key) -> Self::Bucket;

    /// How many calls of one key may be under way from now on; None for any number. Calls that are
    /// under way stay, whatever the number.
    fn set_slots(&self, slots: Option<usize>);
}

/// The buckets and slots of one key.
pub trait Bucket: Clone + fmt::Debug + Send + Sync + 'static {
    /// What was granted, to be settled.
    type Reservation: fmt::Debug + Send + 'static;

    /// The future of [`admit`](Self::admit). Dropping it leaves nothing taken.
    type Admit: Future<Output = Result<Verdict<Self::Reservation>, Error>> + Send;

    /// Grants all of `demand` and a slot in one step, or nothing.
    ///
    /// Where another has `booked` a start, it is granted only if that start is not delayed.
    fn admit(&self, demand: &Demand, booked: Option<&Booking>) -> Self::Admit;

    /// The same at once, for a store that has to ask nobody. Nothing was waited for since `moment`, which
    /// is what the call is charged at: who waits further out passes on a new one.
    fn admit_now(
        &self,
        demand: &Demand,
        booked: Option<&Booking>,
        moment: &Moment,
    ) -> Option<Verdict<Self::Reservation>> {
        let _unused = (demand, booked, moment);
        None
    }

    /// How long `demand` will have to wait, where calls that take `ahead` go before; None where that
    /// is not known without asking.
    fn wait(&self, demand: &Demand, ahead: &Demand) -> Option<Duration> {
        let _unused = (demand, ahead);
        None
    }

    /// How long `demand` would have to wait to go before `booked` without delaying it; None where it
    /// cannot, or the store does not know.
    fn wait_to_pass(&self, demand: &Demand, booked: &Booking) -> Option<Duration> {
        let _unused = (demand, booked);
        None
    }

    /// What a reservation was made for.
    fn demand(reservation: &Self::Reservation) -> Demand;

    /// Frees the slot of a call that has ended, and replaces what was reserved by what it `spent`.
    ///
    /// A store that has to tell others may do so later. Settling the same reservation again must not
    /// change anything then.
    fn settle(&self, reservation: Self::Reservation, spent: &Spent);

    /// [`settle`](Self::settle), and [`observe`](Self::observe) or [`served`](Self::served), for an
    /// answer that was whole when it came.
    fn settle_whole(
        &self,
        reservation: Self::Reservation,
        spent: &Spent,
        limits: Option<&RateLimits>,
        moment: &Moment,
    ) {
        let _unused = moment;
        self.settle(reservation, spent);
        match limits {
            Some(limits) => self.observe(limits),
            None => self.served(),
        }
    }

    /// A call that was granted `demand` was rejected by the provider for its rate: nothing is granted
    /// before `hint`, and after it one such call at first. Where no rate of requests is known, one may
    /// be guessed from it, if it is to `learn`.
    fn rejected(&self, demand: &Demand, hint: Option<Duration>, learn: bool);

    /// A call was answered without a word of the provider's limits.
    fn served(&self) {}

    /// A call was answered, and this is what the provider says of its limits: it counts where it is
    /// lower than what we believe.
    fn observe(&self, limits: &RateLimits);

    /// Whether it can be forgotten: a new one would grant no more.
    fn is_idle(&self) -> bool;

    /// Calls that hold a slot.
    fn in_use(&self) -> usize;
}

/// By what calls are told apart. Parts that do not count are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Key {
    pub(super) model: Text,
    pub(super) tenant: Text,
}

/// What a store answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict<R> {
    /// It is granted.
    Granted(R),
    /// Not now.
    Wait(Wait),
    /// Never: it takes more than the bucket holds, and debts are not allowed.
    Never {
        /// Of what it takes too much.
        dimension: Dimension,
        /// How much the bucket holds.
        burst: u64,
    },
}

/// Why it is not granted now, and when it will be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wait {
    time: Option<Duration>,
    reason: Reason,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// An amount of this.
    Amount(Dimension),
    /// Another call to end.
    Slot,
    /// The time the provider asked for.
    Hold,
    /// Those before it.
    Queue,
}

/// When a call that waits was told to start, and what it takes.
#[derive(Clone, Copy, Debug)]
pub struct Booking {
    pub(super) demand: Demand,
    pub(super) start: Instant,
}

/// The rules a store holds.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroU64;
/// use towline_layers::limit::{Dimension, Quota, Quotas, Refund, Rules};
///
/// let requests = Quota::per_minute(NonZeroU64::new(500).unwrap());
/// let quotas = Quotas::unlimited().with(Dimension::Requests, requests).with_slots(64);
/// let rules = Rules::new(quotas).with_refund(Refund::Replay);
/// assert_eq!(rules.quotas().slots(), Some(64));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    pub(super) quotas: Quotas,
    pub(super) refund: Refund,
    pub(super) oversize: Oversize,
    pub(super) age: Duration,
    pub(super) hold: Duration,
}

/// How tokens that were reserved and not used come back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refund {
    /// The level is worked out anew as if the call had been charged right at first. Never above the
    /// provider's own, and no safe rule gives more. The default.
    #[default]
    Replay,
    /// No more than was missing at any time since the call came. Gives less than
    /// [`Replay`](Self::Replay) and is as safe; for a store that cannot keep a ledger.
    MinDeficit,
    /// All of it. Gives most, and overdraws the provider's limit where calls are long.
    Naive,
}

/// What happens to a call that takes more than the bucket ever holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Oversize {
    /// It is granted when the bucket is full, and puts it into debt. The default: else a long prompt
    /// could never be sent.
    #[default]
    Debt,
    /// It is refused.
    Refuse,
}

// === impl Key ===

impl Key {
    /// The key of calls to `model` on behalf of `tenant`.
    #[must_use]
    pub fn new(model: impl Into<Text>, tenant: impl Into<Text>) -> Self {
        Self {
            model: model.into(),
            tenant: tenant.into(),
        }
    }

    /// The model; empty where it does not count.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The tenant; empty where it does not count.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }
}

/// As the pair of its parts, by which it is looked up.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.model(), self.tenant()).hash(state);
    }
}

// === impl Wait ===

impl Wait {
    /// Waiting for `reason`, for `time` if nobody comes before; None where that cannot be known.
    #[must_use]
    pub const fn new(reason: Reason, time: Option<Duration>) -> Self {
        Self { time, reason }
    }

    /// How long, if nobody comes before; None where that cannot be known.
    #[must_use]
    pub const fn time(&self) -> Option<Duration> {
        self.time
    }

    /// What for.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }
}

// === impl Reason ===

impl Reason {
    /// One word, as it stands in journeys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amount(dimension) => dimension.as_str(),
            Self::Slot => "slot",
            Self::Hold => "retry_after",
            Self::Queue => "queue",
        }
    }
}

// === impl Booking ===

impl Booking {
    /// `demand` was told to start at `start`.
    #[must_use]
    pub const fn new(demand: Demand, start: Instant) -> Self {
        Self { demand, start }
    }

    /// What it takes.
    #[must_use]
    pub const fn demand(&self) -> &Demand {
        &self.demand
    }

    /// When it was told to start.
    #[must_use]
    pub const fn start(&self) -> Instant {
        self.start
    }
}

// === impl Rules ===

impl Rules {
    /// Holds `quotas` for each key, with the defaults for the rest.
    #[must_use]
    pub const fn new(quotas: Quotas) -> Self {
        Self {
            quotas,
            refund: Refund::Replay,
            oversize: Oversize::Debt,
            age: Duration::from_secs(3600),
            hold: Duration::from_secs(300),
        }
    }

    /// How unused tokens come back. Default [`Refund::Replay`].
    #[must_use]
    pub const fn with_refund(mut self, refund: Refund) -> Self {
        self.refund = refund;
        self
    }

    /// What happens to a call that takes more than the bucket holds. Default [`Oversize::Debt`].
    #[must_use]
    pub const fn with_oversize(mut self, oversize: Oversize) -> Self {
        self.oversize = oversize;
        self
    }

    /// How long a call may be under way and still give back what it did not use. Default an hour.
    #[must_use]
    pub const fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// The longest time for which a provider's hint stops a key. Default 5 minutes; after that a call
    /// is let through to ask again.
    #[must_use]
    pub const fn with_hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// The quotas of each key.
    #[must_use]
    pub const fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// How unused tokens come back.
    #[must_use]
    pub const fn refund(&self) -> Refund {
        self.refund
    }

    /// What happens to a call that takes more than the bucket holds.
    #[must_use]
    pub const fn oversize(&self) -> Oversize {
        self.oversize
    }

    /// How long a call may be under way and still give back what it did not use.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// The longest time for which a provider's hint stops a key.
    #[must_use]
    pub const fn hold(&self) -> Duration {
        self.hold
    }
}
