//! Between the contract and the wire, without I/O.

pub(crate) mod answer;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod request;
