//! What every [`Store`] has to do, as checks that its tests run.
//!
//! They take the time of tokio: under a paused clock they take none, and with a store that has a
//! clock of its own a few seconds.
//!
//! # Examples
//!
//! ```
//! use towline_layers::limit::{LocalStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), conformance::Violation> {
//! conformance::check(LocalStore::new).await
//! # }
//! ```

use super::{
    Booking, Bucket, Demand, Dimension, Key, Oversize, Quota, Quotas, Refund, Rules, Spent, Store,
    Verdict, Wait,
};
use std::{error::Error as StdError, fmt, num::NonZeroU64, time::Duration};
use tokio::time::{Instant, sleep};
use towline_core::{RateLimit, RateLimits};

/// A store that does not do what it has to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    check: &'static str,
    found: String,
}

/// One bucket under test.
struct Subject<B> {
    check: &'static str,
    bucket: B,
}

type Checked = Result<(), Violation>;

/// Holds the stores that `make` makes to all that a store has to do. Each has to be empty of what
/// others have counted.
///
/// # Errors
///
/// The first check that failed, and what was found instead.
///
/// # Cancel safety
///
/// Dropping it leaves reservations of the stores unsettled.
pub async fn check<S: Store>(make: impl Fn(Rules) -> S) -> Checked {
    bursts_and_rate(&make).await?;
    all_or_nothing(&make).await?;
    slots(&make).await?;
    comes_back(&make).await?;
    comes_back_once(&make).await?;
    debt(&make).await?;
    larger_than_the_bucket(&make).await?;
    rejected(&make).await?;
    observed(&make).await?;
    booked(&make).await
}

/// A burst goes at once; the next is told when, and is granted then.
async fn bursts_and_rate<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let quotas = Quotas::unlimited().with(Dimension::Requests, per_second(5).with_burst(amount(3)));
    let subject = Subject::new("bursts_and_rate", make, Rules::new(quotas));
    let start = Instant::now();
    for _ in 0..3 {
        subject.granted(&Demand::call()).await?;
    }
    for _ in 0..3 {
        let wait = subject.waits(&Demand::call()).await?;
        let time = wait.time().unwrap_or_default();
        subject.expect(!time.is_zero(), "no time to wait for a rate")?;
        sleep(time).await;
        subject.granted(&Demand::call()).await?;
    }
    let took = Instant::now().saturating_duration_since(start);
    // Six with a burst of three, at five a second.
    subject.expect(
        took >= Duration::from_millis(590),
        format!("six calls in {took:?}"),
    )
}

/// What is refused for one dimension takes nothing of the others.
async fn all_or_nothing<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let quotas = Quotas::unlimited()
        .with(Dimension::Requests, per_hour(2))
        .with(Dimension::Tokens, per_hour(100));
    let subject = Subject::new("all_or_nothing", make, Rules::new(quotas));
    subject.granted(&tokens(60)).await?;
    for _ in 0..5 {
        subject.waits(&tokens(60)).await?;
    }
    subject.granted(&tokens(40)).await.map(drop)
}

/// No more calls than slots, whatever becomes of their number.
async fn slots<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let store = make(Rules::new(Quotas::unlimited().with_slots(2)));
    let subject = Subject {
        check: "slots",
        bucket: store.bucket(&Key::default()),
    };
    let first = subject.granted(&Demand::call()).await?;
    let second = subject.granted(&Demand::call()).await?;
    let wait = subject.waits(&Demand::call()).await?;
    subject.expect(wait.time().is_none(), "a time at which a call ends")?;
    store.set_slots(Some(1));
    subject.bucket.settle(first, &Spent::unknown());
    subject.waits(&Demand::call()).await?;
    subject.bucket.settle(second, &Spent::unknown());
    let third = subject.granted(&Demand::call()).await?;
    subject.expect(
        subject.bucket.in_use() == 1,
        "another number in use than one",
    )?;
    store.set_slots(None);
    subject.granted(&Demand::call()).await?;
    subject.bucket.settle(third, &Spent::unknown());
    Ok(())
}

/// What was reserved and not used can be taken by others; what nobody knows cannot.
async fn comes_back<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let subject = Subject::hourly("comes_back", make, 100, Refund::Replay);
    let reservation = subject.granted(&tokens(100)).await?;
    subject.waits(&tokens(60)).await?;
    let spent = Spent::unknown().with(Dimension::Tokens, 30);
    subject.bucket.settle(reservation, &spent);
    let reservation = subject.granted(&tokens(60)).await?;
    subject.bucket.settle(reservation, &Spent::unknown());
    subject.waits(&tokens(20)).await?;
    subject.granted(&tokens(10)).await.map(drop)
}

/// What had flowed in meanwhile does not come back as well.
async fn comes_back_once<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    for refund in [Refund::Replay, Refund::MinDeficit] {
        let quotas = Quotas::unlimited().with(Dimension::Tokens, per_second(100));
        let rules = Rules::new(quotas).with_refund(refund);
        let subject = Subject::new("comes_back_once", make, rules);
        let reservation = subject.granted(&tokens(50)).await?;
        // By now the bucket is full again.
        sleep(Duration::from_millis(600)).await;
        subject.granted(&tokens(90)).await?;
        let spent = Spent::unknown().with(Dimension::Tokens, 0);
        subject.bucket.settle(reservation, &spent);
        subject.waits(&tokens(50)).await?;
    }
    Ok(())
}

/// What was used beyond the reservation is missing.
async fn debt<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    for refund in [Refund::Replay, Refund::MinDeficit, Refund::Naive] {
        let subject = Subject::hourly("debt", make, 100, refund);
        let reservation = subject.granted(&tokens(10)).await?;
        let spent = Spent::unknown().with(Dimension::Tokens, 80);
        subject.bucket.settle(reservation, &spent);
        subject.waits(&tokens(30)).await?;
        subject.granted(&tokens(20)).await?;
    }
    Ok(())
}

