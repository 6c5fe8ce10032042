//! One suite for every provider crate: what a dialect has to hold, over real HTTP.
//!
//! The other side is `towline-sim`, which speaks several dialects. A [`Dialect`] says in what a
//! provider cannot do what another does; all else holds for all of them. Each check starts a simulator
//! of its own, so that they run side by side.
//!
//! # Examples
//!
//! A provider crate says how to make its client, and gets one test for each check:
//!
//! ```text
//! async fn make(base_url: String, key: Option<Secret>) -> MyClient { ... }
//!
//! towline_testkit::conformance!(make, OpenAi);
//! ```
//!
//! The client is a `Service<Request, Response = Response, Error = Error>` that is `Clone`. It has to
//! be bare: a retry or a fallback around it would hide what is being tested.

mod answer;
mod bench;
mod damage;
mod disorder;
mod failure;
mod lifetime;
mod request;
mod secret;

use self::bench::Setup;
use std::{future::Future, pin::Pin, time::Duration};
use tower_service::Service;
use towline_core::{Error, Request, Response, Secret};

/// How long a check may take before it counts as hanging. Real time, far above any check's need.
const PATIENCE: Duration = Duration::from_secs(120);

/// The deployment that the suite asks of an Azure client: its requests are for this model.
pub const AZURE_DEPLOYMENT: &str = towline_sim::DEFAULT_MODEL;

/// A check under way.
type Running<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// What a provider speaks, as far as a check depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI chat completions.
    OpenAi,
    /// OpenAI's Responses API.
    Responses,
    /// Either of them as Azure serves it. [`AZURE_DEPLOYMENT`] is the deployment that is asked.
    Azure,
    /// Anthropic messages: a refusal is a finish reason.
    Anthropic,
    /// Ollama's own: answers and calls have no ids, nothing is cached, a refusal is text, files are not
    /// taken.
    Ollama,
}

/// One thing that a provider client has to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// A whole answer: text, finish reason, model, provider.
    Unary,
    /// A streamed answer: the same, in order, with one finish.
    Streamed,
    /// Both again, with every byte in a packet of its own.
    OneByteAtATime,
    /// Tools are offered, several calls come back, their results are sent.
    ToolCalls,
    /// A JSON schema is sent and its answer is read.
    StructuredOutput,
    /// A file goes to the server whole, or is refused before anything is sent.
    Files,
    /// What is sent passes the checks that a provider makes: roles, options, calls with their results,
    /// reasoning that goes back, schemas.
    Accepted,
    /// Reasoning is kept apart from the text.
    Reasoning,
    /// A refusal is kept apart from the text.
    Refusal,
    /// Counts of tokens, cached and reasoning among them.
    Usage,
    /// The provider's id of the call, on success, on failure and when a stream breaks.
    RequestId,
    /// Each error status has its kind, status and wait.
    ErrorStatus,
    /// A body that is no JSON of the dialect, with a good status or a bad one, and an event stream that
    /// is none.
    ForeignBody,
    /// An error inside a stream is an error, whatever follows it.
    InBandError,
    /// A stream that is cut anywhere is truncated, and what arrived is kept.
    Truncation,
    /// A connection that is reset.
    Reset,
    /// Bytes that are no UTF-8.
    BadUtf8,
    /// JSON that does not parse.
    MalformedJson,
    /// A body that is longer or shorter than its head says.
    WrongContentLength,
    /// Events that come twice or in the wrong order.
    DisorderedEvents,
    /// Dropping a call or a body closes the exchange.
    Cancellation,
    /// A failure is reported, not tried again: neither at once nor later.
    NoRetry,
    /// The key is sent, and shows up nowhere else.
    KeyStaysSecret,
}

/// Makes one `#[test]` for each [`Check`] out of `async fn make(String, Option<Secret>) -> Client`.
///
/// The second argument is a variant of [`Dialect`](crate::conformance::Dialect), `OpenAi` where there
/// is none. `make` is given the base URL that clients of the dialect are given: for `OpenAi` and
/// `Responses` it ends in `/v1`, for the others it is the origin alone. See the
/// [module docs](mod@crate::conformance). Several in one file go into modules of their own.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance!($make, OpenAi);
    };
    ($make:expr, $dialect:ident) => {
        $crate::conformance!(@tests $make, $dialect,
            conformance_unary: Unary,
            conformance_streamed: Streamed,
            conformance_one_byte_at_a_time: OneByteAtATime,
            conformance_tool_calls: ToolCalls,
            conformance_structured_output: StructuredOutput,
            conformance_files: Files,
            conformance_accepted: Accepted,
            conformance_reasoning: Reasoning,
            conformance_refusal: Refusal,
            conformance_usage: Usage,
            conformance_request_id: RequestId,
            conformance_error_status: ErrorStatus,
            conformance_foreign_body: ForeignBody,
            conformance_in_band_error: InBandError,
            conformance_truncation: Truncation,
            conformance_reset: Reset,
            conformance_bad_utf8: BadUtf8,
            conformance_malformed_json: MalformedJson,
            conformance_wrong_content_length: WrongContentLength,
            conformance_disordered_events: DisorderedEvents,
            conformance_cancellation: Cancellation,
            conformance_no_retry: NoRetry,
            conformance_key_stays_secret: KeyStaysSecret,
        );
    };
    (@tests $make:expr, $dialect:ident, $($name:ident: $check:ident,)*) => {
        $(
            #[test]
            fn $name() {
                let dialect = $crate::conformance::Dialect::$dialect;
                $crate::conformance::run($crate::conformance::Check::$check, dialect, $make);
            }
        )*

        /// A check that was added to the suite and not to this list would never run.
        #[test]
        fn conformance_runs_every_check() {
            let run = [$($crate::conformance::Check::$check),*];
            assert_eq!(run, $crate::conformance::Check::ALL);
        }
    };
}

