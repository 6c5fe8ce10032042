//! The contract of Towline.
mod completion;
pub mod error;
mod secret;
pub mod task;
pub use self::{completion::Completion, error::{Error, ErrorKind}, secret::Secret};