/// More than the bucket holds goes when it is full, or never.
async fn larger_than_the_bucket<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let subject = Subject::hourly("larger_than_the_bucket", make, 100, Refund::Replay);
    subject.granted(&tokens(300)).await?;
    let wait = subject.waits(&tokens(1)).await?;
    // Two hundred of a hundred an hour.
    let time = wait.time().unwrap_or_default();
    subject.expect(
        time > Duration::from_secs(7100),
        format!("a wait of {time:?}"),
    )?;
    let quotas = Quotas::unlimited().with(Dimension::Tokens, per_hour(100));
    let rules = Rules::new(quotas).with_oversize(Oversize::Refuse);
    let subject = Subject::new("larger_than_the_bucket", make, rules);
    match subject.ask(&tokens(300), None).await? {
        Verdict::Never { burst: 100, .. } => Ok(()),
        other => subject.found(format!("{other:?} instead of never")),
    }
}

/// After a rejection nothing is granted before the hint, and then one at first.
async fn rejected<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let quotas = Quotas::unlimited().with(Dimension::Requests, per_second(5));
    let subject = Subject::new("rejected", make, Rules::new(quotas));
    subject.granted(&Demand::call()).await?;
    let hint = Duration::from_millis(300);
    subject.bucket.rejected(&Demand::call(), Some(hint), true);
    let wait = subject.waits(&Demand::call()).await?;
    sleep(wait.time().unwrap_or_default()).await;
    subject.granted(&Demand::call()).await?;
    subject.waits(&Demand::call()).await.map(drop)
}

/// What the provider says lowers the level, and never raises it.
async fn observed<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let quotas = Quotas::unlimited().with(Dimension::Requests, per_hour(5));
    let subject = Subject::new("observed", make, Rules::new(quotas));
    let mut limits = RateLimits::default();
    limits.requests = RateLimit::new(None, Some(2), None);
    subject.bucket.observe(&limits);
    subject.granted(&Demand::call()).await?;
    limits.requests.remaining = Some(1000);
    subject.bucket.observe(&limits);
    subject.granted(&Demand::call()).await?;
    subject.waits(&Demand::call()).await.map(drop)
}

/// Who goes before another does not delay its start.
async fn booked<S: Store>(make: &impl Fn(Rules) -> S) -> Checked {
    let subject = Subject::hourly("booked", make, 100, Refund::Replay);
    subject.granted(&tokens(50)).await?;
    let wait = subject.waits(&tokens(80)).await?;
    let start = wait
        .time()
        .and_then(|time| Instant::now().checked_add(time));
    let Some(start) = start else {
        return subject.found("no time to wait for tokens");
    };
    let booking = Booking::new(tokens(80), start);
    match subject.ask(&tokens(10), Some(&booking)).await? {
        Verdict::Wait(_) => Ok(()),
        other => subject.found(format!("{other:?} before a booked start that it delays")),
    }
}

// === impl Violation ===

impl Violation {
    /// Which check failed.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        self.check
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the store fails the check `{}`: {}",
            self.check, self.found
        )
    }
}

impl StdError for Violation {}

// === impl Subject ===

impl<B: Bucket> Subject<B> {
    fn new<S>(check: &'static str, make: &impl Fn(Rules) -> S, rules: Rules) -> Self
    where
        S: Store<Bucket = B>,
    {
        let bucket = make(rules).bucket(&Key::default());
        Self { check, bucket }
    }

    /// Tokens that hardly flow in while the check runs.
    fn hourly<S>(
        check: &'static str,
        make: &impl Fn(Rules) -> S,
        tokens: u64,
        refund: Refund,
    ) -> Self
    where
        S: Store<Bucket = B>,
    {
        let quotas = Quotas::unlimited().with(Dimension::Tokens, per_hour(tokens));
        Self::new(check, make, Rules::new(quotas).with_refund(refund))
    }

    async fn ask(
        &self,
        demand: &Demand,
        booked: Option<&Booking>,
    ) -> Result<Verdict<B::Reservation>, Violation> {
        let asked = self.bucket.admit(demand, booked).await;
        asked.map_err(|error| self.violation(format!("an error: {error}")))
    }

    async fn granted(&self, demand: &Demand) -> Result<B::Reservation, Violation> {
        match self.ask(demand, None).await? {
            Verdict::Granted(reservation) => Ok(reservation),
            other => Err(self.violation(format!("{other:?} for {demand:?}, which fits"))),
        }
    }

    async fn waits(&self, demand: &Demand) -> Result<Wait, Violation> {
        match self.ask(demand, None).await? {
            Verdict::Wait(wait) => Ok(wait),
            other => Err(self.violation(format!("{other:?} for {demand:?}, which does not fit"))),
        }
    }

    fn expect(&self, holds: bool, else_found: impl Into<String>) -> Checked {
        if holds {
            Ok(())
        } else {
            self.found(else_found)
        }
    }

    fn found(&self, found: impl Into<String>) -> Checked {
        Err(self.violation(found))
    }

    fn violation(&self, found: impl Into<String>) -> Violation {
        Violation {
            check: self.check,
            found: found.into(),
        }
    }
}

fn amount(amount: u64) -> NonZeroU64 {
    NonZeroU64::new(amount).unwrap_or(NonZeroU64::MIN)
}

fn per_second(count: u64) -> Quota {
    Quota::per_second(amount(count))
}

fn per_hour(count: u64) -> Quota {
    Quota::new(amount(count), Duration::from_secs(3600))
}

fn tokens(count: u64) -> Demand {
    Demand::call().with(Dimension::Tokens, count)
}
