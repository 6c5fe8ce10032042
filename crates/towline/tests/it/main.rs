#![cfg(test)]
//! The client against the simulator, through real sockets.

mod calls;
mod close;
mod fixture;
mod registry;
mod validate;