/// Runs one check on a runtime of its own.
///
/// # Panics
///
/// When the client does not hold it. The message says what was expected and what was found.
pub fn run<F, Fut, S>(check: Check, dialect: Dialect, make: F)
where
    F: Fn(String, Option<Secret>) -> Fut + 'static,
    Fut: Future<Output = S> + 'static,
    S: Service<Request, Response = Response, Error = Error, Future: 'static> + Clone + 'static,
{
    let setup = Setup::new(dialect, make);
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))
        .and_then(|runtime| {
            runtime.block_on(async {
                let run = tokio::time::timeout(PATIENCE, check.run(&setup));
                run.await
                    .unwrap_or_else(|_| Err(format!("hangs: not done after {PATIENCE:?}")))
            })
        });
    let reason = result.as_ref().err().map_or("", String::as_str);
    assert!(result.is_ok(), "conformance, {check:?}: {reason}");
}

// === impl Dialect ===

impl Dialect {
    /// Whether it is one of OpenAI's, whoever serves it.
    const fn is_openai(self) -> bool {
        matches!(self, Self::OpenAi | Self::Responses | Self::Azure)
    }

    /// The JSON of a failure of the server.
    fn server_error(self) -> serde_json::Value {
        match self {
            Self::OpenAi | Self::Responses | Self::Azure => serde_json::json!({
                "error": {"message": "It broke.", "type": "server_error", "param": null, "code": null},
            }),
            Self::Anthropic => serde_json::json!({
                "type": "error",
                "error": {"type": "api_error", "message": "It broke."},
            }),
            Self::Ollama => serde_json::json!({"error": "internal error: it broke"}),
        }
    }

    /// Whether answers and tool calls have ids of the provider.
    const fn has_ids(self) -> bool {
        !matches!(self, Self::Ollama)
    }

    /// Whether half of the last event is no event. A line of JSON is whole without its line end.
    const fn has_framed_end(self) -> bool {
        !matches!(self, Self::Ollama)
    }
}

// === impl Check ===

impl Check {
    /// Every check.
    pub const ALL: [Self; 23] = [
        Self::Unary,
        Self::Streamed,
        Self::OneByteAtATime,
        Self::ToolCalls,
        Self::StructuredOutput,
        Self::Files,
        Self::Accepted,
        Self::Reasoning,
        Self::Refusal,
        Self::Usage,
        Self::RequestId,
        Self::ErrorStatus,
        Self::ForeignBody,
        Self::InBandError,
        Self::Truncation,
        Self::Reset,
        Self::BadUtf8,
        Self::MalformedJson,
        Self::WrongContentLength,
        Self::DisorderedEvents,
        Self::Cancellation,
        Self::NoRetry,
        Self::KeyStaysSecret,
    ];

    fn run(self, setup: &Setup) -> Running<'_> {
        match self {
            Self::Unary => Box::pin(answer::unary(setup)),
            Self::Streamed => Box::pin(answer::streamed(setup)),
            Self::OneByteAtATime => Box::pin(answer::one_byte_at_a_time(setup)),
            Self::ToolCalls => Box::pin(answer::tool_calls(setup)),
            Self::StructuredOutput => Box::pin(answer::structured_output(setup)),
            Self::Files => Box::pin(request::files(setup)),
            Self::Accepted => Box::pin(request::accepted(setup)),
            Self::Reasoning => Box::pin(answer::reasoning(setup)),
            Self::Refusal => Box::pin(answer::refusal(setup)),
            Self::Usage => Box::pin(answer::usage(setup)),
            Self::RequestId => Box::pin(answer::request_id(setup)),
            Self::ErrorStatus => Box::pin(failure::error_status(setup)),
            Self::ForeignBody => Box::pin(failure::foreign_body(setup)),
            Self::InBandError => Box::pin(failure::in_band_error(setup)),
            Self::Truncation => Box::pin(damage::truncation(setup)),
            Self::Reset => Box::pin(damage::reset(setup)),
            Self::BadUtf8 => Box::pin(damage::bad_utf8(setup)),
            Self::MalformedJson => Box::pin(damage::malformed_json(setup)),
            Self::WrongContentLength => Box::pin(damage::wrong_content_length(setup)),
            Self::DisorderedEvents => Box::pin(disorder::disordered_events(setup)),
            Self::Cancellation => Box::pin(lifetime::cancellation(setup)),
            Self::NoRetry => Box::pin(lifetime::no_retry(setup)),
            Self::KeyStaysSecret => Box::pin(secret::key_stays_secret(setup)),
        }
    }
}
