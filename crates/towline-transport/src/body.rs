//! What goes out and what comes back.

mod request;
mod response;

pub use self::{request::RequestBody, response::ResponseBody};
