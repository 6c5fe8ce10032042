#![cfg(test)]
//! The transport through its face, over real loopback sockets where a wire is meant, over memory
//! where a clock is.

mod body;
mod cancel;
mod connect;
#[cfg(feature = "http2")]
mod http2;
mod pool;
mod proxy;
mod support;
mod tls;
