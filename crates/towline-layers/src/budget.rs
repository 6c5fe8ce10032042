//! How many tokens may be spent on asking again.
//!
//! A second attempt is a second bill, and it comes when the provider is least able to bear it. So what
//! asks again, a retry or a hedge, first takes the tokens of the attempt from a budget, which
//! is filled by first attempts.
//!
//! # The bound
//!
//! In any span of time, tokens of second attempts are at most `ratio` times the tokens of first
//! attempts in that span, plus `reserve`. This holds whatever the threads do. A first attempt counts when
//! its answer begins or fails; a second one when it is sent. What a layer of ours turned away counts as
//! neither, for no provider was asked.
//!
//! # How it is kept
//!
//! The budget remembers what is *owed*: tokens that were spent and not yet paid for. A first attempt
//! of *n* tokens pays off `ratio` x *n* of it, and never more than there is: nothing is saved up, so
//! that an hour of good weather does not pay for a storm. What is about to be sent is *held*. Tokens
//! are given only while owed + held stays within `reserve`. What is spent in a span is therefore what
//! the first attempts in it paid off, and at most `reserve` more.
//!
//! A call weighs what [`Metered::estimated_tokens`](towline_core::Metered::estimated_tokens) says, as a
//! first attempt and as a second: its answer counts as well, with a guess where nobody bounded it.
//!
//! All of it is integers, a millionth of a token each: a ratio of 0.3 is 0.3.
//!
//! # Shared between clones
//!
//! Everything. Layers that are to spend together get clones of one budget.
//!
//! # Examples
//!
//! ```
//! use towline_layers::budget::Budget;
//!
//! let budget = Budget::new(200_000, 1_000);
//! budget.withdraw(1_000).expect("the reserve").sent();
//! assert!(budget.withdraw(1).is_none());
//! budget.deposit(500);
//! assert_eq!(budget.available(), 100);
//! ```

use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use std::{fmt, sync::Arc};

/// Tokens for second attempts. The [module docs](self) say how they are counted.
#[derive(Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

/// Tokens that were taken from a [`Budget`].
///
/// Dropped before the attempt is sent, it gives them back. Dropped after that, they are spent.
#[must_use = "dropping it gives the tokens back"]
pub struct Withdrawal {
    budget: Budget,
    amount: u128,
    sent: bool,
}

struct Shared {
    /// Millionths of a token that each token of a first attempt pays.
    ratio: u32,
    /// Millionths of tokens.
    reserve: u128,
    ledger: Mutex<Ledger>,
    /// 1 while something is owed. Changed only under the lock. It lets a deposit into a budget that owes
    /// nothing, which changes nothing, go without the lock.
    owing: AtomicU64,
}

/// Millionths of tokens. `owed + held` never exceeds the reserve.
#[derive(Clone, Copy, Debug, Default)]
struct Ledger {
    owed: u128,
    held: u128,
}

const TOKEN: u128 = 1_000_000;

// === impl Budget ===

impl Budget {
    /// Lets second attempts spend `ratio` millionths of a token per token of first attempts, and
    /// `reserve` tokens above that. A call that weighs more than `reserve` is never made again, and one
    /// that allows itself a long answer weighs that much.
    #[must_use]
    pub fn new(ratio: u32, reserve: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                ratio,
                reserve: u128::from(reserve) * TOKEN,
                ledger: Mutex::new(Ledger::default()),
                owing: AtomicU64::new(0),
            }),
        }
    }

    /// A first attempt of so many tokens was made.
    pub fn deposit(&self, tokens: u64) {
        // Stale by a moment at worst, as if the deposit had come before the withdrawal.
        if self.shared.owing.load(Ordering::Acquire) == 0 {
            return;
        }
        let paid = u128::from(tokens) * u128::from(self.shared.ratio);
        self.shared.change(|ledger| {
            ledger.owed = ledger.owed.saturating_sub(paid);
        });
    }

    /// Takes the tokens of a second attempt, if they are there.
    #[must_use]
    pub fn withdraw(&self, tokens: u64) -> Option<Withdrawal> {
        let amount = u128::from(tokens) * TOKEN;
        let reserve = self.shared.reserve;
        let granted = self.shared.change(|ledger| {
            // Two sums of at most 2^64 tokens, in millionths: far from the end of a u128.
            let fits = ledger.owed + ledger.held + amount <= reserve;
            if fits {
                ledger.held += amount;
            }
            fits
        });
        granted.then(|| Withdrawal {
            budget: self.clone(),
            amount,
            sent: false,
        })
    }

    /// Whole tokens that could be taken now.
    #[must_use]
    pub fn available(&self) -> u64 {
        let ledger = *lock(&self.shared.ledger);
        let free = self.shared.reserve - ledger.owed - ledger.held;
        // Never above the reserve, which is a u64 of tokens.
        u64::try_from(free / TOKEN).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("ratio_millionths", &self.shared.ratio)
            .field("reserve", &(self.shared.reserve / TOKEN))
            .field("available", &self.available())
            .finish()
    }
}

// === impl Withdrawal ===

impl Withdrawal {
    /// The attempt is being sent: from here on the tokens are spent when this is dropped.
    pub fn sent(mut self) -> Self {
        self.sent = true;
        self
    }

    /// Gives the tokens back all the same: it turned out that no provider was asked.
    pub fn refund(mut self) {
        self.sent = false;
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        let (amount, sent) = (self.amount, self.sent);
        self.budget.shared.change(|ledger| {
            ledger.held -= amount;
            if sent {
                ledger.owed += amount;
            }
        });
    }
}

impl fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Withdrawal")
            .field("tokens", &(self.amount / TOKEN))
            .field("sent", &self.sent)
            .finish()
    }
}

// === impl Shared ===

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledger = lock(&self.ledger);
        let result = change(&mut ledger);
        let owing = u64::from(ledger.owed > 0);
        self.owing.store(owing, Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests;
