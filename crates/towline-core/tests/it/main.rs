//! The contract, seen from outside.
#![cfg(test)]

mod capability;
mod error;
mod promises;
mod secret;
mod task;
