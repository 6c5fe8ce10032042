//! The contract, seen from outside.
#![cfg(test)]

mod capability;
mod error;
mod journey;
mod promises;
mod question;
mod secret;
mod task;
mod usage;
mod weight;
