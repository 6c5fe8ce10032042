//! Build commands of the workspace: `cargo xtask COMMAND`.
//!
//! A command is a list of steps, or a program of its own. All steps of a command run, also after
//! one failed, and a table at the end says how each came out. A step whose tool is missing is
//! skipped and says how to get the tool; where `CI=true`, that is a failure.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod bench;
mod charts;
mod context;
mod corpus;
mod fuzz;
mod integration;
mod invariants;
mod mutants;
mod report;
mod soak;
mod steps;
mod tidy;
mod tools;

use crate::{
    context::{Context, Stop},
    steps::Step,
};
use std::process::ExitCode;

/// One word after `cargo xtask`.
struct Command {
    name: &'static str,
    about: &'static str,
    run: Run,
}

/// What a command does.
enum Run {
    /// Every step, then the table.
    Steps(&'static [Step]),
    /// A program of its own, with the arguments that follow the command.
    Program(fn(&Context, &[String]) -> Result<(), Stop>),
}

const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        about: "all checks and tests that need nothing but this tree, fast ones first",
        run: Run::Steps(steps::CI),
    },
    Command {
        name: "test",
        about: "all tests, then all examples in the documentation; --list-invariants lists those of \
                the layers",
        run: Run::Program(test),
    },
    Command {
        name: "lint",
        about: "format and clippy: the whole workspace, then each crate with its own features only",
        run: Run::Steps(steps::LINT),
    },
    Command {
        name: "tidy",
        about: "the rules of the house that no compiler holds: edges, layout, manifests, documents",
        run: Run::Steps(&[steps::TIDY]),
    },
    Command {
        name: "doc",
        about: "the documentation, with warnings as errors",
        run: Run::Steps(&[steps::DOC]),
    },
    Command {
        name: "features",
        about: "each feature of each crate alone",
        run: Run::Steps(&[steps::FEATURES]),
    },
    Command {
        name: "deny",
        about: "licences, sources and duplicates of the dependencies",
        run: Run::Steps(&[steps::DENY]),
    },
    Command {
        name: "fuzz-smoke",
        about: "every fuzz target for some seconds; needs a nightly toolchain",
        run: Run::Steps(&[steps::FUZZ_SMOKE]),
    },
    Command {
        name: "integration",
        about: "clients and command line against llama.cpp and aimock; what they send against the APIs' descriptions",
        run: Run::Program(integration::run),
    },
    Command {
        name: "bench",
        about: "a benchmark beside the rivals, in the workspace of xtask/peers; its name follows",
        run: Run::Program(bench::run),
    },
    Command {
        name: "loom",
        about: "every interleaving of threads at limits, budgets, breakers and hedges",
        run: Run::Steps(&[steps::LOOM]),
    },
    Command {
        name: "charts",
        about: "the pictures of docs/resilience.md, from simulations; --check compares them",
        run: Run::Program(charts::run),
    },
    Command {
        name: "mutants",
        about: "does a test fail when the code is wrong: classifier, budget, limiter, breaker; long",
        run: Run::Program(mutants::run),
    },
    Command {
        name: "soak",
        about: "500 streams and every fault through the whole stack, then all at rest; --minutes N",
        run: Run::Program(soak::run),
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = arguments.collect();
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return usage(&name);
    };
    match Context::load().and_then(|context| command.run(&context, &rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("xtask {name}: {stop}");
            ExitCode::FAILURE
        }
    }
}

/// The tests, or the invariants and the tests that hold them.
fn test(context: &Context, arguments: &[String]) -> Result<(), Stop> {
    match arguments {
        [] => report::run_all(context, steps::TEST),
        [flag] if flag == "--list-invariants" => invariants::list(context),
        others => Err(Stop::Failed(format!(
            "takes nothing or --list-invariants, but got `{}`",
            others.join(" ")
        ))),
    }
}

/// Lists the commands. Asking for help is fine, an unknown command is not.
fn usage(name: &str) -> ExitCode {
    println!("usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<12} {}", command.name, command.about);
    }
    if matches!(name, "help" | "--help" | "-h") {
        return ExitCode::SUCCESS;
    }
    eprintln!("\nxtask: there is no command `{name}`");
    ExitCode::from(2)
}

// === impl Command ===

impl Command {
    fn run(&self, context: &Context, arguments: &[String]) -> Result<(), Stop> {
        match self.run {
            Run::Program(program) => program(context, arguments),
            Run::Steps(_) if !arguments.is_empty() => Err(Stop::Failed(format!(
                "takes no argument, but got `{}`",
                arguments.join(" ")
            ))),
            Run::Steps(steps) => report::run_all(context, steps),
        }
    }
}
