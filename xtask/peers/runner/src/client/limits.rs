//! What Towline has to keep, and whether it does.

use super::{
    path::Path,
    results::{Measured, Results},
};

/// A time may be this much over its limit before it counts as missed: it is noise.
const TOLERANCE: f64 = 1.05;

/// The row that puts the default stack of layers around a dialect.
const STACK: &str = "towline";

/// One limit.
struct Limit {
    what: &'static str,
    whose: Whose,
    most: f64,
    /// A hard limit is on something that repeats; the others are on times.
    hard: bool,
    value: fn(&Results, &Measured) -> Option<f64>,
}

/// Which rows a limit is for.
#[derive(Clone, Copy)]
enum Whose {
    Each,
    /// Those without layers.
    Bare,
    /// That with the default stack, which does more for a call.
    Stack,
}

/// One limit, and how Towline's rows stand to it.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What is limited.
    pub(crate) what: &'static str,
    /// The most it may be.
    pub(crate) most: f64,
    /// Whether missing it is an error.
    pub(crate) hard: bool,
    /// Towline's rows and their values.
    pub(crate) values: Vec<(&'static str, f64)>,
    /// The best rival and its value.
    pub(crate) rival: Option<(String, f64)>,
}

/// How one value stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// At most the limit.
    Met,
    /// Over it by no more than the noise of a time.
    Near,
    /// Over it.
    Missed,
}

const LIMITS: &[Limit] = &[
    time("small request: processor time, x base", 1.20, |all, own| {
        all.cpu_ratio(own, Path::Small)
    })
    .of(Whose::Bare),
    time("small request: processor time, x base", 1.25, |all, own| {
        all.cpu_ratio(own, Path::Small)
    })
    .of(Whose::Stack),
    hard("small request: instructions", 55_000.0, |_, own| {
        instructions(own, Path::Small)
    }),
    hard("small request: allocations", 32.0, |_, own| {
        allocations(own, Path::Small)
    })
    .of(Whose::Bare),
    hard("small request: allocations", 36.0, |_, own| {
        allocations(own, Path::Small)
    })
    .of(Whose::Stack),
    time(
        "55 kB conversation: processor time, x base",
        1.25,
        |all, own| all.cpu_ratio(own, Path::Long),
    ),
    hard("55 kB conversation: instructions", 55_000.0, |_, own| {
        instructions(own, Path::Long)
    }),
    hard("55 kB conversation: bytes allocated", 20_000.0, |_, own| {
        own.allocated
            .get(&Path::Long)
            .map(|allocated| allocated.bytes)
    }),
    time("64 tasks: processor time, x base", 1.15, |all, own| {
        all.cpu_ratio(own, Path::Concurrent)
    }),
    hard("64 tasks: connections opened", 64.0, |_, own| {
        own.opened(Path::Concurrent).map(count)
    }),
    hard(
        "burst of 64 on a warm pool: connections opened",
        0.0,
        |_, own| own.burst_opened.map(count),
    ),
    time(
        "streamed chunk: processor time, x base",
        1.25,
        |all, own| all.cpu_ratio(own, Path::Burst),
    ),
    hard("streamed chunk: instructions", 6_000.0, |_, own| {
        instructions(own, Path::Burst)
    }),
    hard("streamed chunk: allocations", 1.0, |_, own| {
        allocations(own, Path::Burst)
    }),
    time(
        "paced chunk, 32 streams: processor time, x base",
        1.15,
        |all, own| all.cpu_ratio(own, Path::Paced),
    ),
    time("paced stream, 32 streams: p99, x base", 1.05, |all, own| {
        all.p99_ratio(own, Path::Paced)
    }),
];

/// Holds the results against every limit.
pub(crate) fn judge(results: &Results) -> Vec<Verdict> {
    let verdict = |limit: &Limit| Verdict {
        what: limit.what,
        most: limit.most,
        hard: limit.hard,
        values: results
            .ours()
            .filter(|own| limit.whose.is(own.row.name))
            .filter_map(|own| Some((own.row.name, (limit.value)(results, own)?)))
            .collect(),
        rival: results
            .best_rival(|rival| (limit.value)(results, rival))
            .map(|(name, value)| (name.to_owned(), value)),
    };
    LIMITS.iter().map(verdict).collect()
}

// === impl Limit ===

impl Limit {
    const fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }
}

// === impl Whose ===

impl Whose {
    fn is(self, row: &str) -> bool {
        match self {
            Self::Each => true,
            Self::Bare => row != STACK,
            Self::Stack => row == STACK,
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// How `value` stands to the limit.
    pub(crate) fn standing(&self, value: f64) -> Standing {
        if value <= self.most {
            Standing::Met
        } else if !self.hard && value <= self.most * TOLERANCE {
            Standing::Near
        } else {
            Standing::Missed
        }
    }

    /// Whether a hard limit is missed.
    pub(crate) fn fails(&self) -> bool {
        let missed = |&(_, value): &(&str, f64)| self.standing(value) == Standing::Missed;
        self.hard && self.values.iter().any(missed)
    }
}

const fn time(
    what: &'static str,
    most: f64,
    value: fn(&Results, &Measured) -> Option<f64>,
) -> Limit {
    Limit {
        what,
        whose: Whose::Each,
        most,
        hard: false,
        value,
    }
}

const fn hard(
    what: &'static str,
    most: f64,
    value: fn(&Results, &Measured) -> Option<f64>,
) -> Limit {
    Limit {
        what,
        whose: Whose::Each,
        most,
        hard: true,
        value,
    }
}

fn instructions(measured: &Measured, path: Path) -> Option<f64> {
    measured.instructions.get(&path).copied()
}

fn allocations(measured: &Measured, path: Path) -> Option<f64> {
    measured
        .allocated
        .get(&path)
        .map(|allocated| allocated.calls)
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::{Standing, Verdict};

    fn verdict(hard: bool) -> Verdict {
        Verdict {
            what: "x",
            most: 1.0,
            hard,
            values: vec![("towline", 1.04)],
            rival: None,
        }
    }

    #[test]
    fn only_a_time_has_tolerance_and_only_a_hard_limit_fails() {
        assert_eq!(verdict(false).standing(1.0), Standing::Met);
        assert_eq!(verdict(false).standing(1.04), Standing::Near);
        assert_eq!(verdict(false).standing(1.06), Standing::Missed);
        assert_eq!(verdict(true).standing(1.04), Standing::Missed);
        assert!(verdict(true).fails());
        assert!(!verdict(false).fails());
    }
}
