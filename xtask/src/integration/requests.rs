//! What the client sends, against the published schema of the provider's API.
//!
//! The recorded requests are sent again by a test of the dialect, which writes the bodies down; a
//! script then checks them. Recordings and schema are no part of this tree: where they are absent,
//! the table says so.

use super::{Bench, Verdict};
use crate::context::{self, Stop};
use std::{fs, io, path::PathBuf};

/// Where the schema lies, seen from the recordings.
const SCHEMA: &str = "../specs/openai-relaxed.json";

/// Sends every recorded request again and checks the bodies; tells how many there were.
pub(super) fn run(bench: &Bench<'_>) -> Result<Verdict, Stop> {
    eprintln!("\n== requests ==");
    let schema = recordings(bench).join(SCHEMA);
    if !schema.is_file() {
        let absent = "no schema of the API beside the recordings, see TOWLINE_CORPUS";
        return match context::variable("TOWLINE_CORPUS") {
            Some(_) => Err(Stop::Failed(absent.to_owned())),
            None => Ok(Verdict::Absent(absent.to_owned())),
        };
    }
    let folder = fresh_folder(bench).map_err(|error| Stop::Failed(error.to_string()))?;
    let mut resend = bench.context.cargo(&["test", "--quiet"]);
    resend
        .args(["-p", "towline-openai", "--test", "corpus"])
        .arg("corpus_requests_go_out_as_they_were_recorded")
        .env("TOWLINE_REQUESTS_OUT", &folder);
    context::run(&mut resend)?;
    let mut check = bench.python.program();
    check.arg(bench.python.asset("check_requests.py"));
    let count = context::capture(check.arg(&schema).arg(&folder))?;
    let count = count.trim().parse().map(Verdict::Passed);
    count.map_err(|_| Stop::Failed("the check does not say how many bodies it read".to_owned()))
}

fn recordings(bench: &Bench<'_>) -> PathBuf {
    let set = context::variable("TOWLINE_CORPUS");
    let set = set.unwrap_or_else(|| "../shared/wire/corpus".into());
    bench.context.root.join(set)
}

/// An empty folder, so that no body of an earlier run is checked again.
fn fresh_folder(bench: &Bench<'_>) -> io::Result<PathBuf> {
    let folder = bench.python.folder().join("requests");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
