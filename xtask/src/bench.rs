//! `cargo xtask bench NAME`: hands over to the workspace of the rivals.
//!
//! It is a workspace of its own, with its own lock file and target folder, so that nothing a rival
//! depends on comes near the tree that is published.

use crate::context::{self, Context, Stop};

const MANIFEST: &str = "xtask/peers/Cargo.toml";
const TARGET: &str = "xtask/peers/target";

/// Builds and runs the program in `xtask/peers`, with all arguments.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    if !context.root.join(MANIFEST).is_file() {
        return Err(Stop::Failed(format!("there is no {MANIFEST}")));
    }
    let mut command = context.cargo(&["run", "--quiet", "--release", "--package", "peer-runner"]);
    command.args(["--manifest-path", MANIFEST, "--target-dir", TARGET, "--"]);
    context::run(command.args(arguments))
}
