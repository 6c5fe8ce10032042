//! What goes out and what comes back.

mod collect;
mod request;
mod response;

pub use self::{collect::collect, request::RequestBody, response::ResponseBody};
