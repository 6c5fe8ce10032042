#![cfg(test)]
//! The program itself, with nothing in its environment, against the simulator.

mod chat;
mod commands;
mod fault;
mod program;
mod resilience;
mod secret;
mod signal;
mod terminal;
