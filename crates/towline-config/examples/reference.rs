//! Prints the reference of all settings, `docs/configuration.md`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", towline_config::reference());
}
