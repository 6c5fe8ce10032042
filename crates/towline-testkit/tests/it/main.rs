//! The test kit through its face.
#![cfg(test)]

mod client;
mod conformance;
mod mock;
mod serve;
