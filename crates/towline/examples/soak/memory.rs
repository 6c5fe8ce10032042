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

    /// Fits a line through the second half, and says so where it rises too much.
    pub(crate) fn fault(&self) -> Option<String> {
        let half = self.samples.get(self.samples.len() / 2..)?;
        let (slope, mean) = line(half)?;
        let span = half.last()?.0 - half.first()?.0;
        let rise = slope * span;
        let allowed = (PER_HOUR * span / 3600.0) + mean * NOISE;
        let told = format!(
            "RSS rises by {rise:.2} MiB in {span:.0} s ({:.1} MiB an hour) around {mean:.1} MiB; \
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

/// Slope and mean of the line with the least squares.
fn line(samples: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = f64::from(u32::try_from(samples.len()).ok()?);
    if count < 2.0 {
        return None;
    }
    let mean_x = samples.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = samples.iter().map(|(_, y)| y).sum::<f64>() / count;
    let both: f64 = samples
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let spread: f64 = samples
        .iter()
        .map(|(x, _)| (x - mean_x) * (x - mean_x))
        .sum();
    Some((both / spread, mean_y))
}

/// MiB that are in memory now, as Linux says. Pages of 4 KiB.
fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) / 256.0)
}
