//! A row for each provider's dialect, beside the base that asks for the same bytes.

use super::{
    chance,
    measure::Bench,
    path::Path,
    results::{Sample, median},
};
use crate::{Fault, build, rows::BASE, table::Table};

/// The dialects and their rows.
const DIALECTS: [(&str, &str); 5] = [
    ("openai", "towline-openai"),
    ("anthropic", "towline-anthropic"),
    ("azure", "towline-azure"),
    ("ollama", "towline-ollama"),
    ("responses", "towline-responses"),
];
/// The paths on which they are measured.
const MEASURED: [Path; 2] = [Path::Small, Path::Burst];
/// The most processor time that a dialect may take, as a multiple of the base.
const MOST: f64 = 1.3;

/// Processor time of one dialect on one path, in each round.
#[derive(Debug)]
pub(crate) struct Times {
    dialect: &'static str,
    row: &'static str,
    path: Path,
    base: Vec<Sample>,
    own: Vec<Sample>,
}

/// Builds the rows.
pub(crate) fn build() -> Result<(), Fault> {
    for (_, row) in DIALECTS {
        build::build(&package(row))?;
    }
    Ok(())
}

/// Measures every dialect once per round, the base right beside it.
pub(crate) fn measure(bench: &Bench<'_>, rounds: usize) -> Result<Vec<Times>, Fault> {
    let mut all: Vec<Times> = DIALECTS
        .iter()
        .flat_map(|&(dialect, row)| MEASURED.map(|path| Times::new(dialect, row, path)))
        .collect();
    for round in 1..=rounds {
        eprintln!("dialects, round {round} of {rounds}");
        let mut order: Vec<&mut Times> = all.iter_mut().collect();
        chance::shuffle(&mut order);
        for times in order {
            let sample = |row| bench.sample(&package(row), times.dialect, times.path);
            let (base, own) = (sample(BASE)?, sample(times.row)?);
            times.base.push(base);
            times.own.push(own);
        }
    }
    Ok(all)
}

/// The table, with the limit.
pub(crate) fn draw(all: &[Times]) -> String {
    let head = [
        "dialect",
        "row",
        "unary, CPU µs",
        "x base",
        "",
        "streamed chunk, CPU µs",
        "x base",
        "",
    ];
    let mut table = Table::new(&[0, 1, 4, 7], &head);
    for (dialect, row) in DIALECTS {
        let mut cells = vec![dialect.to_owned(), row.to_owned()];
        for path in MEASURED {
            let of = |times: &&Times| times.dialect == dialect && times.path == path;
            cells.extend(
                all.iter()
                    .find(of)
                    .map_or_else(Default::default, Times::cells),
            );
        }
        table.push(cells);
    }
    format!(
        "{}\nAt most {MOST} x base each: the median over the rounds of row over base, which asks for the same \
         bytes in the same dialect. *Near* is over it by at most 5 %.\n",
        table.draw()
    )
}

fn package(row: &str) -> String {
    format!("peer-{row}")
}

// === impl Times ===

impl Times {
    const fn new(dialect: &'static str, row: &'static str, path: Path) -> Self {
        Self {
            dialect,
            row,
            path,
            base: Vec::new(),
            own: Vec::new(),
        }
    }

    fn cells(&self) -> [String; 3] {
        let pairs = self.own.iter().zip(&self.base);
        let ratio = median(pairs.map(|(own, base)| own.cpu / base.cpu).collect());
        let time = median(self.own.iter().map(|own| own.cpu).collect());
        let standing = match ratio {
            Some(ratio) if ratio <= MOST => "met",
            Some(ratio) if ratio <= MOST * 1.05 => "near",
            Some(_) => "**missed** (time)",
            None => "",
        };
        let show =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        [show(time), show(ratio), standing.to_owned()]
    }
}
