//! `cargo xtask bench NAME`: hands over to the workspace of the rivals.
//!
//! It is a workspace of its own, with its own lock file, so that nothing a rival depends on comes
//! near the tree that is published.

use crate::context::{self, Context, Stop};

const MANIFEST: &str = "xtask/peers/Cargo.toml";

/// Builds and runs the program in `xtask/peers`, with all arguments.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    if !context.root.join(MANIFEST).is_file() {
        return Err(Stop::Failed(format!("there is no {MANIFEST}")));
    }
    let mut command = context.cargo(&["run"]);
    command.args(["--release", "--manifest-path", MANIFEST, "--"]);
    context::run(command.args(arguments))
}
