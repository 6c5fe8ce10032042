//! The contract of Towline: what crates that know nothing of each other hand to each other.
//!
//! A model call is a tower service, after the manner of HTTP where a body may stream:
//!
//! ```text
//! Service<Request, Response = Response, Error = Error>
//! ```
//!
//! Providers implement it, layers wrap it, and both learn about a call from its [`Context`], never
//! from each other's types. Four rules hold everywhere:
//!
//! - An answer ends with its terminal event or with an error. [`Body`] sees to it.
//! - What a call holds, it holds until the end of the body: permits and timers ride in the body as
//!   guards ([`Body::with_guard`]), clocks and counters as a [`Watch`].
//! - `poll_ready` only passes through. Waiting for admission happens in the future of `call`, where
//!   tenant, priority and cost are known.
//! - There is one [`Error`], and one table of what may be tried again ([`ErrorKind`]).
//!
//! # Examples
//!
//! A service that needs no network:
//!
//! ```
//! use towline_core::{Body, Completion, Error, FinishReason, Head, Part, Request, Response};
//! use tower::{ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let echo = service_fn(|request: Request| async move {
//!     let said = request.conversation().messages().last().map(|m| m.text().into_owned());
//!     let parts = said.into_iter().map(Part::from).collect();
//!     let body = Body::complete(Completion::new(parts, FinishReason::Stop));
//!     Ok::<_, Error>(Response::new(Head::new("echo", request.model()), body))
//! });
//! let answer = echo.oneshot(Request::new("any", "Hello?")).await?.collect().await?;
//! assert_eq!(answer.text(), "Hello?");
//! # Ok(())
//! # }
//! ```

mod answer;
mod body;
mod capability;
mod completion;
mod conversation;
mod cost;
mod credential;
mod embedding;
pub mod error;
mod event;
mod finish;
mod journey;
mod limits;
mod message;
mod model;
mod moment;
mod options;
mod picks;
mod prices;
mod question;
mod redact;
mod request;
mod response;
mod secret;
pub mod task;
mod text;
mod tool;
mod usage;

pub use self::{
    answer::Answer,
    body::{Body, Ending, EventStream, Watch},
    capability::{Capabilities, Capability},
    completion::Completion,
    conversation::{Conversation, WireDialect, WireForm},
    cost::{Cost, NoCost},
    credential::{Credential, CredentialSource},
    embedding::{EmbeddingRequest, EmbeddingResponse},
    error::{Clock, Error, ErrorKind},
    event::{Event, ReasoningDelta, Seam, Start, ToolCallDelta},
    finish::FinishReason,
    journey::{Attempt, AttemptId, Journey, Outcome, Step},
    limits::{RateLimit, RateLimits},
    message::{
        CacheHint, File, FileSource, Image, ImageDetail, ImageSource, Message, Part, Reasoning,
        Role,
    },
    model::ModelInfo,
    moment::Moment,
    options::{CompletionOptions, JsonSchema, ReasoningEffort, ResponseFormat},
    picks::Picks,
    prices::Prices,
    redact::{cut, redact, redact_id},
    request::{Context, Metered, Priority, Request, RetrySafety},
    response::{Head, Response},
    secret::Secret,
    text::Text,
    tool::{ToolCall, ToolChoice, ToolResult, ToolSpec},
    usage::Usage,
};
