//! The clocks and the gate, without a socket.

use super::Client;
use crate::{BoxFuture, Deployment, Headroom, ServiceTarget, Stack, Target};
use std::{
    future::pending,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, advance, sleep};
use tower::service_fn;
use towline_core::{
    Body, Completion, Context, EmbeddingRequest, EmbeddingResponse, Error, ErrorKind, Event,
    FinishReason, Head, Part, Request, Response,
};

const LIMIT: Duration = Duration::from_secs(60);

// The promises of the client, held by the compiler.
const fn promised<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<Client>();

fn head() -> Head {
    Head::new("test", "model")
}

fn whole(text: &str) -> Body {
    Body::complete(Completion::new(vec![Part::from(text)], FinishReason::Stop))
}

/// Events, each after its pause; then the stream ends.
fn paced(events: Vec<(Duration, Event)>) -> Body {
    let mut events = events.into_iter();
    let mut next = events.next();
    let mut sleep = next.as_ref().map(|(pause, _)| Box::pin(sleep(*pause)));
    Body::stream(PollFn(move |cx: &mut std::task::Context<'_>| {
        let Some(timer) = &mut sleep else {
            return std::task::Poll::Ready(None);
        };
        std::task::ready!(timer.as_mut().poll(cx));
        let event = next.take().map(|(_, event)| Ok(event));
        next = events.next();
        sleep = next
            .as_ref()
            .map(|(pause, _)| Box::pin(tokio::time::sleep(*pause)));
        std::task::Poll::Ready(event)
    }))
}

struct PollFn<F>(F);

impl<F, T> futures_core::Stream for PollFn<F>
where
    F: FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<T>> + Unpin,
{
    type Item = T;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        (self.0)(cx)
    }
}

/// A client whose target answers with what `answer` makes.
fn client<F>(answer: F) -> Client
where
    F: Fn(Request) -> Result<Response, Error> + Clone + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request| {
        let answer = answer(request);
        async move { answer }
    });
    Client::builder(ServiceTarget::new(service))
        .provider("test")
        .model("model")
        .request_timeout(LIMIT)
        .stream_timeout(LIMIT)
        .build()
}

