//! `cargo xtask test --list-invariants`: each invariant of the layers, the tests that hold it, and
//! whether they do.
//!
//! The name of such a test begins with the id of the invariant, as in `rt1_no_retry_after_...`. The
//! ids and what they say are in `docs/resilience.md`.

use crate::context::{self, Context, Stop};
use std::collections::BTreeMap;

/// A family of invariants: its letters, how many there are, and what is proved elsewhere.
struct Family {
    letters: &'static str,
    count: u32,
    /// Those that need something that is not there yet, with what.
    later: &'static [(u32, &'static str)],
}

/// What a run said of one test.
#[derive(Debug, Eq, PartialEq)]
struct Seen {
    name: String,
    passed: bool,
}

const FAMILIES: &[Family] = &[
    family("x", 7),
    family("to", 6),
    family("rt", 8),
    Family {
        letters: "rl",
        count: 12,
        later: &[(11, "the shared store: needs Redis")],
    },
    family("cl", 3),
    family("cb", 7),
    family("fb", 6),
    family("hg", 5),
    family("lb", 5),
    family("sh", 3),
    family("co", 4),
    family("dr", 4),
];

const fn family(letters: &'static str, count: u32) -> Family {
    Family {
        letters,
        count,
        later: &[],
    }
}

/// Runs the tests that are named after invariants, and prints the table.
pub(crate) fn list(context: &Context) -> Result<(), Stop> {
    let mut command = context.cargo(&["test"]);
    command.args(["-p", "towline-layers", "-p", "towline", "--all-features"]);
    command.args(["--no-fail-fast", "--lib", "--tests"]);
    let (output, ended) = context::output(&mut command)?;
    let seen = read(&output);
    let mut faults = Vec::new();
    println!("{:<6} {:<8} tests", "id", "status");
    for family in FAMILIES {
        for number in 1..=family.count {
            print_row(family, number, &seen, &mut faults);
        }
    }
    verdict(&faults, ended)?;
    println!("\nall invariants hold");
    Ok(())
}

/// Whether all is proved. A program that was aborted has taken tests with it that no row can miss.
fn verdict(faults: &[String], ended: Result<(), Stop>) -> Result<(), Stop> {
    match (faults, ended) {
        ([], ended) => ended,
        (faults, Ok(())) => Err(Stop::Failed(format!("not proved: {}", faults.join(", ")))),
        (faults, Err(stop)) => {
            let faults = faults.join(", ");
            Err(Stop::Failed(format!("not proved: {faults}; {stop}")))
        }
    }
}

fn print_row(
    family: &Family,
    number: u32,
    seen: &BTreeMap<String, Vec<Seen>>,
    faults: &mut Vec<String>,
) {
    let id = format!("{}{number}", family.letters);
    let tests = seen.get(&id).map(Vec::as_slice).unwrap_or_default();
    let later = family.later.iter().find(|(later, _)| *later == number);
    let (status, note) = match (tests, later) {
        ([], Some((_, why))) => ("later", *why),
        ([], None) => ("MISSING", "no test has this id"),
        (tests, _) if tests.iter().all(|test| test.passed) => ("holds", ""),
        _ => ("BROKEN", ""),
    };
    if matches!(status, "MISSING" | "BROKEN") {
        faults.push(id.to_uppercase());
    }
    println!("{:<6} {status:<8} {note}", id.to_uppercase());
    for test in tests {
        let mark = if test.passed { " " } else { "FAILED " };
        println!("{:<15} {mark}{}", "", test.name);
    }
}

/// The tests of a run whose names begin with an id, by that id.
fn read(output: &str) -> BTreeMap<String, Vec<Seen>> {
    let mut seen = BTreeMap::<String, Vec<Seen>>::new();
    for line in output.lines() {
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            continue;
        };
        let own = name.rsplit("::").next().unwrap_or(name);
        if let Some(id) = id(own) {
            seen.entry(id.to_owned()).or_default().push(Seen {
                name: name.to_owned(),
                passed: result == "ok",
            });
        }
    }
    seen
}

/// The id at the beginning of a test's name.
fn id(name: &str) -> Option<&str> {
    let (id, _) = name.split_once('_')?;
    let letters = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = id.strip_prefix(letters)?.parse::<u32>().ok()?;
    let family = FAMILIES.iter().find(|family| family.letters == letters)?;
    (1..=family.count).contains(&number).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{Stop, id, read, verdict};

    #[test]
    fn an_id_is_letters_of_a_family_and_a_number_that_exists() {
        assert_eq!(id("rt1_no_retry_after_content"), Some("rt1"));
        assert_eq!(id("rl12_idle_keys"), Some("rl12"));
        assert_eq!(id("rt9_unknown"), None);
        assert_eq!(id("total_of_two"), None);
        assert_eq!(id("x_1"), None);
    }

    #[test]
    fn tests_are_kept_by_their_id_with_what_became_of_them() {
        let output = "test retry::rt1_a ... ok\ntest retry::rt1_b ... FAILED\ntest other ... ok\n";
        let seen = read(output);
        assert_eq!(seen.len(), 1);
        let passed: Vec<bool> = seen["rt1"].iter().map(|test| test.passed).collect();
        assert_eq!(passed, [true, false]);
    }

    #[test]
    fn a_run_that_failed_proves_nothing_though_no_row_is_at_fault() {
        let aborted = || Err(Stop::Failed("`cargo test` ended with signal: 6".to_owned()));
        assert!(verdict(&[], Ok(())).is_ok());
        let stop = verdict(&[], aborted()).unwrap_err();
        assert_eq!(stop.to_string(), "`cargo test` ended with signal: 6");
        let stop = verdict(&["X1".to_owned()], aborted()).unwrap_err();
        let both = "not proved: X1; `cargo test` ended with signal: 6";
        assert_eq!(stop.to_string(), both);
    }
}
