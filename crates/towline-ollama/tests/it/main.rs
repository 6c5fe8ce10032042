//! The dialect over real HTTP.
#![cfg(test)]

mod conformance;
mod machine;
mod rotation;
mod services;
