#![cfg(test)]
//! Everything that goes wrong between a caller and a provider, one test each, with the default stack.
//!
//! What is about a wire has real sockets and the simulator; what is about time has a paused clock and
//! a model of a few lines. Each test prints a row: scenario, what is expected, what was measured.
//! `cargo test -p towline --all-features --test scenarios -- --nocapture` shows the table.

mod admission;
mod awaits;
mod connect;
mod estimate;
mod http2;
mod leave;
mod outage;
mod refused;
mod several;
mod siblings;
mod stall;
mod stream;
mod support;
mod time;
mod window;
