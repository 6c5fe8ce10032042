//! The text of a run: limits, tables, setup.

use super::{
    dialects::{self, Times},
    limits::{Standing, Verdict},
    options::{Options, Placement},
    path::Path,
    results::{Measured, Results},
};
use crate::{Fault, build, table::Table};
use std::fs;

const SETUP: &str = "\
**Setup.** Client and server are two processes on loopback, plain HTTP/1.1 with keep-alive and
`TCP_NODELAY`, each on one thread (tokio, current-thread). The server (hyper) sends canned replies: a
chat completion of 1,380 B with the usual rate-limit headers, or a stream of 200 chunks of about
300 B, 197 of which carry 2 to 6 bytes of text. *Small* is a system and a user message (0.6 kB), *long*
a conversation of 102 messages (55 kB), *64 tasks* the small request from 64 tasks at once, *chunk* the
stream without a pause, *paced* 32 streams at once with a 1 ms timer before each chunk. A row is a
program of its own, built alone with the same profile (`opt-level = 3`, `lto = \"fat\"`, `codegen-units = 1`), and
sees no environment variables.

The caller holds the conversation and hands it over the way each library wants it: one that takes it by
value gets a clone. The same conversation is sent each time. Towline keeps the serialised form of a
conversation with it and sends that again; the other libraries serialise it for each call. Every reply
is held against what was sent: length of the text, number of pieces, total of tokens. The reply looks the
same each time, as the replies of a server mostly do, and Towline reads it by what it knows of the one before
(docs/adr/0019): one that looks like none of the last four costs 8.5 thousand instructions more.

**Counting.** Each round runs every row on every path once, in random order, after a warm-up. Times are
user and system time of the whole client process; a ratio is the median over the rounds of row over
base in the same round; in brackets the lowest time of any round. Allocations (new, moved and zeroed,
and the bytes asked for) are counted by a global allocator in runs of their own. Instructions are those
of user space under callgrind: a long run less a short one. Figures per chunk are those of a whole
stream, request included, divided by 200. The share of the system in a request is large and differs
between machines, so that ratios of times do too; instructions and allocations hardly do.
";

/// Draws everything.
pub(crate) fn draw(
    results: &Results,
    verdicts: &[Verdict],
    spoken: Option<&[Times]>,
    options: &Options,
    skipped: Option<&str>,
) -> Result<String, Fault> {
    let mut text = format!("## Client\n\n{}\n", run_line(results, options));
    if let Some(skipped) = skipped {
        text.push_str(&format!("\n{skipped}\n"));
    }
    if results.ours().next().is_some() {
        text.push_str(&format!("\n### Limits\n\n{}", limits(verdicts)));
    }
    for (title, table) in [
        ("Small request", requests(results, Path::Small)),
        ("55 kB conversation", requests(results, Path::Long)),
        ("64 tasks, small request", concurrent(results)),
        ("Stream of 200 chunks, per chunk", streams(results)),
    ] {
        text.push_str(&format!("\n### {title}\n\n{}", table.draw()));
    }
    if let Some(spoken) = spoken {
        text.push_str(&format!("\n### Dialects\n\n{}", dialects::draw(spoken)));
    }
    text.push_str(&format!("\n### Rows\n\n{}\n{SETUP}", rows(results)?.draw()));
    Ok(text)
}

fn run_line(results: &Results, options: &Options) -> String {
    let date = build::ask("date", &["-u", "+%Y-%m-%d"]).unwrap_or_else(|| "undated".to_owned());
    let compiler = build::ask("rustc", &["--version"]).unwrap_or_default();
    let version = compiler
        .split_whitespace()
        .nth(1)
        .unwrap_or("of unknown version");
    let place = match options.placement {
        Placement::Together => "client and server on one processor, in turn",
        Placement::Apart => "client and server on two processors",
        Placement::Free => "client and server where the system puts them",
    };
    let (before, after) = &results.load;
    format!(
        "{date}, rustc {version}, {} rounds, {place}, load {before} before and {after} after.",
        options.rounds
    )
}

