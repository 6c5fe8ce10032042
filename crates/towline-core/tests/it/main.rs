//! The contract, seen from outside.
#![cfg(test)]

mod error;
mod promises;
mod secret;
mod task;
