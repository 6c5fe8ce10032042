//! Between the contract and the wire, without I/O.

pub(crate) mod answer;
pub(crate) mod block;
pub(crate) mod count;
pub(crate) mod request;
pub(crate) mod rules;
pub(crate) mod turn;
