//! How much memory the process has, and whether it grows.

/// Samples of one run, one each second.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Seconds, and MiB.
    samples: Vec<(f64, f64)>,
}

/// What a run of an hour may grow by, in MiB.
const PER_HOUR: f64 = 1.0;

/// How far a fit is off, as a share of what is in use: an allocator takes and gives back in large
/// pieces, and a run of minutes is short beside that.
const NOISE: f64 = 0.02;

// === impl Memory ===

impl Memory {
    pub(crate) fn sample(&mut self, second: u32) {
        if let Some(rss) = resident() {
            self.samples.push((f64::from(second), rss));
        }
    }

    pub(crate) fn last(&self) -> f64 {
        self.samples.last().map_or(0.0, |(_, rss)| *rss)
    }

    /// How the second half rises, by the median of the slopes between its samples: what a burst takes and
    /// gives back is no growth, and moves a fit by squares. Says so where it is too much.
    pub(crate) fn fault(&self) -> Option<String> {
        let half = self.samples.get(self.samples.len() / 2..)?;
        let (slope, level) = line(half)?;
        let span = half.last()?.0 - half.first()?.0;
        let rise = slope * span;
        let allowed = (PER_HOUR * span / 3600.0) + level * NOISE;
        let told = format!(
            "RSS rises by {rise:.2} MiB in {span:.0} s ({:.1} MiB an hour) around {level:.1} MiB; \
             allowed are {allowed:.2} MiB",
            slope * 3600.0
        );
        if rise > allowed {
            return Some(told);
        }
        #[expect(clippy::print_stdout, reason = "a program for the terminal")]
        {
            println!("memory: {told}");
        }
        None
    }
}

/// The median of the slopes between all samples, and that of the samples.
///
/// Source: Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968.
fn line(samples: &[(f64, f64)]) -> Option<(f64, f64)> {
    let pairs = samples.iter().enumerate().flat_map(|(index, from)| {
        let later = samples.iter().skip(index + 1);
        later.map(move |to| (to.1 - from.1) / (to.0 - from.0))
    });
    let slope = median(pairs.collect())?;
    Some((
        slope,
        median(samples.iter().map(|(_, rss)| *rss).collect())?,
    ))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// MiB that are in memory now, as Linux says. Pages of 4 KiB.
fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) / 256.0)
}

#[cfg(test)]
mod tests {
    use super::Memory;

    fn faults(rss: impl Fn(u32) -> f64) -> bool {
        let samples = (0..600).map(|second| (f64::from(second), rss(second)));
        let memory = Memory {
            samples: samples.collect(),
        };
        memory.fault().is_some()
    }

    #[test]
    fn what_grows_is_a_fault_and_a_burst_is_none() {
        assert!(!faults(|_| 50.0));
        assert!(!faults(|second| if (540..580).contains(&second) {
            58.0
        } else {
            50.0
        }));
        assert!(faults(|second| 50.0 + f64::from(second) / 100.0));
        // One that hides behind bursts.
        let bursts = |second: u32| if second % 20 < 5 { 6.0 } else { 0.0 };
        assert!(faults(|second| 50.0
            + bursts(second)
            + f64::from(second) / 100.0));
    }
}
