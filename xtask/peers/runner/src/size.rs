//! `cargo xtask bench size`.

use crate::{
    Fault, HELP, build, document,
    rows::{ROWS, Side},
    table::Table,
};
use std::{fs, process::Command};

/// The clients that have to stay small: package and what it is.
const OURS: &[(&str, &str)] = &[
    ("peer-size-openai", "towline-openai on towline-transport"),
    ("peer-size-towline", "towline, feature `openai`"),
];
/// The most crates that a client for one provider may link, itself included.
const MOST_CRATES: usize = 70;
/// The most bytes it may have, stripped.
const MOST_BYTES: u64 = 3_000_000;
/// Crates that it may not link.
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "reqwest"];

/// What a package weighs.
struct Weight {
    crates: Vec<String>,
    bytes: u64,
}

/// Builds, strips, counts, reports.
pub(crate) fn run(given: &[String]) -> Result<(), Fault> {
    if let Some(other) = given
        .iter()
        .find(|word| !matches!(word.as_str(), "--check" | "--dry"))
    {
        return Err(format!("no such option: {other}\n\n{HELP}").into());
    }
    let mut table = Table::new(&[0, 3], &["client", "crates", "stripped, bytes", ""]);
    let mut missed = false;
    for (package, about) in OURS {
        let weight = weigh(package)?;
        let faults = faults(&weight);
        missed |= !faults.is_empty();
        let verdict = if faults.is_empty() {
            "met".to_owned()
        } else {
            faults.join("; ")
        };
        table.push(line(about, &weight, verdict));
    }
    for row in ROWS.iter().filter(|row| row.side == Side::Rival) {
        let weight = weigh(&row.package())?;
        table.push(line(
            row.name,
            &weight,
            "row of the client benchmark".to_owned(),
        ));
    }
    let text = format!(
        "## Size\n\nA program that sends one prompt to one provider over TLS. At most {MOST_CRATES} \
         crates in `cargo tree -e normal`, itself included; at most {} MB stripped; \
         none of {}. Built with the profile of the client benchmark. The rivals are weighed as they are measured, the harness included (four crates).\n\n{}",
        MOST_BYTES / 1_000_000,
        BANNED.join(", "),
        table.draw()
    );
    println!("{text}");
    if !given.iter().any(|word| word == "--dry") {
        document::write("size", &text)?;
    }
    if missed && given.iter().any(|word| word == "--check") {
        return Err("a limit is missed".into());
    }
    Ok(())
}

fn weigh(package: &str) -> Result<Weight, Fault> {
    let program = build::build(package)?;
    let stripped = program.with_extension("stripped");
    build::text(Command::new("strip").arg("-o").arg(&stripped).arg(&program))?;
    Ok(Weight {
        crates: build::linked(package)?,
        bytes: fs::metadata(&stripped)?.len(),
    })
}

fn faults(weight: &Weight) -> Vec<String> {
    let mut faults = Vec::new();
    if weight.crates.len() > MOST_CRATES {
        faults.push("**too many crates**".to_owned());
    }
    if weight.bytes > MOST_BYTES {
        faults.push("**too big**".to_owned());
    }
    for linked in &weight.crates {
        let name = linked.split_whitespace().next().unwrap_or_default();
        if BANNED.contains(&name) {
            faults.push(format!("**links {name}**"));
        }
    }
    faults
}

fn line(what: &str, weight: &Weight, verdict: String) -> Vec<String> {
    vec![
        what.to_owned(),
        weight.crates.len().to_string(),
        weight.bytes.to_string(),
        verdict,
    ]
}
