use super::{Body, Ending, Watch};
use crate::{
    Completion, Error, ErrorKind, Event, FinishReason, Moment, Part, Start, ToolCallDelta, Usage,
};
use futures_core::Stream;
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

/// A stream of prepared items.
struct Script(VecDeque<Result<Event, Error>>);

impl Stream for Script {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// One event, then silence. Holds something as an open exchange would.
struct ThenSilence(Option<Event>, #[expect(dead_code, reason = "held")] Arc<()>);

impl Stream for ThenSilence {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.take() {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None => Poll::Pending,
        }
    }
}

/// A stream that never says anything.
struct Silence;

impl Stream for Silence {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

fn script(items: impl IntoIterator<Item = Result<Event, Error>>) -> Body {
    Body::stream(Script(items.into_iter().collect()))
}

fn text(text: &'static str) -> Result<Event, Error> {
    Ok(Event::Text(text.into()))
}

fn call(index: usize, id: &'static str, arguments: &'static str) -> Result<Event, Error> {
    let delta = ToolCallDelta::new(index, arguments);
    let delta = if id.is_empty() {
        delta
    } else {
        delta.with_id(id).with_name("f")
    };
    Ok(Event::ToolCall(delta))
}

fn finish() -> Result<Event, Error> {
    Ok(Event::Finish(FinishReason::Stop))
}

#[tokio::test]
async fn a_stream_collects_to_the_answer_it_spells() {
    let body = script([
        Ok(Event::Start(Start::new("id", "m"))),
        text("Par"),
        Ok(Event::Ping),
        text("is."),
        call(0, "a", "{\"x\""),
        call(1, "b", "{"),
        call(0, "", ":1}"),
        call(1, "", "}"),
        Ok(Event::Usage(Usage::inclusive(1, 1))),
        Ok(Event::Usage(Usage::inclusive(3, 2))),
        Ok(Event::Finish(FinishReason::ToolCalls)),
    ]);
    let completion = body.collect().await.unwrap();
    assert_eq!((completion.id(), completion.model()), ("id", "m"));
    assert_eq!(completion.text(), "Paris.");
    let calls: Vec<_> = completion
        .tool_calls()
        .map(|c| (c.id(), c.arguments()))
        .collect();
    assert_eq!(calls, [("a", "{\"x\":1}"), ("b", "{}")]);
    assert_eq!(
        completion.usage().unwrap().total(),
        Some(5),
        "the last usage counts"
    );
}

#[tokio::test]
async fn a_stream_without_its_terminal_event_is_an_error_that_holds_what_arrived() {
    for collected in [false, true] {
        let mut body = script([text("half"), text(" of it")]);
        let error = if collected {
            body.collect().await.unwrap_err()
        } else {
            assert!(body.next().await.unwrap().is_ok() && body.next().await.unwrap().is_ok());
            let error = body.next().await.unwrap().unwrap_err();
            assert!(body.next().await.is_none());
            error
        };
        assert_eq!(error.kind(), ErrorKind::Truncated);
        assert_eq!(error.partial().unwrap().text(), "half of it");
        assert!(
            !error.is_retryable(),
            "a second answer would repeat the first half"
        );
    }
}

#[tokio::test]
async fn an_error_before_the_first_piece_may_be_tried_again() {
    let error = script([Err(ErrorKind::Overloaded.into())])
        .collect()
        .await
        .unwrap_err();
    assert!(error.is_retryable() && error.partial().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_comes_after_the_terminal_event() {
    let mut body = script([finish(), text("late")]);
    assert_eq!(body.next().await.unwrap().unwrap(), finish().unwrap());
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_complete_answer_reads_as_the_events_that_spell_it() {
    let parts = vec![Part::from("Hi."), Part::Refusal("No.".into())];
    let completion = Completion::new(parts, FinishReason::Stop)
        .with_id("id")
        .with_usage(Some(Usage::inclusive(1, 2)));
    let body = Body::complete(completion.clone());
    assert!(body.is_complete());
    let streamed = body.map_stream(|body| body);
    assert!(!streamed.is_complete());
    assert_eq!(streamed.collect().await.unwrap(), completion);
}

#[tokio::test]
async fn a_mapped_body_holds_what_arrived_before_and_after() {
    let mut body = script([text("half"), text(" of it")]);
    body.next().await.unwrap().unwrap();
    let error = body.map_stream(|body| body).collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "half of it");
}

/// What a cache or a check of the whole answer does: collect inside, pass on.
struct Whole(Option<Pin<Box<dyn Future<Output = Result<Completion, Error>> + Send>>>);

impl Stream for Whole {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(whole) = &mut self.0 else {
            return Poll::Ready(Some(finish()));
        };
        let whole = std::task::ready!(whole.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(
            whole.map(|whole| Event::Text(whole.text().into_owned().into())),
        ))
    }
}

#[tokio::test]
async fn a_layer_may_collect_the_body_it_wraps() {
    let mut body = script([text("one "), text("two"), finish()]);
    body.next().await.unwrap().unwrap();
    let outer = body.map_stream(|body| Whole(Some(Box::pin(body.collect()))));
    // The outer body had delivered `one ` before; the layer then tells the whole again.
    assert_eq!(outer.collect().await.unwrap().text(), "one one two");
}

#[tokio::test]
async fn a_mapped_answer_that_was_partly_read_is_not_tried_again() {
    let parts = vec![Part::from("Hi."), Part::from("There.")];
    let mut body = Body::complete(Completion::new(parts, FinishReason::Stop));
    while !matches!(body.next().await.unwrap().unwrap(), Event::Text(_)) {}
    let failing = body.map_stream(|_| Script(VecDeque::from([Err(ErrorKind::Overloaded.into())])));
    let error = failing.collect().await.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "Hi.");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn guards_live_to_the_last_event_and_no_longer() {
    let guard = Arc::new(());
    let held = |guard: &Arc<()>| Arc::strong_count(guard) > 1;

    let mut body = script([text("a"), finish()]).with_guard(Arc::clone(&guard));
    body.next().await.unwrap().unwrap();
    assert!(held(&guard), "the answer is still arriving");
    body.next().await.unwrap().unwrap();
    assert!(!held(&guard), "the terminal event was delivered");

    let mut body = script([Err(ErrorKind::Server.into())]).with_guard(Arc::clone(&guard));
    body.next().await.unwrap().unwrap_err();
    assert!(!held(&guard), "the answer failed");

    let body = Body::stream(Silence).with_guard(Arc::clone(&guard));
    let body = body.map_stream(|body| body);
    assert!(held(&guard), "a mapped body keeps its guards");
    drop(body);
    assert!(!held(&guard), "the answer was dropped");

    let complete = Body::complete(Completion::new(Vec::new(), FinishReason::Stop));
    complete
        .with_guard(Arc::clone(&guard))
        .collect()
        .await
        .unwrap();
    assert!(!held(&guard), "the answer was collected");
}

/// Writes down what it sees.
struct Spy {
    seen: Arc<Mutex<Vec<String>>>,
    stop: bool,
}

impl Watch for Spy {
    fn on_event(&mut self, event: &Event, _moment: &Moment) -> Result<(), Error> {
        self.seen.lock().unwrap().push(format!("{event:?}"));
        Ok(())
    }

    fn poll_stop(&mut self, _cx: &mut Context<'_>) -> Poll<Error> {
        if self.stop {
            return Poll::Ready(Error::new(ErrorKind::Timeout));
        }
        Poll::Pending
    }

    fn on_error(&mut self, error: Error) -> Error {
        error.with_provider("spied")
    }

    fn on_end(&mut self, ending: Ending<'_>, usage: Option<&Usage>, _moment: &Moment) {
        let total = usage.and_then(Usage::total);
        let ending = match ending {
            Ending::Whole(reason) => format!("whole: {reason:?}"),
            Ending::Failed(error) => format!("failed: {error}"),
            Ending::Dropped => "dropped".to_owned(),
        };
        self.seen
            .lock()
            .unwrap()
            .push(format!("{ending}, {total:?}"));
    }
}

fn spied(mut body: Body, stop: bool) -> (Body, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let spy = Spy {
        seen: Arc::clone(&seen),
        stop,
    };
    body.watch(spy);
    (body, seen)
}

#[tokio::test]
async fn a_watch_sees_each_event_and_one_end() {
    let usage = Event::Usage(Usage::inclusive(3, 4));
    let events = [
        Event::Text("a".into()),
        usage,
        Event::Finish(FinishReason::Stop),
    ];
    let (body, seen) = spied(script(events.map(Ok)), false);
    body.collect().await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen.last().unwrap(), "whole: Stop, Some(7)");
}

#[tokio::test]
async fn a_watch_that_says_stop_ends_a_silent_stream_after_the_exchange_is_closed() {
    let exchange = Arc::new(());
    let events = ThenSilence(Some(Event::Text("a".into())), Arc::clone(&exchange));
    let (mut body, seen) = spied(Body::stream(events), true);
    assert!(body.next().await.unwrap().is_ok());
    let error = body.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.provider(), Some("spied"));
    assert_eq!(error.partial().unwrap().text(), "a");
    assert_eq!(Arc::strong_count(&exchange), 1, "the exchange is closed");
    assert!(body.next().await.is_none());
    drop(body);
    let ends = seen.lock().unwrap().len();
    assert_eq!(ends, 2, "the end is told once");
}

#[tokio::test]
async fn who_comes_after_the_beginning_sees_what_was_read_ahead() {
    let events = [
        Event::Start(Start::new("1", "m")),
        Event::Usage(Usage::inclusive(3, 0)),
        Event::Text("a".into()),
        Event::Finish(FinishReason::Stop),
    ];
    let mut body = script(events.map(Ok));
    poll_fn(|cx| body.poll_begin(cx)).await.unwrap();
    let (mut body, seen) = spied(body, false);
    assert_eq!(seen.lock().unwrap().len(), 3, "start, usage, text");
    assert!(matches!(body.next().await, Some(Ok(Event::Start(_)))));
    drop(body);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.last().unwrap(), "dropped, Some(3)");
}

#[tokio::test]
async fn a_silence_before_the_first_content_is_kept_as_one_sign_of_life() {
    let pings = (0..1000).map(|_| Ok(Event::Ping));
    let events = pings.chain([Ok(Event::Text("a".into()))]);
    let (mut body, seen) = spied(script(events), false);
    poll_fn(|cx| body.poll_begin(cx)).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 1001, "each is seen");
    assert_eq!(body.next().await.unwrap().unwrap(), Event::Ping);
    assert_eq!(body.next().await.unwrap().unwrap(), Event::Text("a".into()));
}

#[tokio::test]
async fn a_failure_before_the_first_content_is_one_of_the_beginning() {
    let events = [
        Ok(Event::Start(Start::new("1", "m"))),
        Ok(Event::Ping),
        Err(Error::new(ErrorKind::Overloaded)),
    ];
    let (mut body, seen) = spied(script(events), false);
    let error = poll_fn(|cx| body.poll_begin(cx)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(error.is_retryable(), "nothing was delivered");
    assert!(body.next().await.is_none(), "the body has ended");
    assert_eq!(seen.lock().unwrap().len(), 3);
}
