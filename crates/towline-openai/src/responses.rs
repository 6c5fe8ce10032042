//! The Responses API: items instead of messages, and a typed stream.
//!
//! Nothing is stored at the provider unless asked for with a raw `store`; so that the reasoning of a
//! turn can go back with the next one all the same, it is asked for in encrypted form.

pub(crate) mod answer;
pub(crate) mod decoder;
mod item;
mod message;
pub(crate) mod request;
mod wire;
