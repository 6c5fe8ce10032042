//! What a call takes, dimension by dimension.

use std::fmt;

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Dimension {
    /// Calls to the provider.
    Requests,
    /// Tokens of question and answer together.
    Tokens,
    /// Tokens of the question.
    InputTokens,
    /// Tokens of the answer.
    OutputTokens,
}

/// What a call is to be granted, in one step or not at all: an amount of each [`Dimension`], and a
/// slot where slots are limited.
///
/// # Examples
///
/// ```
/// use towline_layers::limit::{Demand, Dimension};
///
/// let demand = Demand::call().with(Dimension::Tokens, 1200);
/// assert_eq!(demand.amount(Dimension::Requests), 1);
/// assert_eq!(demand.amount(Dimension::InputTokens), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Demand {
    pub(super) amounts: [u64; 4],
}

/// What a call has taken in the end. A dimension that nobody knows keeps what was reserved for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spent {
    pub(super) amounts: [Option<u64>; 4],
}

// === impl Dimension ===

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 4] = [
        Self::Requests,
        Self::Tokens,
        Self::InputTokens,
        Self::OutputTokens,
    ];

    /// The stable name, as it stands in journeys and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
        }
    }

    /// What of `values` is this one's. They stand in the order of [`ALL`](Self::ALL).
    pub(super) const fn of<T>(self, values: &[T; 4]) -> &T {
        let [requests, tokens, input, output] = values;
        match self {
            Self::Requests => requests,
            Self::Tokens => tokens,
            Self::InputTokens => input,
            Self::OutputTokens => output,
        }
    }

    /// The same, to change.
    pub(super) const fn of_mut<T>(self, values: &mut [T; 4]) -> &mut T {
        let [requests, tokens, input, output] = values;
        match self {
            Self::Requests => requests,
            Self::Tokens => tokens,
            Self::InputTokens => input,
            Self::OutputTokens => output,
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Demand ===

impl Demand {
    /// One call and no tokens.
    #[must_use]
    pub const fn call() -> Self {
        Self {
            amounts: [1, 0, 0, 0],
        }
    }

    /// Takes `amount` of `dimension`.
    #[must_use]
    pub const fn with(mut self, dimension: Dimension, amount: u64) -> Self {
        *dimension.of_mut(&mut self.amounts) = amount;
        self
    }

    /// How much of `dimension` it takes.
    #[must_use]
    pub const fn amount(&self, dimension: Dimension) -> u64 {
        *dimension.of(&self.amounts)
    }

    /// What it weighs against others in a queue: its tokens, at least one.
    pub(super) fn weight(&self) -> u64 {
        let [_, tokens, input, output] = self.amounts;
        tokens.max(input.saturating_add(output)).max(1)
    }
}

// === impl Spent ===

impl Spent {
    /// Nothing is known: everything that was reserved stays taken.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { amounts: [None; 4] }
    }

    /// The call was never sent: everything comes back.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            amounts: [Some(0); 4],
        }
    }

    /// It took `amount` of `dimension`.
    #[must_use]
    pub const fn with(mut self, dimension: Dimension, amount: u64) -> Self {
        *dimension.of_mut(&mut self.amounts) = Some(amount);
        self
    }

    /// How much of `dimension` it took, where that is known.
    #[must_use]
    pub const fn amount(&self, dimension: Dimension) -> Option<u64> {
        *dimension.of(&self.amounts)
    }

    /// What was taken of each dimension, where `reserved` had been.
    #[inline]
    pub(super) fn or(self, reserved: [u64; 4]) -> [u64; 4] {
        let mut taken = reserved;
        for (taken, amount) in taken.iter_mut().zip(self.amounts) {
            *taken = amount.unwrap_or(*taken);
        }
        taken
    }
}
