//! `cargo xtask integration`: the client and the command line against a real llama.cpp server.
//!
//! Everything it needs is made under the target folder and kept for the next run: a virtual
//! environment with the server, and two models of random weights. A part that is missing is skipped
//! and named; under `CI=true` that is a failure.

mod cli;
mod python;
mod requests;
mod server;

use self::{python::Python, server::Server};
use crate::context::{Context, Stop};
use std::{fs, path::PathBuf};

/// The key that the servers want. It is made up, and must show up in no output.
const KEY: &str = "sk-local-8c1f0a6d27";

/// What the suites share.
struct Bench<'a> {
    context: &'a Context,
    python: Python,
    /// A model that goes on until it is stopped.
    plain: Server,
    /// A model that likes to call tools.
    tools: Server,
    /// A folder with nothing in it, where the command line finds no settings.
    empty: PathBuf,
}

/// A suite by name, and what came of it.
type Row = (&'static str, Result<Verdict, Stop>);

/// What came of a suite that did not fail.
enum Verdict {
    /// So many checks passed.
    Passed(usize),
    /// It needs something that is no part of this tree and is not there.
    Absent(String),
}

/// Runs every suite and lists them.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    if !arguments.is_empty() {
        let words = arguments.join(" ");
        return Err(Stop::Failed(format!(
            "takes no argument, but got `{words}`"
        )));
    }
    let bench = match Bench::prepare(context) {
        Ok(bench) => bench,
        Err(missing @ Stop::Missing { .. }) if !context.strict => {
            eprintln!("\nINTEGRATION SKIPPED, no suite ran: {missing}");
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    let rows: [Row; 3] = [
        ("client", client(&bench)),
        ("command line", cli::run(&bench)),
        ("requests", requests::run(&bench)),
    ];
    report(&rows)
}

/// The tests of the client, which are told where the servers are. One at a time: they read the
/// server's counters.
fn client(bench: &Bench<'_>) -> Result<Verdict, Stop> {
    eprintln!("\n== client ==");
    let mut command = bench.context.cargo(&["test"]);
    command
        .args([
            "-p",
            "towline",
            "--features",
            "openai",
            "--test",
            "llamacpp",
        ])
        .args(["--", "--test-threads", "1"])
        .env("TOWLINE_LLAMACPP_URL", bench.plain.base_url())
        .env("TOWLINE_LLAMACPP_TOOLS_URL", bench.tools.base_url())
        .env("TOWLINE_LLAMACPP_KEY", KEY);
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Stop::Failed(format!("cargo does not start: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    let passed = passed(&text);
    match (output.status.success(), passed) {
        (true, Some(passed)) if passed > 0 => Ok(Verdict::Passed(passed)),
        _ => Err(Stop::Failed(
            "the tests of the client did not pass".to_owned(),
        )),
    }
}

/// The number in `test result: ok. 11 passed; ...`.
fn passed(output: &str) -> Option<usize> {
    let result = output
        .lines()
        .find_map(|line| line.strip_prefix("test result: ok. "))?;
    let (number, _) = result.split_once(" passed")?;
    number.parse().ok()
}

fn report(rows: &[Row]) -> Result<(), Stop> {
    println!("\n{:<14}  {:<7}  checks", "suite", "result");
    for (name, result) in rows {
        match result {
            Ok(Verdict::Passed(checks)) => println!("{name:<14}  passed   {checks:>6}"),
            Ok(Verdict::Absent(what)) => println!("{name:<14}  absent   {what}"),
            Err(stop) => println!("{name:<14}  FAILED   {stop}"),
        }
    }
    let failed = rows.iter().filter(|(_, result)| result.is_err()).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Stop::Failed(format!("{failed} of {} suites", rows.len())))
}

// === impl Bench ===

impl<'a> Bench<'a> {
    fn prepare(context: &'a Context) -> Result<Self, Stop> {
        let python = Python::prepare(context)?;
        let plain = python.model("tiny", &[])?;
        let tools = python.model("tiny-tools", &["--tools"])?;
        let empty = python.folder().join("empty");
        fs::create_dir_all(&empty)
            .map_err(|error| Stop::Failed(format!("{}: {error}", empty.display())))?;
        Ok(Self {
            plain: Server::start(&python, &plain)?,
            tools: Server::start(&python, &tools)?,
            context,
            python,
            empty,
        })
    }
}

#[cfg(test)]
mod tests;
