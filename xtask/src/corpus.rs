//! How many recorded exchanges the tests have decoded, by provider.
//!
//! The tests leave a file for each run over the recordings in a folder that this module names to them.
//! What there is to decode is counted here, from the recordings themselves, so that a provider that no
//! test knows is a row with nothing decoded, and not a row that is missing.

use crate::context::{self, Context, Stop};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Tells the tests where to leave their counts.
const VARIABLE: &str = "TOWLINE_CORPUS_COUNTS";

/// Where the recordings lie unless `TOWLINE_CORPUS` says otherwise, seen from the root.
const DEFAULT: &str = "../shared/wire/corpus";

/// What the tests made of the cases, over all runs that decode them.
#[derive(Debug, Default)]
struct Found {
    decoded: BTreeSet<String>,
    with_oracle: BTreeSet<String>,
    /// Those that did not go as they should in one run or another.
    wrong: BTreeSet<String>,
}

/// Names the folder to the tests that `command` runs; it is empty then.
pub(crate) fn ask(context: &Context, command: &mut Command) -> Result<(), Stop> {
    let folder = folder(context);
    fresh(&folder).map_err(|error| Stop::Failed(format!("{}: {error}", folder.display())))?;
    command.env(VARIABLE, folder);
    Ok(())
}

/// Prints the table. Without recordings there is nothing to say: the tests have said it.
pub(crate) fn print(context: &Context) {
    let set = context::variable("TOWLINE_CORPUS");
    let root = context.root.join(set.unwrap_or_else(|| DEFAULT.into()));
    let counted = groups(&root).and_then(|groups| Ok((groups, collect(&folder(context))?)));
    if let Ok((groups, found)) = counted {
        println!(
            "\n{}{}",
            table(&groups, &found),
            left(&root, &groups, &found)
        );
    }
}

fn folder(context: &Context) -> PathBuf {
    context.target.join("corpus-counts")
}

fn fresh(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)
}

/// The ids of all cases: by provider, and those that are no whole exchange by what they are.
fn groups(root: &Path) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut groups = BTreeMap::new();
    for folder in entries(root)? {
        let name = name(&folder);
        if !folder.is_dir() || name == "_expected" {
            continue;
        }
        let ids = match name.as_str() {
            "_documented_errors" => stems(&folder, "")?,
            "_response_only" => {
                let mut ids = BTreeSet::new();
                for family in entries(&folder)? {
                    let prefix = format!("{}/", self::name(&family));
                    ids.extend(stems(&family, &prefix)?);
                }
                ids
            }
            provider => stems(&folder, &format!("{provider}/"))?,
        };
        groups.insert(name, ids);
    }
    Ok(groups)
}

fn stems(folder: &Path, prefix: &str) -> io::Result<BTreeSet<String>> {
    let files = entries(folder)?.into_iter().filter(|path| path.is_file());
    let stems = files.map(|path| format!("{prefix}{}", name(&path).trim_end_matches(".json")));
    Ok(stems.collect())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn collect(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    for path in entries(folder)? {
        found.add(&fs::read_to_string(path)?);
    }
    Ok(found)
}

fn table(groups: &BTreeMap<String, BTreeSet<String>>, found: &Found) -> String {
    let mut text = String::from("recordings            cases  decoded  oracle  wrong\n");
    let mut sums = [0; 4];
    let mut line = |name: &str, counts: [usize; 4]| {
        let [cases, decoded, oracle, wrong] = counts;
        let _ = writeln!(
            text,
            "{name:<20}  {cases:>5}  {decoded:>7}  {oracle:>6}  {wrong:>5}"
        );
    };
    // Providers first.
    let (parts, providers): (Vec<_>, Vec<_>) =
        groups.iter().partition(|(name, _)| name.starts_with('_'));
    for (name, cases) in providers.into_iter().chain(parts) {
        let sets = [cases, &found.decoded, &found.with_oracle, &found.wrong];
        let counts = sets.map(|set| cases.intersection(set).count());
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
        line(&name.trim_start_matches('_').replace('_', " "), counts);
    }
    line("all", sums);
    text
}

/// Which interfaces the cases are of that were not decoded: those that no crate speaks.
fn left(root: &Path, groups: &BTreeMap<String, BTreeSet<String>>, found: &Found) -> String {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for (provider, cases) in groups.iter().filter(|(name, _)| !name.starts_with('_')) {
        for case in cases.difference(&found.decoded) {
            let text = fs::read_to_string(root.join(format!("{case}.json"))).unwrap_or_default();
            let case: Value = serde_json::from_str(&text).unwrap_or_default();
            let interface = case.get("api").and_then(Value::as_str).unwrap_or("unknown");
            *left.entry(format!("{provider} {interface}")).or_default() += 1;
        }
    }
    let left: Vec<_> = left
        .iter()
        .map(|(of, count)| format!("{of} {count}"))
        .collect();
    format!("not decoded: {}\n", left.join(", "))
}

// === impl Found ===

impl Found {
    /// Adds the record of one run: its name, and a line for each case.
    fn add(&mut self, record: &str) {
        let mut lines = record.lines();
        let sends = lines.next().is_none_or(|run| run.ends_with(", requests"));
        if sends {
            return;
        }
        for line in lines {
            let mut fields = line.split('\t');
            let id = fields.next().unwrap_or_default().to_owned();
            if fields.next() == Some("true") {
                self.with_oracle.insert(id.clone());
            }
            if fields.next() == Some("true") {
                self.decoded.insert(id);
            } else {
                self.wrong.insert(id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