fn silent() -> Client {
    let service = service_fn(|_: Request| pending::<Result<Response, Error>>());
    Client::builder(ServiceTarget::new(service))
        .provider("test")
        .model("model")
        .request_timeout(LIMIT)
        .stream_timeout(LIMIT * 2)
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_ends_in_a_timeout_that_names_the_clock() {
    let client = silent();
    let start = Instant::now();
    let error = client.complete("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.provider(), Some("test"));
    assert_eq!(error.model(), Some("model"));
    assert!(error.to_string().contains("timeouts.request"), "{error}");
    assert_eq!(since(start).as_secs(), LIMIT.as_secs());

    let error = client.stream("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeouts.stream"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_take_long_if_it_never_pauses_for_long() {
    let second = Duration::from_secs(1);
    let client = client(move |_| {
        let mut events = vec![(LIMIT - second, Event::Text("a".into())); 5];
        events.push((LIMIT - second, Event::Finish(FinishReason::Stop)));
        Ok(Response::new(head(), paced(events)))
    });
    let start = Instant::now();
    let answer = client
        .stream("hello")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(answer.text(), "aaaaa");
    assert!(since(start) > LIMIT * 5);
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_a_stream_ends_it_with_what_had_arrived() {
    let client = client(move |_| {
        let events = vec![
            (LIMIT / 2, Event::Text("half ".into())),
            (LIMIT * 2, Event::Text("never".into())),
        ];
        Ok(Response::new(head(), paced(events)))
    });
    let start = Instant::now();
    let mut answer = client.stream("hello").await.unwrap();
    assert!(answer.body_mut().next().await.unwrap().is_ok());
    let error = answer.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeouts.stream"), "{error}");
    assert_eq!(error.partial().unwrap().text(), "half ");
    assert_eq!(since(start).as_secs(), (LIMIT + LIMIT / 2).as_secs());
    assert!(
        answer.body_mut().next().await.is_none(),
        "nothing comes after an error"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_not_to_be_streamed_is_bounded_as_a_whole() {
    let client = client(move |_| {
        let events = vec![(LIMIT / 4, Event::Ping); 100];
        Ok(Response::new(head(), paced(events)))
    });
    let start = Instant::now();
    let error = client.complete("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("timeouts.request"), "{error}");
    assert_eq!(since(start).as_secs(), LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_ends_a_call() {
    let client = silent();
    let start = Instant::now();
    let soon = Context::new().with_deadline(start + Duration::from_secs(3));
    let request = Request::new("", "hello").with_context(soon);
    let error = client.complete(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("deadline"), "{error}");
    assert_eq!(since(start).as_secs(), 3);
}

/// Reads a stream that always has an event, one a second, until its error.
async fn read_without_end(mut answer: Response) -> (Error, usize) {
    for number in 0..1000 {
        if let Err(error) = answer.body_mut().next().await.unwrap() {
            return (error, number);
        }
        advance(Duration::from_secs(1)).await;
    }
    panic!("nothing bounds the stream");
}

fn endless(_: Request) -> Result<Response, Error> {
    let events = PollFn(|_: &mut std::task::Context<'_>| {
        std::task::Poll::Ready(Some(Ok(Event::Text("a".into()))))
    });
    Ok(Response::new(head(), Body::stream(events)))
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_a_stream_that_always_has_an_event() {
    let deadline = Instant::now() + Duration::from_secs(3);
    let soon = Context::new().with_deadline(deadline);
    let request = Request::new("", "hello").with_context(soon);
    let answer = client(endless).stream(request).await.unwrap();
    let (error, read) = read_without_end(answer).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("deadline"), "{error}");
    assert_eq!(error.partial().unwrap().text(), "aaa");
    assert_eq!((read, Instant::now()), (3, deadline));
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_call_bounds_a_server_that_streams_unasked() {
    let start = Instant::now();
    let request = Request::new("", "hello").with_stream(false);
    let answer = client(endless).call(request).await.unwrap();
    let (error, _) = read_without_end(answer).await;
    assert!(error.to_string().contains("timeouts.request"), "{error}");
    assert_eq!(since(start), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_end_is_there_with_the_deadline_is_whole() {
    let client = client(|_| {
        let events = vec![
            (Duration::ZERO, Event::Text("all".into())),
            (LIMIT, Event::Finish(FinishReason::Stop)),
        ];
        Ok(Response::new(head(), paced(events)))
    });
    let in_time = Context::new().with_deadline(Instant::now() + LIMIT);
    let request = Request::new("", "hello").with_context(in_time);
    assert_eq!(client.complete(request).await.unwrap().text(), "all");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_sends_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let client = client(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(head(), whole("hi")))
    });
    let late = Context::new().with_deadline(Instant::now());
    let error = client
        .complete(Request::new("", "hello").with_context(late))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_configured_model_is_asked_where_none_is_named() {
    let client = client(|request| {
        let model = request.model().to_owned();
        Ok(Response::new(
            Head::new("test", model.clone()),
            whole(&model),
        ))
    });
    assert_eq!(client.complete("hello").await.unwrap().text(), "model");
    let named = Request::new("other", "hello");
    assert_eq!(client.complete(named).await.unwrap().text(), "other");
}

#[tokio::test]
async fn complete_and_stream_ask_for_what_they_are_called() {
    let client = client(|request| {
        let streamed = request.stream().to_string();
        Ok(Response::new(head(), whole(&streamed)))
    });
    let request = Request::new("", "hello").with_stream(true);
    assert_eq!(client.complete(request).await.unwrap().text(), "false");
    let answer = client
        .stream("hello")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(answer.text(), "true");
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_calls_and_then_refuses() {
    let service = service_fn(|_: Request| async {
        sleep(Duration::from_secs(5)).await;
        Ok::<_, Error>(Response::new(head(), whole("late")))
    });
    let client = Client::from_service(service);
    let running = client.clone();
    let running = towline_core::task::spawn(async move { running.complete("hello").await });
    // Let the call begin.
    tokio::task::yield_now().await;

    let start = Instant::now();
    client.close().await.unwrap();
    assert_eq!(since(start).as_secs(), 5);
    assert_eq!(running.await.unwrap().unwrap().text(), "late");

    let error = client.complete("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(client.is_closed());
    client.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_a_stream_until_its_end_or_its_drop() {
    let client = client(|_| {
        let events = vec![
            (Duration::from_secs(1), Event::Text("a".into())),
            (Duration::from_secs(1), Event::Finish(FinishReason::Stop)),
        ];
        Ok(Response::new(head(), paced(events)))
    });
    let mut first = client.stream("hello").await.unwrap();
    let second = client.stream("hello").await.unwrap();
    let mut closing = pin!(client.close());
    assert!(is_pending(closing.as_mut()).await);

    while first.body_mut().next().await.is_some() {}
    assert!(is_pending(closing.as_mut()).await, "one stream still lives");
    drop(second);
    closing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_gives_up_at_its_deadline_and_says_what_is_left() {
    let client = client(|_| {
        let events = vec![
            (Duration::ZERO, Event::Text("on".into())),
            (LIMIT, Event::Ping),
        ];
        Ok(Response::new(head(), paced(events)))
    });
    let _held = client.stream("hello").await.unwrap();
    let start = Instant::now();
    let error = client.close().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("1 calls"), "{error}");
    assert_eq!(since(start).as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_lets_the_client_close() {
    let client = silent();
    {
        let mut call = pin!(client.complete("hello"));
        assert!(is_pending(call.as_mut()).await);
    }
    let start = Instant::now();
    client.close().await.unwrap();
    assert_eq!(since(start), Duration::ZERO);
}

#[tokio::test]
async fn an_error_that_names_its_provider_keeps_it() {
    let client = client(|_| Err(Error::new(ErrorKind::Server).with_provider("inner")));
    let error = client.complete("hello").await.unwrap_err();
    assert_eq!(error.provider(), Some("inner"));
    assert_eq!(error.model(), Some("model"));
}

#[tokio::test]
async fn a_service_alone_neither_embeds_nor_lists() {
    let client = client(|_| Ok(Response::new(head(), whole("hi"))));
    let error = client.embed(["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("EMBEDDING_MODEL"), "{error}");
    assert_eq!(
        client.models().await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let validation = client.validate().await.unwrap();
    assert!(!validation.is_verified());
    assert!(
        validation.to_string().contains("could not be verified"),
        "{validation}"
    );
}

#[tokio::test]
async fn window_and_reserve_come_from_the_settings_or_the_name() {
    let builder = || {
        let service = service_fn(|_: Request| pending::<Result<Response, Error>>());
        Client::builder(ServiceTarget::new(service))
    };
    let known = builder().provider("openai").model("gpt-4o").build();
    assert_eq!(
        (known.context_window(), known.reserve_completion()),
        (128_000, 4_096)
    );
    let set = builder()
        .vendor("ollama")
        .model("llama2")
        .context_window(8_192)
        .build();
    assert_eq!(
        (set.context_window(), set.reserve_completion()),
        (8_192, 4_096)
    );
    assert_eq!(set.context_budget(Headroom::None), 4_096);
    let spent = builder().vendor("ollama").model("llama2").build();
    assert_eq!(spent.context_budget(Headroom::None), 0);
}

#[tokio::test]
async fn a_client_is_a_service_for_other_layers() {
    use tower::ServiceExt as _;
    let inner = client(|_| Ok(Response::new(head(), whole("hi"))));
    let outer = Client::from_service(inner.clone().map_request(|request: Request| request));
    assert_eq!(outer.complete("hello").await.unwrap().text(), "hi");
    inner.close().await.unwrap();
    assert_eq!(
        outer.complete("hello").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

fn since(start: Instant) -> Duration {
    Instant::now().saturating_duration_since(start)
}

/// Polls once.
async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    advance(Duration::ZERO).await;
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// Says nothing, whatever it is asked.
#[derive(Debug)]
struct Mute;

impl Target for Mute {
    fn call(&self, _request: Request) -> BoxFuture<'static, Result<Response, Error>> {
        Box::pin(pending())
    }

    fn embed(
        &self,
        _request: EmbeddingRequest,
    ) -> BoxFuture<'static, Result<EmbeddingResponse, Error>> {
        Box::pin(pending())
    }
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_client_hold_for_every_deployment_of_its_stack() {
    let deployment = |name| Deployment::new(name, Mute);
    let stack = Stack::new(deployment("a")).fallback(deployment("b"));
    let client = stack.client().model("model");
    let client = client.request_timeout(LIMIT).stream_timeout(LIMIT * 2);
    let client = client.build();
    let start = Instant::now();
    let error = client.complete("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(since(start), LIMIT * 2, "each has its limit: {error}");
    let start = Instant::now();
    let error = client.stream("hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(since(start), LIMIT * 4, "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_client_holds_for_its_embedding_model() {
    let client = Client::builder(Mute).embedding(Mute, "vectors");
    let client = client.request_timeout(LIMIT).build();
    let start = Instant::now();
    let error = client.embed(["hello"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(since(start), LIMIT, "{error}");
}
