#![cfg(test)]
//! The client against the simulator, through real sockets.

mod calls;
mod close;
mod continuation;
mod fixture;
mod page;
mod registry;
mod rotation;
mod stack;
mod validate;
