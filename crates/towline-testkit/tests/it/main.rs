//! The test kit through its face.
#![cfg(test)]

mod client;
mod mock;
mod serve;
