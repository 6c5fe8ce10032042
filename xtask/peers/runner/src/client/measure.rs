//! Runs the rows.

use super::{
    callgrind, chance,
    options::Options,
    path::{PATHS, Path, SEQUENTIAL},
    results::{Allocated, Results, Sample},
    server::Server,
};
use crate::{Fault, build};
use std::{collections::HashMap, process::Command};

/// The dialect of the rows that are no dialect of their own.
const OPENAI: &str = "openai";
/// Tasks of the burst on a warm pool.
const POOL_TASKS: u64 = 64;
/// Calls among which allocations are counted.
const COUNTED: u64 = 500;

/// The server, and how the rows are run against it.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    server: Server,
    options: &'a Options,
}

/// How one run of a row is parametrised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) mode: &'static str,
    pub(crate) tasks: u64,
    pub(crate) warm: u64,
    pub(crate) calls: u64,
    pub(crate) counting: bool,
}

// === impl Bench ===

impl<'a> Bench<'a> {
    /// Starts the server.
    pub(crate) fn start(program: &std::path::Path, options: &'a Options) -> Result<Self, Fault> {
        Ok(Self {
            server: Server::start(program, options.placement)?,
            options,
        })
    }

    /// Measures times: every row on every path once per round, in random order.
    pub(crate) fn rounds(&self, results: &mut Results) -> Result<(), Fault> {
        results.load.0 = load();
        for round in 1..=self.options.rounds {
            eprintln!("round {round} of {}, load {}", self.options.rounds, load());
            let mut order: Vec<(usize, Path)> = (0..results.rows.len())
                .flat_map(|index| PATHS.map(|path| (index, path)))
                .collect();
            chance::shuffle(&mut order);
            for (index, path) in order {
                let Some(measured) = results.rows.get_mut(index) else {
                    continue;
                };
                let sample = self.sample(&measured.row.package(), OPENAI, path)?;
                measured.rounds.entry(path).or_default().push(sample);
            }
        }
        results.load.1 = load();
        Ok(())
    }

    /// Counts allocations, in runs of their own since counting costs time.
    pub(crate) fn allocations(&self, results: &mut Results) -> Result<(), Fault> {
        for measured in &mut results.rows {
            for path in SEQUENTIAL {
                let calls = COUNTED.min(path.calls());
                let run = Run {
                    calls,
                    counting: true,
                    ..Run::new(path)
                };
                let said = self.run(&measured.row.package(), OPENAI, run)?;
                let units = number(calls * path.units());
                let allocated = Allocated {
                    calls: value(&said, "allocs")? / units,
                    bytes: value(&said, "bytes")? / units,
                };
                measured.allocated.insert(path, allocated);
            }
        }
        Ok(())
    }

    /// Counts the connections that bursts open on a warm pool.
    pub(crate) fn connections(&self, results: &mut Results) -> Result<(), Fault> {
        for measured in &mut results.rows {
            let run = Run {
                mode: "pool",
                tasks: POOL_TASKS,
                warm: 0,
                calls: 0,
                counting: false,
            };
            let said = self.run(&measured.row.package(), OPENAI, run)?;
            measured.burst_opened = said.get("burst_opened").copied();
        }
        Ok(())
    }

    /// Counts instructions, or says why not.
    pub(crate) fn instructions(&self, results: &mut Results) -> Result<Option<String>, Fault> {
        if build::ask("valgrind", &["--version"]).is_none() {
            return Ok(Some(
                "instructions: skipped, valgrind is not installed".to_owned(),
            ));
        }
        for measured in &mut results.rows {
            eprintln!("counting instructions of {}", measured.row.name);
            for path in SEQUENTIAL {
                let (short, long) = path.counted_calls();
                let count = |calls| {
                    let run = Run {
                        calls,
                        ..Run::new(path)
                    };
                    let arguments = self.arguments(OPENAI, run);
                    callgrind::instructions(&build::program(&measured.row.package()), &arguments)
                };
                let difference = number(count(long)?) - number(count(short)?);
                let per_unit = difference / number((long - short) * path.units());
                measured.instructions.insert(path, per_unit);
            }
        }
        Ok(None)
    }

    /// Runs a row once, and says what it took.
    pub(crate) fn sample(&self, package: &str, dialect: &str, path: Path) -> Result<Sample, Fault> {
        let mut run = Run::new(path);
        if self.options.quick {
            run.calls /= 3;
        }
        let said = self.run(package, dialect, run)?;
        Ok(Sample {
            cpu: value(&said, "cpu_us")? / number(run.calls * path.units()),
            p50: value(&said, "p50_us")?,
            p99: value(&said, "p99_us")?,
            opened: said.get("opened").copied().unwrap_or_default(),
        })
    }

    fn run(&self, package: &str, dialect: &str, run: Run) -> Result<HashMap<String, u64>, Fault> {
        let mut command = Command::new(build::program(package));
        // It sees no environment, so no proxy and no key.
        let text = build::text(command.env_clear().args(self.arguments(dialect, run)))?;
        let pairs = text
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        pairs
            .map(|(name, value)| Ok((name.to_owned(), value.parse()?)))
            .collect()
    }

    /// The arguments of a row.
    fn arguments(&self, dialect: &str, run: Run) -> Vec<String> {
        let mut arguments = Vec::new();
        for (name, value) in [
            ("--mode", run.mode.to_owned()),
            ("--dialect", dialect.to_owned()),
            ("--server", self.server.address.clone()),
            ("--stats", self.server.stats.clone()),
            ("--place", self.options.placement.of_client().to_owned()),
            ("--warm", run.warm.to_string()),
            ("--count", run.calls.to_string()),
            ("--tasks", run.tasks.to_string()),
        ] {
            arguments.extend([name.to_owned(), value]);
        }
        if run.counting {
            arguments.push("--counting".to_owned());
        }
        arguments
    }
}

// === impl Run ===

impl Run {
    fn new(path: Path) -> Self {
        Self {
            mode: path.mode(),
            tasks: path.tasks(),
            warm: path.warm(),
            calls: path.calls(),
            counting: false,
        }
    }
}

/// The load of the last minute, or a question mark where the system does not tell.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

fn value(said: &HashMap<String, u64>, name: &str) -> Result<f64, Fault> {
    let value = said
        .get(name)
        .copied()
        .ok_or_else(|| format!("the row did not tell {name}"))?;
    Ok(number(value))
}

#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
