#![cfg(test)]
//! The transport through its face, over real loopback sockets.
