//! Between the contract and the wire, without I/O.

pub(crate) mod answer;
pub(crate) mod call_id;
pub(crate) mod file;
pub(crate) mod message;
pub(crate) mod reasoning;
pub(crate) mod request;
pub(crate) mod rules;
