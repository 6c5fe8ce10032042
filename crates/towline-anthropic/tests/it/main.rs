//! The dialect over HTTP services.
#![cfg(test)]

mod conformance;
mod rotation;
mod services;
