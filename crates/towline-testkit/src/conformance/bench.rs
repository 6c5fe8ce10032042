//! What the checks share: a client at a simulator, with the types erased.

use super::Dialect;
use std::{fmt::Debug, future::Future, pin::Pin};
use tower::ServiceExt as _;
use tower_service::Service;
use towline_core::{Completion, Error, ErrorKind, Event, Request, Response, Secret};
use towline_sim::{DEFAULT_MODEL, Reply, Rule, Simulator};

type Local<T> = Pin<Box<dyn Future<Output = T>>>;
type Caller = Box<dyn Fn(Request) -> Local<Result<Response, Error>>>;

/// Makes clients.
pub(super) struct Setup {
    pub(super) dialect: Dialect,
    make: Box<dyn Fn(String, Option<Secret>) -> Local<Caller>>,
}

/// A client and the simulator that it talks to.
pub(super) struct Bench {
    pub(super) sim: Simulator,
    call: Caller,
}

/// What was read of a stream.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) events: Vec<Event>,
    pub(super) end: Result<(), Error>,
}

/// Fails the check unless the condition holds.
macro_rules! hold {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(super) use hold;

// === impl Setup ===

impl Setup {
    pub(super) fn new<F, Fut, S>(dialect: Dialect, make: F) -> Self
    where
        F: Fn(String, Option<Secret>) -> Fut + 'static,
        Fut: Future<Output = S> + 'static,
        S: Service<Request, Response = Response, Error = Error, Future: 'static> + Clone + 'static,
    {
        let make = move |base_url, key| -> Local<Caller> {
            let made = make(base_url, key);
            Box::pin(async move {
                let service = made.await;
                let call = move |request| -> Local<Result<Response, Error>> {
                    Box::pin(service.clone().oneshot(request))
                };
                Box::new(call) as Caller
            })
        };
        Self {
            dialect,
            make: Box::new(make),
        }
    }

    fn base_url(&self, sim: &Simulator) -> String {
        match self.dialect {
            Dialect::OpenAi | Dialect::Responses => sim.base_url(),
            Dialect::Azure | Dialect::Anthropic | Dialect::Ollama => sim.origin(),
        }
    }

    /// A client at a new simulator, without a key.
    pub(super) async fn bench(&self) -> Result<Bench, String> {
        let sim = Simulator::start().await.map_err(unexpected)?;
        let call = (self.make)(self.base_url(&sim), None).await;
        Ok(Bench { sim, call })
    }

    /// A client with `key` at a new simulator that wants it.
    pub(super) async fn bench_with_key(&self, key: &str) -> Result<Bench, String> {
        let sim = Simulator::builder().key(key).start().await;
        let sim = sim.map_err(unexpected)?;
        let call = (self.make)(self.base_url(&sim), Some(Secret::new(key))).await;
        Ok(Bench { sim, call })
    }

    /// A client at an address where nobody listens.
    pub(super) async fn bench_nowhere(&self, key: &str) -> Result<Bench, String> {
        let bench = self.bench_with_key(key).await?;
        bench.sim.shutdown().await;
        Ok(bench)
    }
}

// === impl Bench ===

impl Bench {
    /// Lets the next call meet `rule`.
    pub(super) fn once(&self, rule: Rule) {
        self.sim.on(rule.times(1));
    }

    /// Lets the next call be answered with `reply`.
    pub(super) fn reply_once(&self, reply: Reply) {
        self.once(Rule::any().respond(reply));
    }

    pub(super) async fn call(&self, request: Request) -> Result<Response, Error> {
        (self.call)(request).await
    }

    pub(super) async fn collect(&self, request: Request) -> Result<Completion, Error> {
        self.call(request).await?.collect().await
    }

    /// A whole answer, which has to come.
    pub(super) async fn whole(&self, request: Request) -> Result<Completion, String> {
        self.collect(request).await.map_err(unexpected)
    }

    /// Reads the events of an answer. An error before the head ends it as one inside the body does.
    pub(super) async fn read(&self, request: Request) -> Read {
        let mut events = Vec::new();
        let mut response = match self.call(request).await {
            Ok(response) => response,
            Err(error) => return Read::failed(events, error),
        };
        while let Some(item) = response.body_mut().next().await {
            match item {
                Ok(event) => events.push(event),
                Err(error) => return Read::failed(events, error),
            }
        }
        Read {
            events,
            end: Ok(()),
        }
    }

    /// The error of a call that has to fail.
    pub(super) async fn fails(&self, request: Request) -> Result<Error, String> {
        match self.collect(request).await {
            Ok(answer) => Err(format!("succeeds with {:?}", answer.text())),
            Err(error) => Ok(error),
        }
    }

    /// What the client sent last, as text.
    pub(super) fn last_body(&self) -> String {
        let journal = self.sim.journal();
        let body = journal.last().map(|exchange| exchange.body().clone());
        String::from_utf8_lossy(&body.unwrap_or_default()).into_owned()
    }
}

// === impl Read ===

impl Read {
    const fn failed(events: Vec<Event>, error: Error) -> Self {
        Self {
            events,
            end: Err(error),
        }
    }

    /// The text that was delivered.
    pub(super) fn text(&self) -> String {
        self.events.iter().filter_map(Event::as_text).collect()
    }

    /// How often the answer was declared whole.
    pub(super) fn finishes(&self) -> usize {
        let finish = |event: &&Event| matches!(event, Event::Finish(_));
        self.events.iter().filter(finish).count()
    }

    /// Holds the one contract of all bodies: it ends with its finish or with an error, not both.
    pub(super) fn ends_properly(&self) -> Result<(), String> {
        let last = matches!(self.events.last(), Some(Event::Finish(_)));
        let whole = self.end.is_ok();
        hold!(
            self.finishes() == usize::from(whole) && last == whole,
            "a stream has to end with one finish or with an error: {self:?}"
        );
        Ok(())
    }
}

/// A plain question.
pub(super) fn question() -> Request {
    Request::new(DEFAULT_MODEL, "Say it.")
}

/// The same as a stream.
pub(super) fn streamed() -> Request {
    question().with_stream(true)
}

/// An error that should not have come.
pub(super) fn unexpected(error: impl Debug) -> String {
    format!("fails with {error:?}")
}

/// Fails unless the kind is one of `kinds`.
pub(super) fn hold_kind(error: &Error, kinds: &[ErrorKind]) -> Result<(), String> {
    hold!(
        kinds.contains(&error.kind()),
        "expected one of {kinds:?}, found {error:?}"
    );
    Ok(())
}
