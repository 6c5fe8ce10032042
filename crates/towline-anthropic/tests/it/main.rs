//! The dialect over HTTP services.
#![cfg(test)]

mod services;
