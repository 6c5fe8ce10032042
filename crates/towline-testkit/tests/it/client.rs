use std::{fmt, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err, task};
use tower::ServiceExt;
use towline_core::{
    Completion, ErrorKind, Event, FinishReason, Message, Part, Request, Start, Usage,
};
use towline_testkit::client::{ScriptedClient, ScriptedFuture, Step, Turn};

const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<ScriptedClient>();
const fn sent<T: fmt::Debug + Send + 'static>() {}
const _: () = sent::<ScriptedFuture>();
const _: () = sent::<Turn>();

fn request() -> Request {
    Request::new("any", "Hello?")
}

#[tokio::test]
async fn turns_are_taken_in_their_order_and_requests_are_remembered() {
    let model = ScriptedClient::new()
        .then(Turn::text("one").with_request_id("req-1"))
        .then(Turn::text("two"));
    let first = model.clone().oneshot(request()).await.unwrap();
    assert_eq!(first.head().request_id(), Some("req-1"));
    assert_eq!(first.collect().await.unwrap().text(), "one");
    let second = Request::new("other", "And?");
    let second = model.clone().oneshot(second).await.unwrap();
    assert_eq!(second.collect().await.unwrap().text(), "two");

    let models: Vec<_> = model
        .requests()
        .iter()
        .map(|r| r.model().to_owned())
        .collect();
    assert_eq!(models, ["any", "other"]);
    assert_eq!(model.turns_left(), 0);
}

#[tokio::test]
async fn a_call_beyond_the_script_fails_and_says_so() {
    let model = ScriptedClient::new().then(Turn::text("one"));
    let _one = model.clone().oneshot(request()).await.unwrap();
    let error = model.clone().oneshot(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("call 2 was not expected"),
        "{error}"
    );
}

#[tokio::test]
async fn beyond_the_script_a_closure_may_answer_from_the_request() {
    let model = ScriptedClient::new().otherwise(|request| {
        let last = request.conversation().messages().last();
        Turn::text(last.map(|m| m.text().to_uppercase()).unwrap_or_default())
    });
    let answer = model.clone().oneshot(request()).await.unwrap();
    assert_eq!(answer.collect().await.unwrap().text(), "HELLO?");
}

#[tokio::test]
async fn an_answer_comes_whole_or_as_events_as_the_request_asks() {
    let parts = vec![Part::from("Hi."), Part::from("Ho.")];
    let usage = Usage::inclusive(3, 4);
    let completion = Completion::new(parts, FinishReason::Length).with_usage(Some(usage.clone()));
    let model = ScriptedClient::new().otherwise(move |_| Turn::completion(completion.clone()));

    let mut whole = model.clone().oneshot(request()).await.unwrap();
    assert!(whole.body_mut().is_complete());
    let mut streamed = model
        .clone()
        .oneshot(request().with_stream(true))
        .await
        .unwrap();
    assert!(!streamed.body_mut().is_complete());
    let mut events = Vec::new();
    while let Some(event) = streamed.body_mut().next().await {
        events.push(event.unwrap());
    }
    assert_eq!(
        events,
        [
            Event::Start(Start::default()),
            Event::Text("Hi.".into()),
            Event::Text("Ho.".into()),
            Event::Usage(usage),
            Event::Finish(FinishReason::Length),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn steps_pause_on_the_clock_and_break_off_with_their_error() {
    let model = ScriptedClient::new().then(
        Turn::steps([
            Step::Event(Event::Text("a".into())),
            Step::Pause(Duration::from_secs(5)),
            Step::Error(ErrorKind::Overloaded.into()),
        ])
        .after(Duration::from_secs(2)),
    );
    let start = Instant::now();
    let mut answer = model.clone().oneshot(request()).await.unwrap();
    assert_eq!(Instant::now() - start, Duration::from_secs(2));
    let event = answer.body_mut().next().await.unwrap().unwrap();
    assert_eq!(event.as_text(), Some("a"));
    let error = answer.body_mut().next().await.unwrap().unwrap_err();
    assert_eq!(Instant::now() - start, Duration::from_secs(7));
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.partial().unwrap().text(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_stall_lasts_until_the_call_is_dropped() {
    let model = ScriptedClient::new()
        .then(Turn::stall())
        .then(Turn::steps([Step::Event(Event::Ping), Step::Stall]));
    let mut call = task::spawn(model.clone().oneshot(request()));
    assert_pending!(call.poll());
    advance(Duration::from_secs(100_000)).await;
    assert_pending!(call.poll());
    assert_eq!((model.live_calls(), model.live_bodies()), (1, 0));
    drop(call);
    assert_eq!(model.live_calls(), 0);

    let mut answer = model.clone().oneshot(request()).await.unwrap();
    assert_eq!(
        answer.body_mut().next().await.unwrap().unwrap(),
        Event::Ping
    );
    let mut next = task::spawn(answer.body_mut().next());
    assert_pending!(next.poll());
    advance(Duration::from_secs(100_000)).await;
    assert_pending!(next.poll());
    drop(next);
    assert_eq!(model.live_bodies(), 1);
    drop(answer);
    assert_eq!(model.live_bodies(), 0);
}

#[tokio::test]
async fn bodies_are_counted_to_their_end_and_not_to_their_head() {
    let model = ScriptedClient::new().otherwise(|_| Turn::text("x"));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(
            model
                .clone()
                .oneshot(request().with_stream(true))
                .await
                .unwrap(),
        );
    }
    assert_eq!((model.live_bodies(), model.peak_bodies()), (3, 3));
    let last = answers.pop().unwrap();
    assert_eq!(last.collect().await.unwrap().text(), "x");
    assert_eq!(model.live_bodies(), 2);
    drop(answers);
    assert_eq!((model.live_bodies(), model.peak_bodies()), (0, 3));
    assert_eq!((model.live_calls(), model.peak_calls()), (0, 3));
}

#[tokio::test]
async fn events_without_a_finish_are_a_truncated_answer() {
    let model = ScriptedClient::new().then(Turn::events([Event::Text("half".into())]));
    let answer = model.oneshot(request()).await.unwrap();
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "half");
}

#[tokio::test]
async fn a_shared_script_can_be_extended_while_it_runs() {
    let model = ScriptedClient::new();
    let other = model.clone();
    other.push(Turn::error(ErrorKind::Auth));
    let mut call = task::spawn(model.oneshot(request().with_model("m")));
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Auth);
    let asked = other.requests();
    let said = asked.iter().flat_map(|r| r.conversation().messages());
    assert_eq!(said.map(Message::text).collect::<Vec<_>>(), ["Hello?"]);
}
