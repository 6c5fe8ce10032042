//! A model client without a network, which answers from a script.

mod turn;

pub use self::turn::{Step, Turn};

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tower_service::Service;
use towline_core::{Error, ErrorKind, Request, Response};

/// A service that needs no network: it answers each call with the next [`Turn`] of its script and
/// remembers what it was asked.
///
/// Clones share the script and the counters. It is always ready. A call that comes when the script
/// is at its end fails with [`ErrorKind::InvalidRequest`] and says so, unless
/// [`otherwise`](Self::otherwise) is set.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use towline_core::{Error, ErrorKind, Request};
/// use towline_testkit::client::{ScriptedClient, Turn};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// let model = ScriptedClient::new()
///     .then(Turn::error(ErrorKind::Overloaded))
///     .then(Turn::text("Paris.").after(Duration::from_secs(2)));
///
/// let refused = model.clone().oneshot(Request::new("any", "Capital of France?")).await;
/// assert_eq!(refused.map(|_| ()).map_err(|e| e.kind()), Err(ErrorKind::Overloaded));
///
/// let answer = model.clone().oneshot(Request::new("any", "Capital of France?")).await?;
/// assert_eq!(model.live_bodies(), 1);
/// assert_eq!(answer.collect().await?.text(), "Paris.");
/// assert_eq!((model.live_bodies(), model.requests().len()), (0, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ScriptedClient {
    shared: Arc<Shared>,
}

/// The future of a scripted call.
///
/// # Cancel safety
///
/// Dropping it gives up the call; its turn of the script is spent.
pub struct ScriptedFuture {
    inner: Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Script {
    turns: VecDeque<Turn>,
    otherwise: Option<Otherwise>,
    requests: Vec<Request>,
}

type Otherwise = Arc<dyn Fn(&Request) -> Turn + Send + Sync>;

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    live_calls: usize,
    peak_calls: usize,
    live_bodies: usize,
    peak_bodies: usize,
}

/// Counts a call from its start to the end of its body.
struct Ticket {
    shared: Arc<Shared>,
    has_body: bool,
}

// === impl ScriptedClient ===

impl ScriptedClient {
    /// A client with an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a turn to the script.
    #[must_use]
    pub fn then(self, turn: Turn) -> Self {
        self.push(turn);
        self
    }

    /// Sets what answers a call when the script is at its end.
    #[must_use]
    pub fn otherwise(self, answer: impl Fn(&Request) -> Turn + Send + Sync + 'static) -> Self {
        lock(&self.shared.script).otherwise = Some(Arc::new(answer));
        self
    }

    /// Appends a turn to the script while the client is in use.
    pub fn push(&self, turn: Turn) {
        lock(&self.shared.script).turns.push_back(turn);
    }

    /// The requests that came, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.script).requests.clone()
    }

    /// How many turns of the script are left.
    #[must_use]
    pub fn turns_left(&self) -> usize {
        lock(&self.shared.script).turns.len()
    }

    /// Calls whose answer has not ended: no head yet, or a body that still lives.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        lock(&self.shared.tally).live_calls
    }

    /// The most calls that were live at the same time.
    #[must_use]
    pub fn peak_calls(&self) -> usize {
        lock(&self.shared.tally).peak_calls
    }

    /// Bodies that have neither ended nor been dropped.
    #[must_use]
    pub fn live_bodies(&self) -> usize {
        lock(&self.shared.tally).live_bodies
    }

    /// The most bodies that were live at the same time.
    #[must_use]
    pub fn peak_bodies(&self) -> usize {
        lock(&self.shared.tally).peak_bodies
    }

    fn next_turn(&self, request: &Request) -> Turn {
        let (turn, otherwise, call) = {
            let mut script = lock(&self.shared.script);
            script.requests.push(request.clone());
            let turn = script.turns.pop_front();
            (turn, script.otherwise.clone(), script.requests.len())
        };
        // The closure is called without the lock: it may use the client.
        turn.or_else(|| otherwise.map(|answer| answer(request)))
            .unwrap_or_else(|| Turn::error(script_ended(call)))
    }
}

impl Service<Request> for ScriptedClient {
    type Response = Response;
    type Error = Error;
    type Future = ScriptedFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> ScriptedFuture {
        let turn = self.next_turn(&request);
        let ticket = Ticket::new(Arc::clone(&self.shared));
        let answer = async move {
            let response = turn.perform(&request).await?;
            Ok(ticket.ride_in(response))
        };
        ScriptedFuture {
            inner: Box::pin(answer),
        }
    }
}

impl fmt::Debug for ScriptedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedClient")
            .field("turns_left", &self.turns_left())
            .field("requests", &self.requests().len())
            .field("tally", &*lock(&self.shared.tally))
            .finish_non_exhaustive()
    }
}

// === impl ScriptedFuture ===

impl Future for ScriptedFuture {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for ScriptedFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedFuture").finish_non_exhaustive()
    }
}

// === impl Ticket ===

impl Ticket {
    fn new(shared: Arc<Shared>) -> Self {
        {
            let mut tally = lock(&shared.tally);
            tally.live_calls += 1;
            tally.peak_calls = tally.peak_calls.max(tally.live_calls);
        }
        Self {
            shared,
            has_body: false,
        }
    }

    /// Goes on to count the body, until it ends or is dropped.
    fn ride_in(mut self, response: Response) -> Response {
        self.has_body = true;
        {
            let mut tally = lock(&self.shared.tally);
            tally.live_bodies += 1;
            tally.peak_bodies = tally.peak_bodies.max(tally.live_bodies);
        }
        let (head, body) = response.into_parts();
        Response::new(head, body.with_guard(self))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut tally = lock(&self.shared.tally);
        tally.live_calls -= 1;
        tally.live_bodies -= usize::from(self.has_body);
    }
}

fn script_ended(call: usize) -> Error {
    Error::new(ErrorKind::InvalidRequest).with_message(format!(
        "the script of the test is at its end: call {call} was not expected"
    ))
}

/// A test that panicked elsewhere does not make the counters unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
