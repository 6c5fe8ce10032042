//! What every command needs to know of the workspace, and how it runs other programs.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// The workspace as cargo sees it.
#[derive(Debug)]
pub(crate) struct Context {
    /// The folder that holds the root manifest.
    pub(crate) root: PathBuf,
    /// Where build products go.
    pub(crate) target: PathBuf,
    /// Under `CI=true` the lock file is binding and a missing tool is a failure.
    pub(crate) strict: bool,
    /// The members, sorted by name.
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
}

/// A dependency as the manifest declares it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// Why a step or a command did not pass.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It ran and found fault, or could not run.
    Failed(String),
    /// A tool is missing, so it did not run at all.
    Missing {
        /// The program.
        tool: &'static str,
        /// How to install it.
        remedy: String,
    },
}

// === impl Context ===

impl Context {
    /// Asks cargo for the workspace that this program was built from.
    pub(crate) fn load() -> Result<Self, Stop> {
        let mut command = program("cargo");
        command
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let text = capture(&mut command)?;
        let metadata: Metadata = serde_json::from_str(&text)
            .map_err(|error| Stop::Failed(format!("cargo metadata is not as expected: {error}")))?;
        let mut packages = metadata.packages;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            strict: variable("CI").is_some_and(|value| value == "true"),
            packages,
        })
    }

    /// The members that are published, which is all but this program.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.name != "xtask")
    }

    /// A cargo call in the root. Under `CI=true` it must not touch the lock file.
    pub(crate) fn cargo(&self, words: &[&str]) -> Command {
        let mut command = self.program("cargo");
        command.args(words);
        if self.strict && words != ["fmt"] {
            command.arg("--locked");
        }
        command
    }

    /// Another program, started in the root.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = program(name);
        command.current_dir(&self.root);
        command
    }

    /// `path` as seen from the root, for messages.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

// === impl Package ===

impl Package {
    /// Whether there is a library in it, so that `--lib` means something.
    pub(crate) fn has_library(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }
}

// === impl Stop ===

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::Missing { tool, remedy } => {
                write!(f, "skipped: {tool} missing, install by {remedy}")
            }
        }
    }
}

/// Runs `command` with its output on the terminal, and says first what it runs.
pub(crate) fn run(command: &mut Command) -> Result<(), Stop> {
    let line = line_of(command);
    eprintln!("$ {line}");
    match command.status() {
        Ok(status) => ended(&line, status),
        Err(error) => Err(Stop::Failed(format!("`{line}` did not start: {error}"))),
    }
}

/// Runs `command` and returns what it wrote to stdout, also where it failed, and how it ended: the text
/// says what failed, and not what it could not come to.
pub(crate) fn output(command: &mut Command) -> Result<(String, Result<(), Stop>), Stop> {
    let line = line_of(command);
    eprintln!("$ {line}");
    let output = command.stderr(Stdio::null()).output();
    let output =
        output.map_err(|error| Stop::Failed(format!("`{line}` did not start: {error}")))?;
    let ended = ended(&line, output.status);
    match String::from_utf8_lossy(&output.stdout) {
        text if text.is_empty() => ended.map(|()| (String::new(), Ok(()))),
        text => Ok((text.into_owned(), ended)),
    }
}

/// Runs `command` and returns what it wrote to stdout.
pub(crate) fn capture(command: &mut Command) -> Result<String, Stop> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Stop::Failed(format!("`{line}` did not start: {error}")))?;
    ended(&line, output.status)?;
    String::from_utf8(output.stdout)
        .map_err(|error| Stop::Failed(format!("`{line}` wrote something that is no text: {error}")))
}

/// Whether `command` starts and succeeds. Nothing is printed.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Does `run` for every item, also after one failed, and fails with how many did.
pub(crate) fn each<T>(
    items: impl Iterator<Item = T>,
    mut run: impl FnMut(T) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let (mut total, mut failed) = (0_usize, 0_usize);
    for item in items {
        total += 1;
        if let Err(stop) = run(item) {
            eprintln!("{stop}");
            failed += 1;
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Stop::Failed(format!("{failed} of {total} failed")))
}

/// An environment variable, where it is set and not empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a build command has no settings file, and CI speaks through the environment"
    )]
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty())
}

/// A program without the variables that cargo sets for whatever `cargo run` starts: with them the
/// build scripts that watch such a variable would run again at each change between `cargo` and
/// `cargo xtask`.
fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    #[expect(
        clippy::disallowed_methods,
        reason = "the names alone, to take those of cargo away"
    )]
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| is_of_cargo_run(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Whether `cargo run` and `cargo nextest run` set this variable for the program they start.
fn is_of_cargo_run(name: &str) -> bool {
    let single = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    single.contains(&name) || name.starts_with("CARGO_PKG_")
}

fn ended(line: &str, status: ExitStatus) -> Result<(), Stop> {
    match status.success() {
        true => Ok(()),
        false => Err(Stop::Failed(format!("`{line}` ended with {status}"))),
    }
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
