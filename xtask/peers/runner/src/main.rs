//! `cargo xtask bench NAME`: the client benchmark, the cost of the layers, and the sizes of a minimal
//! client.

mod build;
mod client;
mod document;
mod layers;
mod rows;
mod size;
mod table;

use std::{error::Error, process::ExitCode};

/// Why a command did not pass.
type Fault = Box<dyn Error>;

const HELP: &str = "\
cargo xtask bench client [--quick] [--only ROW,ROW] [--rounds N] [--place WHERE] [--check] [--built] [--dry]
cargo xtask bench layers [--quick] [--check] [--built] [--dry]
cargo xtask bench size [--check] [--dry]

client  measures Towline beside its rivals against a server on loopback: processor time,
        allocations, instructions (where valgrind is installed) and connections
layers  measures each layer alone and the default stack beside those of tower and tower-resilience
size    builds a client for one provider and tells its crates and its stripped size

--quick         a third of the requests, three rounds: for a look, not for a statement
--only A,B      these rows alone, `dialects` for those of each provider; the base is always measured; docs/BENCHMARKS.md is left alone
--rounds N      how often each row is measured (11)
--place WHERE   client and server on one processor (together, the default), on two (apart),
                or where the system puts them (free)
--check         ends with an error if a hard limit is missed: allocations, instructions, connections
--built         takes the programs as they were last built
--dry           does not write docs/BENCHMARKS.md
";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match given.split_first() {
        Some((name, rest)) if name == "client" => client::run(rest),
        Some((name, rest)) if name == "layers" => layers::run(rest),
        Some((name, rest)) if name == "size" => size::run(rest),
        _ => Err(HELP.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}
