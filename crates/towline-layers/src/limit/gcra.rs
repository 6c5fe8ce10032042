//! The generic cell rate algorithm: a bucket as one number.
//!
//! The number is the theoretical arrival time, the moment at which the bucket is full again. What is
//! taken moves it on by the time in which that amount flows in. The bucket is in debt while the
//! number is further ahead than the time in which a whole burst flows in.
//!
//! Times are in ticks of 2^-20 nanoseconds in 128 bits, so that one token of hundreds of millions a
//! minute is not rounded to nothing: the error of a rate is below one part in 10^8 up to a unit in 100 ns,
//! which is 600 million a minute. The time of one unit is rounded up, so that an error never grants more.

use super::Quota;

/// Bits of a nanosecond.
const FRACTION: u32 = 20;

/// A moment or a time, in 2^-20 ns. Moments count from the beginning of their bucket.
pub(super) type Ticks = u128;

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pace {
    /// The time in which one unit flows in.
    unit: Ticks,
    burst: u64,
    /// The time in which a whole burst flows in.
    full: Ticks,
}

// === impl Pace ===

impl Pace {
    pub(super) fn new(quota: Quota) -> Self {
        let per = quota.per().as_nanos().max(1) << FRACTION;
        let unit = per.div_ceil(u128::from(quota.amount().get())).max(1);
        let burst = quota.burst().get();
        Self {
            unit,
            burst,
            full: unit.saturating_mul(u128::from(burst)),
        }
    }

    /// The time in which `amount` flows in.
    #[inline]
    pub(super) const fn cost(&self, amount: u64) -> Ticks {
        if self.unit >> 64 == 0 {
            // Two halves cannot overflow the whole: one multiplication.
            return self.unit * widen(amount);
        }
        self.slow_cost(amount)
    }

    /// The same for less than a unit in a quarter of a minute.
    #[cold]
    const fn slow_cost(&self, amount: u64) -> Ticks {
        self.unit.saturating_mul(widen(amount))
    }

    /// Where the number stands after `amount` was taken at `now`; None where it is not there.
    #[inline]
    pub(super) fn take_if_there(&self, tat: Ticks, now: Ticks, amount: u64) -> Option<Ticks> {
        let cost = self.cost(amount);
        let held = if amount <= self.burst {
            cost
        } else {
            self.full
        };
        let there = amount == 0 || tat.saturating_add(held) <= now.saturating_add(self.full);
        there.then(|| tat.max(now).saturating_add(cost))
    }

    /// When `amount` can be taken from a bucket that is full at `tat`. More than the bucket holds is
    /// given when it is full, and puts it into debt.
    pub(super) const fn start(&self, tat: Ticks, amount: u64) -> Ticks {
        let held = if amount < self.burst {
            amount
        } else {
            self.burst
        };
        tat.saturating_add(self.cost(held))
            .saturating_sub(self.full)
    }

    /// Where the number stands after `amount` was taken at `now`.
    pub(super) fn take(&self, tat: Ticks, now: Ticks, amount: u64) -> Ticks {
        tat.max(now).saturating_add(self.cost(amount))
    }

    /// How much can be taken now, nothing where the bucket is in debt.
    pub(super) fn level(&self, tat: Ticks, now: Ticks) -> u64 {
        let missing = tat.saturating_sub(now).div_ceil(self.unit);
        let missing = u64::try_from(missing).unwrap_or(u64::MAX);
        self.burst.saturating_sub(missing)
    }

    /// Where the number stands for a bucket that holds `level` at `now`.
    pub(super) fn at_level(&self, level: u64, now: Ticks) -> Ticks {
        now.saturating_add(self.cost(self.burst.saturating_sub(level)))
    }

    /// Where the number stands for a bucket that can give `amount` from `start` on and no earlier.
    pub(super) fn opening_at(&self, start: Ticks, amount: u64) -> Ticks {
        let held = self.cost(amount.min(self.burst));
        start.saturating_add(self.full.saturating_sub(held))
    }

    pub(super) const fn burst(&self) -> u64 {
        self.burst
    }

    /// Where a bucket of another pace stands that holds no more than this one, and misses no less.
    pub(super) fn convert(&self, tat: Ticks, now: Ticks, to: &Self) -> Ticks {
        let missing = tat.saturating_sub(now).div_ceil(self.unit);
        let level = u128::from(self.burst).saturating_sub(missing);
        let missing = missing.max(u128::from(to.burst).saturating_sub(level));
        now.saturating_add(to.unit.saturating_mul(missing))
    }
}

/// The moment of `nanos`.
pub(super) const fn ticks(nanos: u64) -> Ticks {
    widen(nanos) << FRACTION
}

/// `ticks` in nanoseconds, rounded up: who waits that long waits long enough, and no nanosecond too
/// long.
pub(super) fn nanos(ticks: Ticks) -> u64 {
    u64::try_from(ticks.div_ceil(1 << FRACTION)).unwrap_or(u64::MAX)
}

/// `u128::from`, in const.
const fn widen(amount: u64) -> u128 {
    amount as u128
}

#[cfg(test)]
mod tests;
