//! The shapes on the wire. What they do not name is skipped, and nearly every field of an answer
//! may be null, absent or of another type without breaking it.

pub(crate) mod answer;
pub(crate) mod event;
pub(crate) mod model;
pub(crate) mod request;
pub(crate) mod usage;
