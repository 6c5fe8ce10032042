//! What the tests of a Towline stack share.
//!
//! | module | for whom |
//! |---|---|
//! | [`mod@aimock`] | tests of a provider crate: one suite against a mock of somebody else's |
//! | [`client`] | tests of an application or a stack: a model without a network, from a script |
//! | [`mock`] | tests of a layer: `tower_test`'s mock in the error type of a stack |
//! | [`mod@conformance`] | tests of a provider crate: one suite, which each provider runs in one line |
//! | [`corpus`] | tests of a wire dialect: recorded exchanges, every split, every framing |
//! | [`credential`] | tests of a client: a key that changes between two calls |
//! | [`generate`] | tests of a provider crate: requests of every shape |
//! | [`trace`] | tests of a provider crate: no key in what is logged, nor in an error |
//! | [`setting`] | tests that need something prepared from outside, such as a real server |
//!
//! A server to test against, with faults, is in `towline-sim`. This crate is a dev-dependency only.

pub mod aimock;
pub mod client;
pub mod conformance;
pub mod corpus;
pub mod credential;
pub mod generate;
pub mod mock;
pub mod setting;
pub mod trace;
