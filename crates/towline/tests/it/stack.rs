//! Stacks that a program composes.

use futures_core::Stream;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::sleep;
use tower::service_fn;
use towline::{
    BoxFuture, Deployment, ServiceTarget, Stack, Target,
    layers::{hedge::HedgePolicy, retry::RetryPolicy},
};
use towline_core::{
    Body, Completion, Cost, EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, Event,
    FinishReason, Head, Part, Prices, Request, Response,
};

/// A deployment that works, or does not, and counts its calls.
#[derive(Clone, Debug)]
struct Model {
    name: &'static str,
    works: bool,
    takes: Duration,
    calls: Arc<AtomicUsize>,
}

/// A stream whose first event is an error.
struct Broken;

impl Stream for Broken {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Err(Error::new(ErrorKind::Server))))
    }
}

impl Model {
    fn new(name: &'static str, works: bool) -> Self {
        Self {
            name,
            works,
            takes: Duration::ZERO,
            calls: Arc::default(),
        }
    }

    const fn taking(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    fn deployment(&self) -> Deployment {
        Deployment::new(self.name, self.clone())
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn answer<T>(&self, answer: T) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (works, takes) = (self.works, self.takes);
        Box::pin(async move {
            sleep(takes).await;
            match works {
                true => Ok(answer),
                false => Err(Error::new(ErrorKind::Server)),
            }
        })
    }
}

impl Target for Model {
    fn call(&self, request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        let text = Part::from(self.name);
        let body = Body::complete(Completion::new(vec![text], FinishReason::Stop));
        self.answer(Response::new(Head::new(self.name, request.model()), body))
    }

