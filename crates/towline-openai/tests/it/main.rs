//! The dialect over real HTTP.
#![cfg(test)]

mod conformance;
mod rotation;
mod services;
