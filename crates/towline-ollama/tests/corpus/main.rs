//! The dialect against recorded exchanges.
//!
//! The recordings are no part of this tree: see `towline_testkit::corpus`. Each test says on stderr
//! how many cases it ran, and fails when it ran fewer than there are.
#![cfg(test)]

mod classify;
mod damage;
mod decode;
mod encode;
mod select;
mod transfer;