fn limits(verdicts: &[Verdict]) -> String {
    let mut table = Table::new(
        &[0, 2, 4],
        &["limit", "at most", "row", "measured", "", "best rival"],
    );
    for verdict in verdicts {
        let rival = verdict
            .rival
            .as_ref()
            .map_or_else(String::new, |(name, value)| {
                format!("{} ({name})", figure(*value))
            });
        for &(row, value) in &verdict.values {
            let standing = match (verdict.standing(value), verdict.hard) {
                (Standing::Met, _) => "met",
                (Standing::Near, _) => "near",
                (Standing::Missed, true) => "**missed**",
                (Standing::Missed, false) => "**missed** (time)",
            };
            table.push(vec![
                verdict.what.to_owned(),
                figure(verdict.most),
                row.to_owned(),
                figure(value),
                standing.to_owned(),
                rival.clone(),
            ]);
        }
    }
    format!(
        "{}\nA time that is *near* is over its limit by at most 5 %, which is noise. Times are reported; \
         what repeats (instructions, allocations, connections) fails `--check`.\n",
        table.draw()
    )
}

fn requests(results: &Results, path: Path) -> Table {
    let mut table = Table::new(
        &[0],
        &[
            "row",
            "CPU µs (min)",
            "x base",
            "instructions k",
            "x base",
            "allocations",
            "kB",
            "p50 µs",
        ],
    );
    for measured in &results.rows {
        let allocated = measured.allocated.get(&path);
        table.push(vec![
            measured.row.name.to_owned(),
            cpu(measured, path),
            optional(results.cpu_ratio(measured, path), 2),
            optional(measured.instructions.get(&path).map(|count| count / 1e3), 1),
            optional(instruction_ratio(results, measured, path), 2),
            optional(allocated.map(|allocated| allocated.calls), 0),
            optional(allocated.map(|allocated| allocated.bytes / 1e3), 1),
            optional(measured.median(path, |sample| sample.p50), 0),
        ]);
    }
    table
}

fn concurrent(results: &Results) -> Table {
    let path = Path::Concurrent;
    let mut table = Table::new(
        &[0],
        &[
            "row",
            "CPU µs (min)",
            "x base",
            "connections opened",
            "by 20 bursts of 64 on a warm pool",
        ],
    );
    for measured in &results.rows {
        table.push(vec![
            measured.row.name.to_owned(),
            cpu(measured, path),
            optional(results.cpu_ratio(measured, path), 2),
            measured
                .opened(path)
                .map_or_else(String::new, |opened| opened.to_string()),
            measured
                .burst_opened
                .map_or_else(String::new, |opened| opened.to_string()),
        ]);
    }
    table
}

fn streams(results: &Results) -> Table {
    let (path, paced) = (Path::Burst, Path::Paced);
    let mut table = Table::new(
        &[0],
        &[
            "row",
            "CPU µs (min)",
            "x base",
            "instructions k",
            "x base",
            "allocations",
            "paced: CPU µs (min)",
            "x base",
            "p99 of a stream, ms",
            "x base",
        ],
    );
    for measured in &results.rows {
        table.push(vec![
            measured.row.name.to_owned(),
            cpu(measured, path),
            optional(results.cpu_ratio(measured, path), 2),
            optional(measured.instructions.get(&path).map(|count| count / 1e3), 1),
            optional(instruction_ratio(results, measured, path), 2),
            optional(
                measured
                    .allocated
                    .get(&path)
                    .map(|allocated| allocated.calls),
                2,
            ),
            cpu(measured, paced),
            optional(results.cpu_ratio(measured, paced), 2),
            optional(measured.median(paced, |sample| sample.p99 / 1e3), 0),
            optional(results.p99_ratio(measured, paced), 2),
        ]);
    }
    table
}

fn rows(results: &Results) -> Result<Table, Fault> {
    let lock = fs::read_to_string(build::root().join("Cargo.lock"))?;
    let mut table = Table::new(&[0, 1, 2], &["row", "what", "version"]);
    for measured in &results.rows {
        let versions: Vec<String> = measured
            .row
            .crates
            .iter()
            .map(|name| format!("{name} {}", build::version(&lock, name)))
            .collect();
        let about = measured.row.about.to_owned();
        table.push(vec![
            measured.row.name.to_owned(),
            about,
            versions.join(", "),
        ]);
    }
    Ok(table)
}

fn cpu(measured: &Measured, path: Path) -> String {
    let digits = if path.units() == 1 { 1 } else { 2 };
    let median = measured.median(path, |sample| sample.cpu);
    let lowest = measured.lowest(path, |sample| sample.cpu);
    format!(
        "{} ({})",
        optional(median, digits),
        optional(lowest, digits)
    )
}

fn instruction_ratio(results: &Results, measured: &Measured, path: Path) -> Option<f64> {
    let base = results.base()?.instructions.get(&path)?;
    Some(measured.instructions.get(&path)? / base)
}

fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// A number as the table of limits shows it.
fn figure(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{:.1} k", value / 1e3)
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
