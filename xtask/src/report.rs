//! Runs the steps of a command and tells how each came out.

use crate::{
    context::{Context, Stop},
    steps::Step,
};
use std::fmt::Write as _;

/// How a step came out, and how long it took.
struct Row {
    name: &'static str,
    result: Result<(), Stop>,
    seconds: f64,
}

/// Runs all of `steps`, prints the table, and fails if any failed, or was skipped under `CI=true`.
pub(crate) fn run_all(context: &Context, steps: &[Step]) -> Result<(), Stop> {
    let rows: Vec<Row> = steps.iter().map(|step| time(context, step)).collect();
    println!("\n{}\n{}", table(&rows), counts(&rows));
    let faults: Vec<&str> = rows
        .iter()
        .filter(|row| row.is_fault(context.strict))
        .map(|row| row.name)
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Stop::Failed(format!("not passed: {}", faults.join(", "))))
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the wall clock of a build, which nobody pauses"
)]
fn time(context: &Context, step: &Step) -> Row {
    eprintln!("\n== {} ==", step.name);
    let start = std::time::Instant::now();
    let result = (step.run)(context);
    let seconds = start.elapsed().as_secs_f64();
    if let Err(stop) = &result {
        eprintln!("{}: {stop}", step.name);
    }
    Row {
        name: step.name,
        result,
        seconds,
    }
}

fn table(rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut text = format!("{:<width$}  {:<7}  {:>7}\n", "step", "result", "seconds");
    for row in rows {
        let (name, seconds) = (row.name, row.seconds);
        let (word, why) = row.verdict();
        let line = format!("{name:<width$}  {word:<7}  {seconds:>7.1}  {why}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The closing line: tools that read a log look for one of this form.
fn counts(rows: &[Row]) -> String {
    let count = |word: &str| rows.iter().filter(|row| row.verdict().0 == word).count();
    let [passed, failed, skipped] = ["passed", "FAILED", "skipped"].map(count);
    format!("steps: {passed} passed, {failed} failed, {skipped} skipped")
}

// === impl Row ===

impl Row {
    fn verdict(&self) -> (&'static str, String) {
        match &self.result {
            Ok(()) => ("passed", String::new()),
            Err(Stop::Failed(reason)) => ("FAILED", reason.clone()),
            Err(Stop::Missing { tool, remedy }) => {
                ("skipped", format!("{tool} missing, install by {remedy}"))
            }
        }
    }

    const fn is_fault(&self, strict: bool) -> bool {
        match &self.result {
            Ok(()) => false,
            Err(Stop::Failed(_)) => true,
            Err(Stop::Missing { .. }) => strict,
        }
    }
}

#[cfg(test)]
mod tests;
