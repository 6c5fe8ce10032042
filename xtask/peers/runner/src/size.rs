//! `cargo xtask bench size`.

use crate::{
    Fault, HELP, build, document,
    rows::{ROWS, Side},
    table::Table,
};
use std::{fs, process::Command};

/// One of our clients: its package, and what it is.
struct Ours {
    package: &'static str,
    about: &'static str,
}

/// The clients that have to stay small.
const OURS: &[Ours] = &[
    Ours {
        package: "peer-size-openai",
        about: "towline-openai on towline-transport",
    },
    Ours {
        package: "peer-size-openai-minimal",
        about: "the same without `http2` and `responses`",
    },
    Ours {
        package: "peer-size-towline",
        about: "towline, feature `openai`",
    },
    Ours {
        package: "peer-size-towline-minimal",
        about: "the same without `responses`",
    },
];
/// How each of ours is built, and what that means. The first is how the rivals are built.
const PROFILES: &[(&str, &str)] = &[
    (build::RELEASE, "as benchmarked"),
    ("small", "`opt-level = 3`"),
    ("smallest", "`opt-level = \"s\"`"),
    ("aborting", "`opt-level = \"s\"`, `panic = \"abort\"`"),
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
    let mut table = Table::new(
        &[0, 1, 4],
        &["client", "profile", "crates", "stripped, bytes", ""],
    );
    let mut missed = false;
    for ours in OURS {
        // Whoever needs less than the limit chooses a profile for it: one of them has to keep it.
        let mut kept = false;
        for (profile, about) in PROFILES {
            let weight = weigh(ours.package, profile)?;
            let faults = faults(&weight);
            kept |= faults.is_empty();
            let verdict = if faults.is_empty() {
                "met".to_owned()
            } else {
                faults.join("; ")
            };
            table.push(line(ours.about, about, &weight, verdict));
        }
        missed |= !kept;
    }
    for row in ROWS.iter().filter(|row| row.side == Side::Rival) {
        let weight = weigh(&row.package(), build::RELEASE)?;
        let verdict = "row of the client benchmark".to_owned();
        table.push(line(row.name, "as benchmarked", &weight, verdict));
    }
    let text = format!(
        "## Size\n\nA program that sends one prompt to one provider over TLS. At most {MOST_CRATES} \
         crates in `cargo tree -e normal`, itself included; at most {} MB stripped; \
         none of {}.\n\n\
         *As benchmarked* is the profile of the client benchmark (`opt-level = 3`, `lto = \"fat\"`, \
         `codegen-units = 1`). The others are for who wants a small program: the same with what the \
         table names. Where it names no `panic`, panics unwind as ever, so \
         that a task that fails takes nothing else down. The rivals are weighed as they are measured, the harness included (four \
         crates).\n\n{}",
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

fn weigh(package: &str, profile: &str) -> Result<Weight, Fault> {
    let program = build::build_with(package, profile)?;
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

fn line(what: &str, profile: &str, weight: &Weight, verdict: String) -> Vec<String> {
    vec![
        what.to_owned(),
        profile.to_owned(),
        weight.crates.len().to_string(),
        weight.bytes.to_string(),
        verdict,
    ]
}
