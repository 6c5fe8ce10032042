//! Every fuzz target of every crate, for a few seconds each: does it still build, and does it fall
//! over at once?
//!
//! Fuzzing needs a nightly compiler, so this is no step of `ci`. Fuzz folders are workspaces of
//! their own, excluded from ours.

use crate::context::{self, Context, Stop};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const SECONDS: &str = "-max_total_time=20";

/// Runs each target, from the inputs that are kept beside it.
pub(crate) fn smoke(context: &Context) -> Result<(), Stop> {
    let mut probe = context.program("rustup");
    let found = context::succeeds(probe.args(["run", "nightly", "cargo", "fuzz", "--version"]));
    if !found {
        return Err(Stop::Missing {
            tool: "cargo-fuzz with a nightly toolchain",
            remedy: "`rustup toolchain install nightly` and `cargo install --locked cargo-fuzz`"
                .to_owned(),
        });
    }
    context::each(targets(context)?.into_iter(), |(folder, target)| {
        let mut command = context.program("rustup");
        command.args(["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir"]);
        command
            .arg(folder)
            .arg("--target-dir")
            .arg(context.target.join("fuzz"));
        command.args([target.as_str(), "--", SECONDS]);
        context::run(&mut command)
    })
}

/// All fuzz folders with the targets that their manifests name.
fn targets(context: &Context) -> Result<Vec<(PathBuf, String)>, Stop> {
    let mut targets = Vec::new();
    for package in context.libraries() {
        let Some(folder) = package
            .manifest_path
            .parent()
            .map(|crate_| crate_.join("fuzz"))
        else {
            continue;
        };
        let path = folder.join("Cargo.toml");
        if path.is_file() {
            let names = names(&path)?;
            targets.extend(names.into_iter().map(|name| (folder.clone(), name)));
        }
    }
    Ok(targets)
}

fn names(manifest: &Path) -> Result<Vec<String>, Stop> {
    let failed = |error: &dyn std::fmt::Display| {
        Stop::Failed(format!("{} cannot be read: {error}", manifest.display()))
    };
    let text = std::fs::read_to_string(manifest).map_err(|error| failed(&error))?;
    let manifest: Table = text.parse().map_err(|error| failed(&error))?;
    let programs = manifest.get("bin").and_then(Value::as_array);
    let names = programs
        .into_iter()
        .flatten()
        .filter_map(|program| program.get("name"));
    Ok(names.filter_map(Value::as_str).map(str::to_owned).collect())
}
