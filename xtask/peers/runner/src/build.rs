//! Cargo and the files of this workspace.

use crate::Fault;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The profile of the client benchmark.
pub(crate) const RELEASE: &str = "release";

/// The folder of this workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// A file of the product's tree.
pub(crate) fn product(path: &str) -> PathBuf {
    root().join("../..").join(path)
}

/// Where the program of `package` lies, built with the profile of the client benchmark.
pub(crate) fn program(package: &str) -> PathBuf {
    program_of(package, RELEASE)
}

fn program_of(package: &str, profile: &str) -> PathBuf {
    root().join("target").join(profile).join(package)
}

/// Builds `package` alone, so that it gets no feature that another row asked for.
pub(crate) fn build(package: &str) -> Result<PathBuf, Fault> {
    build_with(package, RELEASE)
}

/// The same with another profile.
pub(crate) fn build_with(package: &str, profile: &str) -> Result<PathBuf, Fault> {
    eprintln!("building {package}, profile {profile}");
    let mut command = cargo(&[
        "build",
        "--quiet",
        "--profile",
        profile,
        "--package",
        package,
    ]);
    let status = command
        .arg("--target-dir")
        .arg(root().join("target"))
        .status()?;
    if !status.success() {
        return Err(format!("{package} did not build").into());
    }
    Ok(program_of(package, profile))
}

/// The crates that `package` links, itself included: name and version, each once.
pub(crate) fn linked(package: &str) -> Result<Vec<String>, Fault> {
    let words = [
        "tree",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
    ];
    let tree = text(cargo(&words).arg(package))?;
    let mut crates: Vec<String> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect();
    crates.sort_unstable();
    crates.dedup();
    Ok(crates)
}

/// The version of `name` in the lock file; the newest if there are two.
pub(crate) fn version(lock: &str, name: &str) -> String {
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    let mut found = "not in the lock file";
    while let Some(line) = lines.next() {
        if line == wanted
            && let Some(version) = lines
                .next()
                .and_then(|line| line.strip_prefix("version = "))
        {
            found = version.trim_matches('"');
        }
    }
    found.to_owned()
}

/// What `program` prints, or nothing if it is not there.
pub(crate) fn ask(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(words)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}

/// What `command` prints; an error with its last words if it fails.
pub(crate) fn text(command: &mut Command) -> Result<String, Fault> {
    let output = command.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} ended with {}: {}", output.status, why.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Cargo, told nothing of the package that this program was started as: the build scripts of some
/// crates watch those variables, and would run again each time.
fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let leaks =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(leaks) {
            command.env_remove(name);
        }
    }
    command.args(words).current_dir(root());
    command
}
