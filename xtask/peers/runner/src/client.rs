//! `cargo xtask bench client`.

mod callgrind;
mod chance;
mod dialects;
mod limits;
mod measure;
mod options;
mod path;
mod report;
mod results;
mod server;

use self::{measure::Bench, options::Options, results::Results};
use crate::{Fault, build, document, rows::ROWS};

const SERVER: &str = "peer-server";

/// Builds, measures, reports.
pub(crate) fn run(given: &[String]) -> Result<(), Fault> {
    let options = Options::read(given)?;
    let rows: Vec<_> = ROWS.iter().filter(|row| options.includes(row)).collect();
    if !options.built {
        build::build(SERVER)?;
        for row in &rows {
            build::build(&row.package())?;
        }
        if options.dialects() {
            dialects::build()?;
        }
    }
    let mut results = Results::new(&rows);
    let bench = Bench::start(&build::program(SERVER), &options)?;
    bench.rounds(&mut results)?;
    bench.allocations(&mut results)?;
    bench.connections(&mut results)?;
    let skipped = bench.instructions(&mut results)?;
    let spoken = match options.dialects() {
        true => Some(dialects::measure(&bench, options.rounds)?),
        false => None,
    };
    let verdicts = limits::judge(&results);
    let text = report::draw(
        &results,
        &verdicts,
        spoken.as_deref(),
        &options,
        skipped.as_deref(),
    )?;
    println!("{text}");
    if options.writes_document() {
        document::write("client", &text)?;
    }
    if options.check && verdicts.iter().any(limits::Verdict::fails) {
        return Err("a hard limit is missed".into());
    }
    Ok(())
}
