//! What the clients send, against the published descriptions of the providers' APIs.
//!
//! Tests of the dialects send generated requests and, where they have recordings, those again, and
//! write the bodies down; a script then checks them. Recordings and descriptions are no part of this
//! tree: where they are absent, the table says so.

use super::{
    python::Python,
    suite::{Row, Verdict, quietly, row, tests},
};
use crate::context::{self, Context, Stop};
use std::{fs, io, path::PathBuf};

/// Where the descriptions lie, seen from the recordings.
const DESCRIPTIONS: &str = "../specs";

/// The test that sends the recorded requests again.
const RECORDED: &str = "corpus_requests_go_out_as_they_were_recorded";

/// Bodies that are checked against one description.
struct Check {
    name: &'static str,
    package: &'static str,
    /// The words after `cargo test` that name the tests which write the bodies.
    tests: &'static [&'static str],
    /// What the script calls the dialect.
    dialect: &'static str,
    description: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        name: "openai chat, requests",
        package: "towline-openai",
        tests: &[
            "--test",
            "corpus",
            "--test",
            "requests",
            "--",
            RECORDED,
            "generated_chat",
        ],
        dialect: "openai-chat",
        description: "openai-relaxed.json",
    },
    Check {
        name: "openai responses, requests",
        package: "towline-openai",
        tests: &["--test", "requests", "generated_responses"],
        dialect: "openai-responses",
        description: "openai-relaxed.json",
    },
    Check {
        name: "azure chat, requests",
        package: "towline-azure",
        tests: &["--test", "requests", "generated_chat"],
        dialect: "openai-chat",
        description: "openai-relaxed.json",
    },
    Check {
        name: "azure responses, requests",
        package: "towline-azure",
        tests: &["--test", "requests", "generated_responses"],
        dialect: "openai-responses",
        description: "openai-relaxed.json",
    },
    Check {
        name: "anthropic, requests",
        package: "towline-anthropic",
        tests: &[
            "--test",
            "corpus",
            "--test",
            "requests",
            "--",
            RECORDED,
            "generated",
        ],
        dialect: "anthropic",
        description: "anthropic-messages-request.schema.json",
    },
    Check {
        name: "ollama, requests",
        package: "towline-ollama",
        tests: &[
            "--test",
            "corpus",
            "--test",
            "requests",
            "--",
            RECORDED,
            "generated",
        ],
        dialect: "ollama",
        description: "ollama-openapi.yaml",
    },
];

/// One row for each check.
pub(super) fn run(context: &Context, python: &Python) -> Vec<Row> {
    let rows = CHECKS
        .iter()
        .map(|check| row(check.name, || check.run(context, python)));
    rows.collect()
}

// === impl Check ===

impl Check {
    /// Writes the bodies down and checks them; tells how many there were.
    fn run(&self, context: &Context, python: &Python) -> Result<Verdict, Stop> {
        let description = descriptions(context).join(self.description);
        if !description.is_file() {
            let absent = "no description of the API beside the recordings, see TOWLINE_CORPUS";
            return match context::variable("TOWLINE_CORPUS") {
                Some(_) => Err(Stop::Failed(absent.to_owned())),
                None => Ok(Verdict::Absent(absent.to_owned())),
            };
        }
        let folder = self.fresh_folder(python);
        let folder = folder.map_err(|error| Stop::Failed(error.to_string()))?;
        let settings = [("TOWLINE_REQUESTS_OUT", &*folder.to_string_lossy())];
        tests(context, self.package, self.tests, &settings)?;
        let mut check = python.program();
        check
            .arg(python.asset("check_requests.py"))
            .arg(self.dialect);
        let count = quietly(check.arg(&description).arg(&folder))?;
        let count = count.lines().next().unwrap_or_default().parse();
        let count = count.map(Verdict::Passed);
        count.map_err(|_| Stop::Failed("the check does not say how many bodies it read".to_owned()))
    }

    /// An empty folder, so that no body of an earlier run is checked again.
    fn fresh_folder(&self, python: &Python) -> io::Result<PathBuf> {
        let name = self.name.replace([' ', ','], "-");
        let folder = python.folder().join("requests").join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn descriptions(context: &Context) -> PathBuf {
    let set = context::variable("TOWLINE_CORPUS");
    let set = set.unwrap_or_else(|| "../shared/wire/corpus".into());
    context.root.join(set).join(DESCRIPTIONS)
}
