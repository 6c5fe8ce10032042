//! Prints `docs/providers.md`: what each provider can do, by the data in its crate.
//!
//! `cargo run -q -p towline --features full --example providers > docs/providers.md`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod page;

fn main() {
    print!("{}", page::page());
}
