//! How much memory the process has in use, and whether that grows.
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

/// What tables and queues may keep of a larger crowd than the first, in MiB.
const CROWD: f64 = 0.2;

/// What the process may keep when everything is gone, in MiB: its threads and statics.
const KEPT: f64 = 0.25;

/// How much more may be in use under load in the last third than in the first, which had other weather.
const WEATHER: f64 = 2.0;

/// What was in use before the load, under it, at each rest, and after it. All in MiB.
#[derive(Debug)]
pub(crate) struct Memory {
    before: f64,
    /// The most under the load that is on, or was last.
    most: f64,
    spells: Vec<Spell>,
}

/// One spell of load, and the rest after it.
#[derive(Debug)]
struct Spell {
    most: f64,
    rest: f64,
    at: Instant,
}

// === impl Memory ===

impl Memory {
    pub(crate) fn start() -> Self {
        Self {
            before: allocated(),
            most: 0.0,
            spells: Vec::new(),
        }
    }

    /// Looks what is in use now, under load.
    pub(crate) fn under_load(&mut self) {
        self.most = self.most.max(allocated());
    }

    /// Looks what is in use now, at rest.
    pub(crate) async fn rest(&mut self) {
        let rest = settled().await;
        self.spells.push(Spell {
            most: std::mem::take(&mut self.most),
            rest,
            at: Instant::now(),
        });
    }

    /// What is left of all that there was, and what rises.
    #[expect(clippy::print_stdout, reason = "a program for the terminal")]
    pub(crate) async fn faults(&self) -> Vec<String> {
        let after = settled().await;
        println!(
            "memory: {:.3} MiB in use before, {after:.3} after",
            self.before
        );
        let left = after - self.before;
        let left = (left > KEPT).then(|| format!("{left:.3} MiB are left, allowed are {KEPT}"));
        let rises = [left, self.rise_at_rest(), self.rise_under_load()];
        rises.into_iter().flatten().collect()
    }

    /// No rest may be far above the second: the first has not seen everything yet.
    fn rise_at_rest(&self) -> Option<String> {
        let [_, base, later @ ..] = self.spells.as_slice() else {
            return None;
        };
        later.iter().find_map(|spell| {
            let hours = spell.at.saturating_duration_since(base.at).as_secs_f64() / 3600.0;
            let (rise, allowed) = (spell.rest - base.rest, PER_HOUR * hours + CROWD);
            let told = || {
                format!(
                    "memory at rest rose by {rise:.3} MiB in {hours:.2} h, allowed are {allowed:.3}"
                )
            };
            (rise > allowed).then(told)
        })
    }

    fn rise_under_load(&self) -> Option<String> {
        let most = |spells: &[Spell]| spells.iter().map(|spell| spell.most).fold(0.0, f64::max);
        let third = self.spells.len() / 3;
        let (first, last) = (
            most(self.spells.get(..third)?),
            most(self.spells.get(self.spells.len() - third..)?),
        );
        (last > first * WEATHER).then(|| {
            format!("memory under load rose from {first:.1} MiB to {last:.1}, allowed is {WEATHER} times as much")
        })
    }
}

/// The last spell.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spells.last() {
            Some(Spell { most, rest, .. }) => write!(f, "{rest:.3} MiB in use, {most:.1} before"),
            None => write!(f, "{:.3} MiB in use", self.before),
        }
    }
}

/// The least that is in use within five seconds: a task that was told to end takes a moment for it.
async fn settled() -> f64 {
    let mut least = allocated();
    for _ in 0..50 {
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
    use super::{Memory, Spell, allocated};
    use std::time::Duration;
    use tokio::time::Instant;

    /// Ten spells, one a minute.
    fn memory(rest: impl Fn(u32) -> f64, most: impl Fn(u32) -> f64) -> Memory {
        let start = Instant::now();
        let spells = (1..=10).map(|minute| Spell {
            most: most(minute),
            rest: rest(minute),
            at: start + Duration::from_secs(60) * minute,
        });
        let mut memory = Memory::start();
        memory.spells = spells.collect();
        memory
    }

    #[test]
    fn what_rises_from_rest_to_rest_is_a_fault() {
        let rises = |rest: &dyn Fn(u32) -> f64| memory(rest, |_| 40.0).rise_at_rest().is_some();
        assert!(!rises(&|_| 0.5));
        // What is taken once and kept.
        assert!(!rises(&|minute| if minute < 4 { 0.4 } else { 0.5 }));
        assert!(rises(&|minute| if minute < 7 { 0.4 } else { 0.9 }));
        assert!(rises(&|minute| if minute == 10 { 3.5 } else { 0.5 }));
        // Ten bytes for each of five thousand calls a minute.
        assert!(rises(&|minute| 0.5 + 0.05 * f64::from(minute)));
    }

    #[test]
    fn what_rises_from_load_to_load_is_a_fault() {
        let rises = |most: &dyn Fn(u32) -> f64| memory(|_| 0.5, most).rise_under_load().is_some();
        assert!(!rises(&|minute| [50.0, 16.0, 44.0][minute as usize % 3]));
        assert!(rises(&|minute| 16.0 * f64::from(minute)));
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