    fn embed(
        &self,
        request: EmbeddingRequest,
    ) -> BoxFuture<'static, Result<EmbeddingResponse, Error>> {
        let head = Head::new(self.name, request.model());
        self.answer(EmbeddingResponse::new(head, vec![vec![1.0]], None))
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_the_deployment_that_did_not_fail() {
    for (first, second) in [("east", "west"), ("west", "east")] {
        let (down, up) = (Model::new(first, false), Model::new(second, true));
        let first = down.deployment().retry(RetryPolicy::default());
        let stack = Stack::new(first).beside(up.deployment()).sticky(true);
        let client = stack.client().model("gpt-4o").build();
        for _ in 0..4 {
            let answer = client.complete("Hello?").await.unwrap();
            assert_eq!(answer.text(), up.name);
        }
        assert!(down.calls() <= 4, "one attempt of each call at most");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sole_deployment_is_asked_again_and_for_its_own_model_if_it_has_one() {
    let (down, up) = (Model::new("down", false), Model::new("up", true));
    let policy = RetryPolicy::default();
    let attempts = policy.max_attempts();
    let client = Stack::new(down.deployment().retry(policy)).client();
    let error = client.build().complete("Hello?").await.unwrap_err();
    assert_eq!(error.deployment().map(|name| &**name), Some("down"));
    assert_eq!(down.calls(), usize::try_from(attempts).unwrap());

    let asked = async |deployment: Deployment| {
        let client = Stack::new(deployment).client().model("ours").build();
        let answer = client.complete("Hello?").await.unwrap();
        let vectors = EmbeddingRequest::new("vectors", ["a"]);
        let vectors = client.embed_call(vectors).await.unwrap();
        (answer.model().to_owned(), vectors.head().model().to_owned())
    };
    let of = |question: &str, vectors: &str| (question.to_owned(), vectors.to_owned());
    assert_eq!(asked(up.deployment()).await, of("ours", "vectors"));
    assert_eq!(
        asked(up.deployment().model("theirs")).await,
        of("theirs", "theirs")
    );
}

#[tokio::test]
async fn rt1_a_first_event_that_is_an_error_fails_the_call_to_a_sole_deployment() {
    let down = service_fn(|request: Request| async move {
        let head = Head::new("down", request.model());
        Ok::<_, Error>(Response::new(head, Body::stream(Broken)))
    });
    let deployment = Deployment::new("down", ServiceTarget::new(down));
    let client = Stack::new(deployment).client().build();
    let error = client.stream("Hello?").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
}

#[tokio::test(start_paused = true)]
async fn each_deployment_has_the_prices_of_the_model_that_it_is_asked_for() {
    let dollars = |dollars: u64| Cost::from_picodollars(dollars * 1_000_000_000_000);
    let prices = |input| Prices::new(dollars(input), dollars(0));
    let (down, up) = (Model::new("down", false), Model::new("up", true));
    let asked = async |second: Deployment| {
        let first = down.deployment().prices("ours", prices(1));
        let client = Stack::new(first).fallback(second).client();
        let context = towline_core::Context::new().with_token_estimate(100);
        let request = Request::new("ours", "Hello?").with_context(context);
        let answer = client.build().call(request).await.unwrap();
        answer.head().journey().unwrap().clone()
    };
    let theirs = || up.deployment().model("theirs");
    // A hundred tokens at one and at two dollars a million.
    let journey = asked(theirs().prices("theirs", prices(2))).await;
    assert_eq!(
        (journey.attempts(), journey.cost()),
        (2, Some("0.0003".parse().unwrap()))
    );
    let other = asked(theirs().prices("ours", prices(2))).await;
    assert_eq!(
        (other.attempts(), other.cost()),
        (2, None),
        "nobody says what it costs"
    );
}

#[tokio::test(start_paused = true)]
async fn hg3_vectors_are_not_hedged() {
    let slow = Model::new("slow", true).taking(Duration::from_secs(60));
    let beside = Model::new("beside", true);
    let stack = Stack::new(slow.deployment()).beside(beside.deployment());
    let hedge = HedgePolicy::default().with_delay(Duration::from_secs(1));
    let client = stack.hedge(hedge).client().model("gpt-4o").build();
    let request = EmbeddingRequest::new("vectors", ["a"]);
    client.embed_call(request).await.unwrap();
    assert_eq!((slow.calls(), beside.calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn debug_shows_the_breaker_that_guards_a_sole_deployment() {
    let settings = crate::fixture::settings(
        "http://127.0.0.1:9/v1",
        &["towline.retry.max_attempts=1", "towline.breaker.failures=1"],
    );
    let client = towline::connect(&settings).await.unwrap();
    assert!(format!("{client:?}").contains("opened: 0"));
    client.complete("Hi").await.unwrap_err();
    assert!(format!("{client:?}").contains("opened: 1"), "{client:?}");
}

#[tokio::test(start_paused = true)]
async fn vectors_come_from_no_other_target() {
    let (down, up) = (Model::new("first", false), Model::new("second", true));
    let stack = Stack::new(down.deployment()).fallback(up.deployment().model("other"));
    let client = stack.client().model("gpt-4o").build();
    assert_eq!(client.complete("Hello?").await.unwrap().text(), "second");
    let request = EmbeddingRequest::new("vectors", ["a"]);
    let error = client.embed_call(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(up.calls(), 1, "the question alone");
    client.close().await.unwrap();
}

#[test]
fn a_stack_shows_all_its_layers_in_their_order() {
    let [east, west, other] = ["east", "west", "other"].map(|name| Model::new(name, true));
    let stack = Stack::new(east.deployment())
        .beside(west.deployment())
        .fallback(other.deployment());
    let shown = format!("{stack:?}");
    // From the outside to the inside, as the docs have it, with the deployments of both targets.
    let outside = [
        "Stack { journey: ",
        ", names: ",
        ", drain: ",
        ", guard: ",
        ", total: ",
        ", coalesce: ",
        ", tenants: ",
        ", continuation: ",
        ", fallback: [Target",
    ];
    let target = [" retry: ", " hedge: ", " balance: "];
    let deployment = [
        " breaker: ",
        " slots: ",
        " limit: ",
        " record: ",
        " clocks: ",
        " target: Model",
    ];
    let parts = outside
        .into_iter()
        .chain(target)
        .chain(["\"east\""])
        .chain(deployment)
        .chain(["\"west\""])
        .chain(deployment)
        .chain(target)
        .chain(["\"other\""])
        .chain(deployment);
    let mut rest = shown.as_str();
    for part in parts {
        let found = rest.split_once(part);
        rest = found
            .unwrap_or_else(|| panic!("no {part} in {rest} of {shown}"))
            .1;
    }
}
