//! How much memory the process has in use at rest, and whether that grows.
//!
//! Judged is what was allocated and not freed. What is resident says how the allocator keeps it: it takes
//! memory for a burst and seldom gives all of it back, so a run of minutes cannot tell that from a leak.

use cap::Cap;
use std::{alloc::System, fmt, time::Duration};
use tokio::time::{Instant, sleep};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// What a run of an hour may grow by, in MiB.
const PER_HOUR: f64 = 1.0;

/// What tables and queues may keep of a larger crowd than the last, in MiB.
const CROWD: f64 = 0.1;

/// What the process may keep when everything is gone, in MiB: its threads and statics.
const KEPT: f64 = 0.25;

/// What was in use before the load, at each rest, and after it.
#[derive(Debug)]
pub(crate) struct Memory {
    start: Instant,
    before: f64,
    /// Seconds, and MiB that were allocated and not freed.
    rests: Vec<(f64, f64)>,
}

// === impl Memory ===

impl Memory {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            before: allocated(),
            rests: Vec::new(),
        }
    }

    /// Looks what is in use now, at rest.
    pub(crate) async fn sample(&mut self) {
        let used = settled().await;
        let time = Instant::now().saturating_duration_since(self.start);
        self.rests.push((time.as_secs_f64(), used));
    }

    /// What is left of all that there was, and of each rest more than of the one before.
    #[expect(clippy::print_stdout, reason = "a program for the terminal")]
    pub(crate) async fn faults(&self) -> Vec<String> {
        let after = settled().await;
        println!(
            "memory: {:.3} MiB in use before, {after:.3} after",
            self.before
        );
        let left = after - self.before;
        let left = (left > KEPT).then(|| format!("{left:.3} MiB are left, allowed are {KEPT}"));
        left.into_iter().chain(self.growth()).collect()
    }

    /// How the second half rises, by the median of the slopes between its rests. Says so where it is too much.
    fn growth(&self) -> Option<String> {
        let half = self.rests.get(self.rests.len() / 2..)?;
        let slope = slope(half)?;
        let span = half.last()?.0 - half.first()?.0;
        let (rise, allowed) = (slope * span, (PER_HOUR * span / 3600.0) + CROWD);
        (rise > allowed).then(|| {
            format!(
                "memory at rest rises by {rise:.3} MiB in {span:.0} s; allowed are {allowed:.3} MiB"
            )
        })
    }
}

/// The last rest.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.rests.last().map_or(self.before, |(_, used)| *used);
        write!(f, "{used:.3} MiB in use")
    }
}

/// The median of the slopes between all samples: one that is off does not move it.
///
/// Source: Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968.
fn slope(samples: &[(f64, f64)]) -> Option<f64> {
    let pairs = samples.iter().enumerate().flat_map(|(index, from)| {
        let later = samples.iter().skip(index + 1);
        later.map(move |to| (to.1 - from.1) / (to.0 - from.0))
    });
    let mut slopes: Vec<f64> = pairs.collect();
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

/// The least that is in use within three seconds: a task that was told to end takes a moment for it.
async fn settled() -> f64 {
    let mut least = allocated();
    for _ in 0..30 {
        sleep(Duration::from_millis(100)).await;
        least = least.min(allocated());
    }
    least
}

/// What is in use now, and what the allocator keeps for it.
pub(crate) fn told() -> String {
    let resident = resident().map_or_else(String::new, |mib| format!(", {mib:.1} resident"));
    format!("{:.1} MiB in use{resident}", allocated())
}

/// MiB that are allocated and not freed.
fn allocated() -> f64 {
    let kib = u32::try_from(HEAP.allocated() / 1024).unwrap_or(u32::MAX);
    f64::from(kib) / 1024.0
}

/// MiB that are in memory now, as Linux says. Pages of 4 KiB.
fn resident() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) / 256.0)
}

#[cfg(test)]
mod tests {
    use super::{Memory, allocated};

    /// Ten rests, one a minute.
    fn grows(used: impl Fn(u32) -> f64) -> bool {
        let rests = (1..=10).map(|minute| (f64::from(60 * minute), used(minute)));
        let mut memory = Memory::start();
        memory.rests = rests.collect();
        memory.growth().is_some()
    }

    #[test]
    fn what_grows_is_a_fault_and_one_rest_that_is_off_is_none() {
        assert!(!grows(|_| 0.5));
        // What is taken once and kept.
        assert!(!grows(|minute| if minute < 4 { 0.4 } else { 0.5 }));
        assert!(!grows(|minute| if minute == 10 { 3.5 } else { 0.5 }));
        // A hundred bytes for each of five thousand calls a minute.
        assert!(grows(|minute| 0.5 + 0.05 * f64::from(minute)));
    }

    #[test]
    fn what_is_taken_and_not_given_back_is_in_use() {
        let before = allocated();
        let kept = vec![0_u8; 64 << 20];
        assert!(allocated() - before > 32.0);
        drop(kept);
        assert!(allocated() - before < 32.0);
    }
}
