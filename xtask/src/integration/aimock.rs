//! aimock, a mock of many providers' APIs that breaks on demand, for as long as it is needed.

use super::process::Process;
use crate::context::{self, Context, Stop};
use std::{fs, path::Path};

/// By name in the npm registry. Its commands share their names with packages of others, which is why
/// none of them is called by name.
const PACKAGE: &str = "@copilotkit/aimock@1.43.0";

/// Its program, seen from the folder where it is installed.
const PROGRAM: &str = "node_modules/@copilotkit/aimock/dist/cli.js";

/// A running server. It ends with this.
pub(super) struct Aimock {
    _process: Process,
    url: String,
}

// === impl Aimock ===

impl Aimock {
    /// Installs it unless an earlier run did, and starts it on a free port.
    pub(super) fn start(context: &Context) -> Result<Self, Stop> {
        let folder = context.target.join("wire").join("node");
        install(context, &folder)?;
        let answers = context.root.join("xtask/assets/aimock.json");
        let mut command = context.program("node");
        command
            .arg(folder.join(PROGRAM))
            .args(["--host", "127.0.0.1", "--port", "0"])
            // A prompt without an answer is an error, not made up.
            .args(["--validate-on-load", "--strict", "--fixtures"])
            .arg(answers);
        let log = folder.join("aimock.log");
        let (process, url) = Process::start(&mut command, &log, listening)?;
        Ok(Self {
            _process: process,
            url,
        })
    }

    /// Its address, without a path.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// The address in the line by which it says that it takes requests.
pub(super) fn listening(line: &str) -> Option<String> {
    let (_, url) = line.split_once(" listening on ")?;
    url.starts_with("http://").then(|| url.to_owned())
}

fn install(context: &Context, folder: &Path) -> Result<(), Stop> {
    let stamp = folder.join("node.packages");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == PACKAGE) {
        return Ok(());
    }
    for tool in ["node", "npm"] {
        if !context::succeeds(context.program(tool).arg("--version")) {
            return Err(Stop::Missing {
                tool,
                remedy: "the package manager of the system (nodejs 20 or later, npm)".to_owned(),
            });
        }
    }
    fetch(context, folder).map_err(|reason| Stop::Missing {
        tool: "aimock",
        remedy: format!("`npm install {PACKAGE}` (here: {reason})"),
    })?;
    write(&stamp, PACKAGE)
}

/// The package alone: a manifest in the folder keeps npm from looking for one above it.
fn fetch(context: &Context, folder: &Path) -> Result<(), Stop> {
    fs::create_dir_all(folder)
        .map_err(|error| Stop::Failed(format!("{}: {error}", folder.display())))?;
    write(&folder.join("package.json"), "{\"private\": true}\n")?;
    let mut npm = context.program("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .args(["--loglevel", "error", "--prefix"])
        .arg(folder)
        .arg(PACKAGE);
    context::capture(&mut npm).map(drop)
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    fs::write(path, text).map_err(|error| Stop::Failed(format!("{}: {error}", path.display())))
}
