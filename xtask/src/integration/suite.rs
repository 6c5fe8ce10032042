//! What a suite is, and how its tests are run.

use crate::context::{Context, Stop};
use std::process::Command;

/// A suite by name, and what came of it.
pub(super) type Row = (&'static str, Result<Verdict, Stop>);

/// What came of a suite that did not fail.
pub(super) enum Verdict {
    /// So many checks passed.
    Passed(usize),
    /// It needs something that is no part of this tree and is not there.
    Absent(String),
}

/// The row of a suite, which is named first: some take a while.
pub(super) fn row(name: &'static str, run: impl FnOnce() -> Result<Verdict, Stop>) -> Row {
    eprintln!("== {name} ==");
    (name, run())
}

/// A suite that cannot run: a tool that is missing is a failure under `CI=true` alone.
pub(super) fn unable(context: &Context, stop: Stop) -> Result<Verdict, Stop> {
    match stop {
        missing @ Stop::Missing { .. } if !context.strict => {
            Ok(Verdict::Absent(missing.to_string()))
        }
        stop => Err(stop),
    }
}

/// Runs the tests of a package that `arguments` name, with `settings` in their environment, and counts
/// those that passed. A test that says that it was skipped did not run: that is a failure here.
pub(super) fn tests(
    context: &Context,
    package: &str,
    arguments: &[&str],
    settings: &[(&str, &str)],
) -> Result<Verdict, Stop> {
    let mut command = context.cargo(&["test", "--quiet"]);
    command.args(["-p", package]).args(arguments);
    command.envs(settings.iter().copied());
    let output = quietly(&mut command)?;
    if output.contains(" SKIPPED: ") {
        eprint!("{output}");
        return Err(Stop::Failed("tests were skipped".to_owned()));
    }
    match passed(&output) {
        0 => Err(Stop::Failed("no test ran".to_owned())),
        passed => Ok(Verdict::Passed(passed)),
    }
}

/// Runs `command`, and returns what it wrote, which is shown where it fails.
pub(super) fn quietly(command: &mut Command) -> Result<String, Stop> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Stop::Failed(format!("`{program}` did not start: {error}")))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(text);
    }
    eprint!("{text}");
    let status = output.status;
    Err(Stop::Failed(format!("`{program}` ended with {status}")))
}

/// The sum of the numbers in lines like `test result: ok. 11 passed; ...`.
pub(super) fn passed(output: &str) -> usize {
    let results = output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "));
    let numbers = results.filter_map(|result| result.split_once(" passed"));
    numbers
        .filter_map(|(number, _)| number.parse::<usize>().ok())
        .sum()
}

/// Lists the suites, and fails where one failed.
pub(super) fn report(rows: &[Row]) -> Result<(), Stop> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    println!("\n{:<width$}  {:<7}  checks", "suite", "result");
    let mut checks = 0;
    for (name, result) in rows {
        match result {
            Ok(Verdict::Passed(passed)) => {
                checks += passed;
                println!("{name:<width$}  passed   {passed:>6}");
            }
            Ok(Verdict::Absent(what)) => println!("{name:<width$}  ABSENT   {what}"),
            Err(stop) => println!("{name:<width$}  FAILED   {stop}"),
        }
    }
    let count = |held: fn(&Row) -> bool| rows.iter().filter(|row| held(row)).count();
    let failed = count(|(_, result)| result.is_err());
    let absent = count(|(_, result)| matches!(result, Ok(Verdict::Absent(_))));
    let passed = rows.len() - failed - absent;
    println!("suites: {passed} passed, {failed} failed, {absent} absent; {checks} checks");
    if failed == 0 {
        return Ok(());
    }
    Err(Stop::Failed(format!("{failed} of {} suites", rows.len())))
}
