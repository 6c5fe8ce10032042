//! `cargo xtask integration`: clients and command line against servers that are not ours, and what the
//! clients send against the published descriptions of the APIs.
//!
//! | part | needs | is |
//! |---|---|---|
//! | llama.cpp | Python | a real server, with two models of random weights |
//! | aimock | Node | a mock of many providers, which breaks on demand |
//! | requests | Python, the descriptions | a check of recorded and of generated requests |
//!
//! Everything is made under the target folder and kept for the next run. A part that is missing is
//! named in the table; a missing tool is a failure under `CI=true`.

mod aimock;
mod cli;
mod process;
mod python;
mod requests;
mod server;
mod suite;

use self::{
    aimock::Aimock,
    python::Python,
    server::Server,
    suite::{Row, Verdict, report, row, tests, unable},
};
use crate::context::{Context, Stop};
use std::{fs, path::PathBuf};

/// The key that the llama.cpp servers want. It is made up, and must show up in no output.
const KEY: &str = "sk-local-8c1f0a6d27";

/// What the suites against llama.cpp share.
struct Bench<'a> {
    context: &'a Context,
    python: &'a Python,
    /// A model that goes on until it is stopped.
    plain: Server,
    /// A model that likes to call tools.
    tools: Server,
    /// A folder with nothing in it, where the command line finds no settings.
    empty: PathBuf,
}

/// Providers that aimock plays: the name of the suite, and the package.
const MOCKED: &[(&str, &str)] = &[
    ("openai, aimock", "towline-openai"),
    ("azure, aimock", "towline-azure"),
    ("anthropic, aimock", "towline-anthropic"),
    ("ollama, aimock", "towline-ollama"),
];

/// Runs every suite and lists them.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    if !arguments.is_empty() {
        let words = arguments.join(" ");
        return Err(Stop::Failed(format!(
            "takes no argument, but got `{words}`"
        )));
    }
    let mut rows = Vec::new();
    match Python::prepare(context) {
        Ok(python) => {
            rows.extend(llama(context, &python));
            rows.extend(requests::run(context, &python));
        }
        Err(stop) => rows.push(("llama.cpp, requests", unable(context, stop))),
    }
    rows.extend(mocked(context));
    report(&rows)
}

/// The suites against llama.cpp, whose servers end with them.
fn llama(context: &Context, python: &Python) -> Vec<Row> {
    match Bench::prepare(context, python) {
        Ok(bench) => vec![
            row("client, llama.cpp", || bench.client()),
            row("anthropic, llama.cpp", || bench.anthropic()),
            row("command line, llama.cpp", || cli::run(&bench)),
        ],
        Err(stop) => vec![("llama.cpp", unable(context, stop))],
    }
}

/// The suites against aimock, which ends with them.
fn mocked(context: &Context) -> Vec<Row> {
    let aimock = match Aimock::start(context) {
        Ok(aimock) => aimock,
        Err(stop) => return vec![("aimock", unable(context, stop))],
    };
    let settings = [("TOWLINE_AIMOCK_URL", aimock.url())];
    let suites = MOCKED.iter().map(|(name, package)| {
        row(name, || {
            tests(context, package, &["--test", "aimock"], &settings)
        })
    });
    suites.collect()
}

// === impl Bench ===

impl<'a> Bench<'a> {
    fn prepare(context: &'a Context, python: &'a Python) -> Result<Self, Stop> {
        let plain = python.model("tiny", &[])?;
        let tools = python.model("tiny-tools", &["--tools"])?;
        let empty = python.folder().join("empty");
        fs::create_dir_all(&empty)
            .map_err(|error| Stop::Failed(format!("{}: {error}", empty.display())))?;
        Ok(Self {
            plain: Server::start(python, &plain)?,
            tools: Server::start(python, &tools)?,
            context,
            python,
            empty,
        })
    }

    /// The client, which speaks the dialect of OpenAI here.
    fn client(&self) -> Result<Verdict, Stop> {
        self.tests("towline", &["--features", "openai"])
    }

    /// The dialect of Anthropic, at `/v1/messages`.
    fn anthropic(&self) -> Result<Verdict, Stop> {
        self.tests("towline-anthropic", &[])
    }

    /// The tests of a package, which are told where the servers are. One at a time: they read the
    /// counters of the server, and it has two slots.
    fn tests(&self, package: &str, features: &[&str]) -> Result<Verdict, Stop> {
        let one_by_one = ["--test", "llamacpp", "--", "--test-threads", "1"];
        let settings = [
            ("TOWLINE_LLAMACPP_URL", &*self.plain.base_url()),
            ("TOWLINE_LLAMACPP_TOOLS_URL", &*self.tools.base_url()),
            ("TOWLINE_LLAMACPP_KEY", KEY),
        ];
        let arguments = [features, &one_by_one].concat();
        tests(self.context, package, &arguments, &settings)
    }
}

#[cfg(test)]
mod tests;
