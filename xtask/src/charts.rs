//! `cargo xtask charts`: draws the pictures of `docs/resilience.md` from simulations.
//!
//! The simulations are an example of `towline-layers`. They run on a paused clock and give the same
//! bytes each time, so a change of a picture is a change of a layer. With `--check` nothing is written,
//! and a picture that would change is a fault.

use crate::context::{self, Context, Stop};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the pictures and their figures lie.
const FOLDER: &str = "docs/charts";

/// Draws them, or checks that they are as they would be drawn.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    let kept = context.root.join(FOLDER);
    match arguments {
        [] => draw(context, &kept),
        [flag] if flag == "--check" => {
            let drawn = context.target.join("charts");
            draw(context, &drawn)?;
            compare(&drawn, &kept)
        }
        others => Err(Stop::Failed(format!(
            "takes nothing or --check, but got `{}`",
            others.join(" ")
        ))),
    }
}

fn draw(context: &Context, folder: &Path) -> Result<(), Stop> {
    let mut command = context.cargo(&["run", "--quiet", "--package", "towline-layers"]);
    command.args(["--features", "full", "--example", "charts", "--"]);
    context::run(command.arg(folder))
}

fn compare(drawn: &Path, kept: &Path) -> Result<(), Stop> {
    context::each(files(drawn)?.into_iter(), |file| {
        let name = file.file_name().unwrap_or_default();
        if fs::read(&file).ok() == fs::read(kept.join(name)).ok() {
            return Ok(());
        }
        let name = name.display();
        let text = format!("{FOLDER}/{name} is not what is drawn now: run `cargo xtask charts`");
        Err(Stop::Failed(text))
    })
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let failed = |error| Stop::Failed(format!("{} cannot be read: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}
