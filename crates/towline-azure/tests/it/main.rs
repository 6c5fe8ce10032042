//! The dialect as Azure serves it, over real HTTP and without.
#![cfg(test)]

mod conformance;
mod rotation;
mod services;
