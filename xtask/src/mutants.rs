//! `cargo xtask mutants [PART]...`: does a test fail when the code is wrong?
//!
//! cargo-mutants changes one expression or one function body at a time and runs the tests. A change
//! that no test notices is a survivor, and a fault. Those that change nothing that can be seen are
//! listed in `.cargo/mutants.toml`, each with its reason; `docs/MUTANTS.md` has the figures.
//!
//! Each part is built with no more features than it needs, and runs only the tests that are there to
//! hold it, so that a change costs seconds. It is long all the same, and no step of `ci`.

use crate::{
    context::{self, Context, Stop},
    report,
    steps::Step,
};
use std::{fs, path::Path, process::Command};

/// What is changed together, and which tests have to notice.
#[derive(Clone, Copy)]
struct Run {
    /// The folder of its results, below the target folder.
    name: &'static str,
    package: &'static str,
    /// Globs from the root.
    files: &'static [&'static str],
    /// With commas between; the default features are off.
    features: &'static str,
    /// What cargo builds and runs: the narrower, the faster.
    targets: &'static [&'static str],
    /// Tests whose path has one of these in it.
    tests: &'static [&'static str],
}

const LIB_AND_IT: &[&str] = &["--lib", "--test=it"];

/// What may be tried again, here and elsewhere, and what speaks against a deployment.
const CLASSIFIER: &[Run] = &[
    Run {
        name: "kinds",
        package: "towline-core",
        files: &[
            "crates/towline-core/src/error.rs",
            "crates/towline-core/src/error/*.rs",
        ],
        features: "",
        targets: &["--test=it"],
        tests: &["error::"],
    },
    Run {
        name: "verdict",
        package: "towline-layers",
        files: &["crates/towline-layers/src/verdict.rs"],
        features: "balance,breaker",
        targets: LIB_AND_IT,
        tests: &["verdict::", "balance::", "breaker::"],
    },
    Run {
        name: "retry",
        package: "towline-layers",
        files: &[
            "crates/towline-layers/src/retry/again.rs",
            "crates/towline-layers/src/retry/policy.rs",
        ],
        features: "retry",
        targets: LIB_AND_IT,
        tests: &["retry::"],
    },
];

const BUDGET: &[Run] = &[Run {
    name: "budget",
    package: "towline-layers",
    files: &["crates/towline-layers/src/budget.rs"],
    features: "retry",
    targets: &["--lib"],
    tests: &["budget::"],
}];

const LIMITER: &[Run] = &[Run {
    name: "limiter",
    package: "towline-layers",
    files: &["crates/towline-layers/src/limit/*.rs"],
    features: "limit",
    targets: LIB_AND_IT,
    tests: &["limit::"],
}];

const BREAKER: &[Run] = &[Run {
    name: "breaker",
    package: "towline-layers",
    files: &["crates/towline-layers/src/breaker/*.rs"],
    features: "breaker",
    targets: LIB_AND_IT,
    tests: &["breaker::"],
}];

const PARTS: &[Step] = &[
    Step {
        name: "classifier",
        run: |context| each(context, CLASSIFIER),
    },
    Step {
        name: "budget",
        run: |context| each(context, BUDGET),
    },
    Step {
        name: "limiter",
        run: |context| each(context, LIMITER),
    },
    Step {
        name: "breaker",
        run: |context| each(context, BREAKER),
    },
];

/// For the tests, at one change. Without one they take a few.
const SECONDS: &str = "60";

/// All mutants of the parts that are named, or of all.
pub(crate) fn run(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    report::run_all(context, &chosen(arguments)?)
}

fn chosen(arguments: &[String]) -> Result<Vec<Step>, Stop> {
    let named = |step: &Step| arguments.iter().any(|name| name == step.name);
    if let Some(name) = arguments
        .iter()
        .find(|name| !PARTS.iter().any(|part| part.name == **name))
    {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        let text = format!("takes {}, but got `{name}`", names.join(", "));
        return Err(Stop::Failed(text));
    }
    let parts = PARTS
        .iter()
        .filter(|part| arguments.is_empty() || named(part));
    Ok(parts.copied().collect())
}

fn each(context: &Context, runs: &[Run]) -> Result<(), Stop> {
    let mut probe = context.program("cargo");
    if !context::succeeds(probe.args(["mutants", "--version"])) {
        return Err(Stop::Missing {
            tool: "cargo-mutants",
            remedy: "`cargo install --locked cargo-mutants@27.1.0`".to_owned(),
        });
    }
    let folder = context.target.join("mutants");
    fs::create_dir_all(&folder)
        .map_err(|error| Stop::Failed(format!("{} cannot be made: {error}", folder.display())))?;
    context::each(runs.iter(), |run| {
        mutate(&mut command(context, run, &folder))
    })
}

fn command(context: &Context, run: &Run, folder: &Path) -> Command {
    let mut command = context.program("cargo");
    command.args(["mutants", "--package", run.package, "--timeout", SECONDS]);
    command.args(["--jobs", "1", "--no-default-features"]);
    if !run.features.is_empty() {
        command.args(["--features", run.features]);
    }
    command.args(run.files.iter().map(|file| format!("--file={file}")));
    // For the build as well as for the tests. Nobody debugs a mutant; and optimising core takes longer
    // than its tests without.
    let quick = [
        "--config=profile.dev.debug=false",
        "--config=profile.dev.package.towline-core.opt-level=0",
    ];
    let for_cargo = run.targets.iter().chain(&quick);
    command.args(for_cargo.map(|word| format!("--cargo-arg={word}")));
    command.arg("--output").arg(folder.join(run.name));
    // The first `--` ends the arguments of cargo-mutants, the second those of `cargo test`.
    command.args(["--", "--"]).args(run.tests);
    // Dependencies are built once for all runs; the same cases each time, so that a survivor stays one.
    command.env("CARGO_TARGET_DIR", folder.join("build"));
    command.env("PROPTEST_RNG_SEED", "1");
    command
}

/// A mutant that hangs the tests is one that they find.
fn mutate(command: &mut Command) -> Result<(), Stop> {
    const TIMEOUTS_ALONE: i32 = 3;
    match command.status() {
        Ok(status) if status.success() || status.code() == Some(TIMEOUTS_ALONE) => Ok(()),
        Ok(status) => Err(Stop::Failed(format!("cargo-mutants ended with {status}"))),
        Err(error) => Err(Stop::Failed(format!(
            "cargo-mutants did not start: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{BREAKER, BUDGET, CLASSIFIER, LIMITER, chosen};
    use crate::context::Context;

    fn names(arguments: &[&str]) -> Option<Vec<&'static str>> {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let parts = chosen(&arguments).ok()?;
        Some(parts.iter().map(|part| part.name).collect())
    }

    #[test]
    fn all_parts_run_unless_some_are_named_and_a_name_that_is_none_is_a_fault() {
        let all = ["classifier", "budget", "limiter", "breaker"];
        assert_eq!(names(&[]).unwrap(), all);
        assert_eq!(
            names(&["breaker", "budget"]).unwrap(),
            ["budget", "breaker"]
        );
        assert_eq!(names(&["budget", "buget"]), None);
    }

    #[test]
    fn the_files_of_each_run_are_there() {
        let context = Context::load().expect("the workspace");
        for run in [CLASSIFIER, BUDGET, LIMITER, BREAKER].concat() {
            for file in run.files {
                let path = file.replace("/*.rs", "");
                assert!(context.root.join(&path).exists(), "{path} is gone");
            }
        }
    }
}
