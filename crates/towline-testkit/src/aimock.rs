//! One suite for every provider crate against aimock, a server of somebody else's that plays the
//! providers and breaks on demand.
//!
//! `towline-sim` and the recordings are read by the people who wrote the clients; aimock is not. It is
//! the npm package `@copilotkit/aimock`; `cargo xtask integration` starts it with the answers of
//! `xtask/assets/aimock.json` and says by `TOWLINE_AIMOCK_URL` where it is. Without it these tests say on
//! stderr that they were skipped. Whoever writes a provider of their own can start it in the same way.
//!
//! It is a mock: it validates no request, counts no tokens and has no error in the middle of a stream.
//! What a client sends is held by other suites.
//!
//! # Examples
//!
//! A provider crate says how to make its client, and gets one test for each check:
//!
//! ```text
//! fn make(url: &str) -> MyClient { ... }
//!
//! towline_testkit::aimock!(make, Mock::new("gpt-4o"));
//! ```

mod answer;
mod fault;

use crate::setting::{say, setting};
use tower::ServiceExt as _;
use tower_service::Service;
use towline_core::{
    Completion, CompletionOptions, Conversation, Error, Event, Request, Response, ToolSpec,
};

/// What aimock does in a dialect, as far as a check depends on it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Mock {
    /// The model that is asked. aimock gives reasoning only for a model that reasons.
    pub model: &'static str,
    /// Whether it gives the usage that the answers prescribe; Ollama's is always zero.
    pub usage: bool,
    /// Whether it gives reasoning in the form of the dialect.
    pub reasoning: bool,
    /// Whether it keeps the ids of calls that the answers prescribe.
    pub call_ids: bool,
}

/// A client, and what it talks to.
#[derive(Debug)]
pub struct Suite<S> {
    service: S,
    mock: Mock,
}

/// What came of a streamed call.
struct Streamed {
    events: Vec<Event>,
    error: Option<Error>,
}

/// Why a check does not hold.
type Verdict = Result<(), String>;

/// Makes a test of every check of [`Suite`].
///
/// `make` is given the address of aimock without a path, and returns a client of a
/// [`Channel`](towline_transport::Channel); `mock` is a [`Mock`](crate::aimock::Mock). Several in one
/// file go into modules of their own.
#[macro_export]
macro_rules! aimock {
    ($make:expr, $mock:expr) => {
        $crate::aimock!(@tests $make, $mock,
            a_whole_and_a_streamed_answer_say_the_same
            calls_in_parallel_arrive_whole_and_their_results_go_back
            text_and_calls_of_one_turn_keep_their_order
            reasoning_is_told_from_text
            a_slow_answer_is_waited_for
            statuses_are_errors_of_their_kind
            a_rate_limit_has_its_wait
            a_client_is_good_after_a_failure
            a_cut_stream_is_an_error_with_what_had_arrived
            a_connection_that_ends_in_time_is_no_end_of_an_answer
            a_connection_that_closes_without_an_answer_is_an_error
            garbage_under_status_200_is_no_answer
        );
    };
    (@tests $make:expr, $mock:expr, $($check:ident)*) => {
        $(
            #[tokio::test]
            async fn $check() {
                if let Some(url) = $crate::aimock::url() {
                    let suite = $crate::aimock::Suite::new($make(&url), $mock);
                    let found = suite.$check().await;
                    assert_eq!(found, Ok(()));
                }
            }
        )*
    };
}

/// Where aimock is, without a path. `None` where nobody has started it, which is said.
#[must_use]
pub fn url() -> Option<String> {
    let url = setting("TOWLINE_AIMOCK_URL");
    if url.is_none() {
        say("AIMOCK SKIPPED: TOWLINE_AIMOCK_URL is not set; run `cargo xtask integration`");
    }
    url
}

// === impl Mock ===

impl Mock {
    /// One that does everything, asked for `model`.
    #[must_use]
    pub const fn new(model: &'static str) -> Self {
        Self {
            model,
            usage: true,
            reasoning: true,
            call_ids: true,
        }
    }

    /// Without the usage that the answers prescribe.
    #[must_use]
    pub const fn without_usage(mut self) -> Self {
        self.usage = false;
        self
    }

    /// Without reasoning in the form of the dialect.
    #[must_use]
    pub const fn without_reasoning(mut self) -> Self {
        self.reasoning = false;
        self
    }

    /// Without the ids of calls that the answers prescribe.
    #[must_use]
    pub const fn without_call_ids(mut self) -> Self {
        self.call_ids = false;
        self
    }
}

// === impl Suite ===

impl<S> Suite<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// Checks `service`.
    pub const fn new(service: S, mock: Mock) -> Self {
        Self { service, mock }
    }

    fn request(&self, conversation: impl Into<Conversation>) -> Request {
        let schema =
            serde_json::json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let options = CompletionOptions::new()
            .with_max_tokens(100)
            .with_tools([ToolSpec::new("weather", "Tells the weather.", &schema)]);
        Request::new(self.mock.model, conversation).with_options(options)
    }

    async fn whole(&self, conversation: impl Into<Conversation>) -> Result<Completion, Error> {
        let request = self.request(conversation);
        self.service.clone().oneshot(request).await?.collect().await
    }

    /// An error before the first event is one like any other.
    async fn streamed(&self, conversation: impl Into<Conversation>) -> Result<Streamed, Error> {
        let request = self.request(conversation).with_stream(true);
        let mut response = self.service.clone().oneshot(request).await?;
        let mut streamed = Streamed {
            events: Vec::new(),
            error: None,
        };
        while let Some(event) = response.body_mut().next().await {
            match event {
                Ok(event) => streamed.events.push(event),
                Err(error) => streamed.error = Some(error),
            }
        }
        Ok(streamed)
    }

    /// The same as a streamed answer, collected.
    async fn collected(&self, conversation: impl Into<Conversation>) -> Result<Completion, Error> {
        let request = self.request(conversation).with_stream(true);
        self.service.clone().oneshot(request).await?.collect().await
    }

    /// The answer in both ways.
    async fn both(&self, conversation: impl Into<Conversation>) -> Result<[Completion; 2], String> {
        let conversation = conversation.into();
        let whole = self.whole(conversation.clone()).await;
        let whole = whole.map_err(|error| format!("whole: {}", error.report()))?;
        let collected = self.collected(conversation).await;
        let collected = collected.map_err(|error| format!("streamed: {}", error.report()))?;
        Ok([whole, collected])
    }
}

fn hold(condition: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if condition { Ok(()) } else { Err(otherwise()) }
}
