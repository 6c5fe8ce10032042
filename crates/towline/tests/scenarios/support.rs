//! Clients of simulators and of models that a test writes, and the table.

use futures_core::Stream;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};
use towline::{BoxFuture, Client, Provider, Registry, Target};
use towline_config::{Loader, ProviderSettings, Settings};
use towline_core::{
    Attempt, Body, Completion, Error, ErrorKind, Event, FinishReason, Head, Journey, Outcome, Part,
    Request, Response, Step, Usage,
};
use towline_sim::Simulator;

/// The names of the providers, in their order.
const NAMES: [&str; 4] = ["first", "second", "third", "fourth"];

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// One row of the table.
pub(crate) fn row(scenario: &str, expected: &str, measured: impl fmt::Display) {
    println!("{scenario:>6} | {expected} | {measured}");
}

/// Settings of providers of one vendor at these addresses, the first of them selected.
pub(crate) fn settings(vendor: &str, addresses: &[String], more: &[&str]) -> Settings {
    let mut loader = Loader::new().set("towline.llm.model=first");
    for (name, address) in NAMES.iter().zip(addresses) {
        let section = format!("towline.providers.{name}");
        loader = loader
            .set(format!("{section}.provider={vendor}"))
            .set(format!("{section}.model=sim-chat"))
            .set(format!("{section}.api_key=planted"))
            .set(format!("{section}.base_url={address}"));
    }
    let loader = more
        .iter()
        .fold(loader, |loader, set| loader.set(format!("towline.{set}")));
    loader.load().unwrap()
}

pub(crate) async fn client_at(addresses: &[String], more: &[&str]) -> Client {
    let settings = settings("openai", addresses, more);
    towline::connect(&settings).await.unwrap()
}

/// A client of simulators.
pub(crate) async fn client(sims: &[&Simulator], more: &[&str]) -> Client {
    let addresses: Vec<String> = sims.iter().map(|sim| sim.base_url()).collect();
    client_at(&addresses, more).await
}

/// Waits for something that nothing tells of.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Reads a streamed answer: its text, and how it failed if it did.
pub(crate) async fn read(client: &Client, request: Request) -> (String, Option<Error>) {
    let mut text = String::new();
    let mut answer = match client.call(request.with_stream(true)).await {
        Ok(answer) => answer,
        Err(error) => return (text, Some(error)),
    };
    while let Some(event) = answer.body_mut().next().await {
        match event {
            Ok(event) => text.push_str(event.as_text().unwrap_or_default()),
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}

pub(crate) fn question() -> Request {
    Request::new("", "Hi")
}

pub(crate) fn attempts(journey: &Journey) -> Vec<Attempt> {
    let steps = journey.steps().into_iter();
    let attempts = steps.filter_map(|step| match step {
        Step::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    attempts.collect()
}

pub(crate) fn is_running(attempt: &Attempt) -> bool {
    attempt.outcome() == Outcome::Running
}

pub(crate) fn since(start: Instant) -> Duration {
    Instant::now().saturating_duration_since(start)
}

// === Models ===

type Answering = dyn Fn(Request) -> BoxFuture<'static, Result<Response, Error>> + Send + Sync;

/// A provider that a test writes. Clones are one.
#[derive(Clone)]
pub(crate) struct Model {
    answer: Arc<Answering>,
    asked: Arc<Mutex<Vec<Instant>>>,
}

/// The providers of a client, by name.
#[derive(Debug)]
struct Models {
    models: Vec<Model>,
}

/// Events, each after its pause. Then the stream ends, or says nothing for ever.
pub(crate) struct Paced<I> {
    rest: I,
    next: Option<(Pin<Box<Sleep>>, Event)>,
    silent: bool,
}

/// A client of these models, with the settings of the program.
pub(crate) async fn client_of(models: &[&Model], more: &[&str]) -> Client {
    let addresses = vec!["http://localhost:1/v1".to_owned(); models.len()];
    let models = models.iter().copied().cloned().collect();
    let registry = Registry::new().with(Models { models });
    let settings = settings("openai", &addresses, more);
    registry.connect(&settings).await.unwrap()
}

/// A whole answer of ten tokens in and ten out.
pub(crate) fn whole(text: &'static str) -> Response {
    completed(text, Usage::inclusive(10, 10))
}

/// A whole answer that used so many tokens.
pub(crate) fn used(tokens: u64) -> Response {
    completed("a", Usage::inclusive(tokens, 0))
}

fn completed(text: &'static str, usage: Usage) -> Response {
    let completion = Completion::new(vec![Part::from(text)], FinishReason::Stop);
    let completion = completion.with_usage(Some(usage));
    Response::new(Head::new("", "model"), Body::complete(completion))
}

pub(crate) fn failed(kind: ErrorKind) -> Error {
    Error::new(kind)
}

/// An answer that is streamed.
pub(crate) fn streamed<I>(events: I, silent: bool) -> Response
where
    I: Iterator<Item = (Duration, Event)> + Send + Unpin + 'static,
{
    let paced = Paced {
        rest: events,
        next: None,
        silent,
    };
    Response::new(Head::new("", "model"), Body::stream(paced))
}

/// Its first token after `pause`, and its end.
pub(crate) fn after(pause: Duration) -> Response {
    let finish = Event::Finish(FinishReason::Stop);
    let events = [
        (pause, Event::Text("a".into())),
        (Duration::ZERO, Event::Usage(Usage::inclusive(10, 10))),
        (Duration::ZERO, finish),
    ];
    streamed(events.into_iter(), false)
}

impl Model {
    pub(crate) fn new<F, T>(answer: F) -> Self
    where
        F: Fn(Request) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Response, Error>> + Send + 'static,
    {
        Self {
            answer: Arc::new(move |request| Box::pin(answer(request))),
            asked: Arc::default(),
        }
    }

    /// One that always fails, after `pause`.
    pub(crate) fn failing(kind: ErrorKind, pause: Duration) -> Self {
        Self::new(move |_| async move {
            sleep(pause).await;
            Err(failed(kind))
        })
    }

    /// One that always answers, after `pause`.
    pub(crate) fn answering(pause: Duration) -> Self {
        Self::new(move |request| async move {
            if request.stream() {
                return Ok(after(pause));
            }
            sleep(pause).await;
            Ok(whole("a"))
        })
    }

    /// When it was asked.
    pub(crate) fn asked(&self) -> Vec<Instant> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}

impl Target for Model {
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        self.asked.lock().unwrap().push(Instant::now());
        (self.answer)(request)
    }
}

impl Provider for Models {
    fn vendors(&self) -> &[&str] {
        &["openai"]
    }

    fn connect<'a>(
        &'a self,
        settings: &'a ProviderSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, Error>> {
        let at = NAMES
            .iter()
            .position(|name| *name == settings.name())
            .unwrap();
        let model = self.models[at].clone();
        Box::pin(async move { Ok(Arc::new(model) as Arc<dyn Target>) })
    }
}

impl<I> Stream for Paced<I>
where
    I: Iterator<Item = (Duration, Event)> + Unpin,
{
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.next.is_none() {
            let next = this.rest.next();
            this.next = next.map(|(pause, event)| (Box::pin(sleep(pause)), event));
        }
        let Some((timer, _)) = &mut this.next else {
            return if this.silent {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        };
        ready!(timer.as_mut().poll(cx));
        let event = this.next.take().map(|(_, event)| Ok(event));
        Poll::Ready(event)
    }
}
