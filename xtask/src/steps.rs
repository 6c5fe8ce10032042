//! The steps that commands are made of.

use crate::{
    context::{self, Context, Stop},
    corpus, fuzz, tidy, tools,
};

/// One check, under the name that the table shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Context) -> Result<(), Stop>,
}

const FMT: Step = Step {
    name: "fmt",
    run: fmt,
};

pub(crate) const TIDY: Step = Step {
    name: "tidy",
    run: tidy::run,
};

pub(crate) const DENY: Step = Step {
    name: "deny",
    run: deny,
};

const CLIPPY: Step = Step {
    name: "clippy",
    run: clippy,
};

const CLIPPY_ALONE: Step = Step {
    name: "clippy alone",
    run: clippy_alone,
};

const TESTS: Step = Step {
    name: "tests",
    run: tests,
};

const DOCTESTS: Step = Step {
    name: "doctests",
    run: doctests,
};

pub(crate) const LOOM: Step = Step {
    name: "loom",
    run: loom,
};

pub(crate) const DOC: Step = Step {
    name: "doc",
    run: doc,
};

pub(crate) const FEATURES: Step = Step {
    name: "features",
    run: features,
};

pub(crate) const FUZZ_SMOKE: Step = Step {
    name: "fuzz-smoke",
    run: fuzz::smoke,
};

pub(crate) const LINT: &[Step] = &[FMT, CLIPPY, CLIPPY_ALONE];

/// The second command of the README.
pub(crate) const TEST: &[Step] = &[TESTS, DOCTESTS];

/// Fast ones first.
pub(crate) const CI: &[Step] = &[
    FMT,
    TIDY,
    DENY,
    CLIPPY,
    TESTS,
    DOCTESTS,
    LOOM,
    DOC,
    CLIPPY_ALONE,
    FEATURES,
];

fn fmt(context: &Context) -> Result<(), Stop> {
    context::run(context.cargo(&["fmt"]).args(["--all", "--check"]))
}

/// All targets see the features that any member or test turned on.
fn clippy(context: &Context) -> Result<(), Stop> {
    context::run(context.cargo(&["clippy"]).args([
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Each crate by itself, without its tests, so that none leans on a feature that a sibling or a
/// dev-dependency turned on.
fn clippy_alone(context: &Context) -> Result<(), Stop> {
    context::each(context.libraries(), |package| {
        let mut command = context.cargo(&["clippy"]);
        command.args(["--quiet", "-p", &package.name, "--", "-D", "warnings"]);
        context::run(&mut command)
    })
}

/// By cargo-nextest where it is installed; the same tests by `cargo test` where it is not. Then how
/// many recorded exchanges they decoded.
fn tests(context: &Context) -> Result<(), Stop> {
    let mut nextest = context.program("cargo");
    let mut command = if context::succeeds(nextest.args(["nextest", "--version"])) {
        let mut command = context.cargo(&["nextest", "run"]);
        command.args(["--config-file", "xtask/nextest.toml"]);
        command
    } else {
        eprintln!("cargo-nextest is not installed: running the same tests by `cargo test`");
        let mut command = context.cargo(&["test"]);
        command.args(["--lib", "--bins", "--tests", "--examples"]);
        command
    };
    command.args(["--workspace", "--all-features", "--no-fail-fast"]);
    corpus::ask(context, &mut command)?;
    let result = context::run(&mut command);
    corpus::print(context);
    result
}

fn doctests(context: &Context) -> Result<(), Stop> {
    let mut command = context.cargo(&["test"]);
    command.args(["--workspace", "--all-features", "--no-fail-fast", "--doc"]);
    context::run(&mut command)
}

/// Every interleaving of threads at what the layers share, as far as the models go. The whole tree is
/// built for them, in a folder of its own.
fn loom(context: &Context) -> Result<(), Stop> {
    let mut command = context.cargo(&["test"]);
    command.args(["--quiet", "-p", "towline-layers", "--lib"]);
    command.args([
        "--no-default-features",
        "--features",
        "breaker,hedge,limit,retry",
    ]);
    command.env("RUSTFLAGS", "--cfg loom");
    command.env("CARGO_TARGET_DIR", context.target.join("loom"));
    context::run(&mut command)
}

/// The libraries, with all features, because a link into a module that is off is broken. The program
/// `towline` has the name of a library and would overwrite its pages.
fn doc(context: &Context) -> Result<(), Stop> {
    let mut command = context.cargo(&["doc"]);
    command.args(["--workspace", "--lib", "--all-features", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    context::run(&mut command)
}

/// Each feature of each crate alone, and none at all. Only the library: building tests would turn
/// on the features of dev-dependencies, and hide one that the feature forgot.
fn features(context: &Context) -> Result<(), Stop> {
    let crates = context.libraries().filter(|package| package.has_library());
    context::each(crates, |package| {
        let names = package.features.keys().map(String::as_str);
        context::each(std::iter::once("").chain(names), |feature| {
            let mut command = context.cargo(&["clippy"]);
            command.args(["--quiet", "--lib", "-p", &package.name]);
            command.arg("--no-default-features");
            if !feature.is_empty() {
                command.args(["--features", feature]);
            }
            context::run(command.args(["--", "-D", "warnings"]))
        })
    })
}

/// Needs no network once the dependencies are there; all of them, since the tree of every system
/// is looked at.
fn deny(context: &Context) -> Result<(), Stop> {
    let deny = tools::cargo_deny(context)?;
    context::run(&mut context.cargo(&["fetch"]))?;
    let mut command = context.program(deny);
    command.args(["--offline", "check", "bans", "licenses", "sources"]);
    context::run(&mut command)
}
