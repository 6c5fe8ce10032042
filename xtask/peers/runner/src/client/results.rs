//! What was measured.

use super::path::Path;
use crate::rows::{BASE, Row, Side};
use std::collections::BTreeMap;

/// All rows.
#[derive(Debug)]
pub(crate) struct Results {
    /// In the order of the tables.
    pub(crate) rows: Vec<Measured>,
    /// The load of the machine, before and after.
    pub(crate) load: (String, String),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Which.
    pub(crate) row: &'static Row,
    /// One entry for each round.
    pub(crate) rounds: BTreeMap<Path, Vec<Sample>>,
    /// Allocations and bytes per unit.
    pub(crate) allocated: BTreeMap<Path, Allocated>,
    /// Instructions per unit.
    pub(crate) instructions: BTreeMap<Path, f64>,
    /// Connections that bursts of simultaneous requests opened on a warm pool, all together.
    pub(crate) burst_opened: Option<u64>,
}

/// One run of one path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Processor time per unit, in microseconds.
    pub(crate) cpu: f64,
    /// Median time of a call, in microseconds.
    pub(crate) p50: f64,
    /// The 99th percentile of the time of a call, in microseconds.
    pub(crate) p99: f64,
    /// Connections opened, warm-up included.
    pub(crate) opened: u64,
}

/// Allocations and requested bytes per unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocated {
    /// Allocations.
    pub(crate) calls: f64,
    /// Bytes asked for.
    pub(crate) bytes: f64,
}

// === impl Results ===

impl Results {
    /// Nothing measured yet.
    pub(crate) fn new(rows: &[&'static Row]) -> Self {
        let rows = rows.iter().map(|&row| Measured::new(row)).collect();
        Self {
            rows,
            load: Default::default(),
        }
    }

    /// The row that all ratios refer to.
    pub(crate) fn base(&self) -> Option<&Measured> {
        self.rows.iter().find(|measured| measured.row.name == BASE)
    }

    /// Towline's rows.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Measured> {
        self.rows
            .iter()
            .filter(|measured| measured.row.side == Side::Ours)
    }

    /// The rival with the lowest `value`.
    pub(crate) fn best_rival(
        &self,
        value: impl Fn(&Measured) -> Option<f64>,
    ) -> Option<(&str, f64)> {
        let rivals = self
            .rows
            .iter()
            .filter(|measured| measured.row.side == Side::Rival);
        let valued = rivals.filter_map(|rival| Some((rival.row.name, value(rival)?)));
        valued.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Processor time of `measured` over that of the base: median of the ratios of each round.
    pub(crate) fn cpu_ratio(&self, measured: &Measured, path: Path) -> Option<f64> {
        self.ratio(measured, path, |sample| sample.cpu)
    }

    /// The 99th percentile of `measured` over that of the base, likewise.
    pub(crate) fn p99_ratio(&self, measured: &Measured, path: Path) -> Option<f64> {
        self.ratio(measured, path, |sample| sample.p99)
    }

    fn ratio(
        &self,
        measured: &Measured,
        path: Path,
        value: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        let base = self.base()?.rounds.get(&path)?;
        let own = measured.rounds.get(&path)?;
        median(
            own.iter()
                .zip(base)
                .map(|(own, base)| value(own) / value(base))
                .collect(),
        )
    }
}

// === impl Measured ===

impl Measured {
    fn new(row: &'static Row) -> Self {
        Self {
            row,
            rounds: BTreeMap::new(),
            allocated: BTreeMap::new(),
            instructions: BTreeMap::new(),
            burst_opened: None,
        }
    }

    /// Median over the rounds.
    pub(crate) fn median(&self, path: Path, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.rounds.get(&path)?.iter().map(value).collect())
    }

    /// Lowest of the rounds.
    pub(crate) fn lowest(&self, path: Path, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        self.rounds
            .get(&path)?
            .iter()
            .map(value)
            .min_by(f64::total_cmp)
    }

    /// Most connections that a round opened.
    pub(crate) fn opened(&self, path: Path) -> Option<u64> {
        self.rounds
            .get(&path)?
            .iter()
            .map(|sample| sample.opened)
            .max()
    }
}

/// The middle one; the mean of the two middle ones if their number is even.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(values.len() / 2 - 1)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn median_is_the_middle_or_the_mean_of_the_two_middle_ones() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
