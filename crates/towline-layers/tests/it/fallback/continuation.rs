//! Going on with an answer that broke off.

mod any_order;
mod paid;
#[cfg(feature = "journey")]
mod record;

use crate::support::{Exchange, Feed, Handle, Upstream, question, upstream};
use std::{fmt, task::Poll, time::Duration};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt};
use towline_core::{
    Capabilities, Capability, Clock, CompletionOptions, Context, Conversation, Error, ErrorKind,
    Event, FinishReason, Journey, Message, ReasoningDelta, ReasoningEffort, Request, Response,
    ResponseFormat, RetrySafety, Role, Start, Step, ToolCallDelta, ToolSpec, Usage,
};
use towline_layers::fallback::{
    Fallback, Target,
    continuation::{Continue, ContinueLayer},
};

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<ContinueLayer<Upstream>>();
const _: () = promised::<Continue<Fallback<Upstream>, Upstream>>();

type Chain = Continue<Fallback<Upstream>, Upstream>;

/// Targets that go on with each other's answers.
fn chain(targets: Vec<Target<Upstream>>) -> Chain {
    let mut rest = targets.clone().into_iter();
    let first = Fallback::new(rest.next().expect("at least one"));
    ContinueLayer::new(targets).layer(rest.fold(first, Fallback::then))
}

fn target(model: &'static str) -> (Target<Upstream>, Handle) {
    let (upstream, handle) = upstream();
    (Target::new(model, upstream).with_model(model), handle)
}

/// Two targets; the second takes a beginning of its turn where `prefill` says so.
fn two(prefill: bool) -> (Chain, Handle, Handle) {
    let ((a, handle_a), (b, handle_b)) = (target("a"), target("b"));
    (chain(vec![a, b.with_prefill(prefill)]), handle_a, handle_b)
}

/// An answer that has begun with `text`.
async fn begun(
    service: &Chain,
    handle: &mut Handle,
    request: Request,
    text: &'static str,
) -> (Response, Feed) {
    let mut call = task::spawn(service.clone().oneshot(request));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text(text);
    (assert_ready!(call.poll()).unwrap(), feed)
}

/// What can be read now, and whether it waits for more.
fn read(answer: &mut Response) -> (Vec<Result<Event, Error>>, bool) {
    let mut items = Vec::new();
    loop {
        match task::spawn(answer.body_mut().next()).poll() {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return (items, false),
            Poll::Pending => return (items, true),
        }
    }
}

fn events(answer: &mut Response) -> Vec<Event> {
    read(answer).0.into_iter().map(Result::unwrap).collect()
}

fn error(answer: &mut Response) -> Error {
    let (mut items, more) = read(answer);
    assert!(!more, "it is over");
    items.pop().unwrap().unwrap_err()
}

/// The seam to `model`.
fn is_seam(event: &Event, model: &str) -> bool {
    matches!(event, Event::Seam(seam) if seam.model() == model && seam.provider() == "upstream")
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_what_was_delivered_stands_then_comes_the_seam_and_the_rest() {
    let (service, mut a, mut b) = two(true);
    let (mut answer, feed) = begun(&service, &mut a, question(true), "The capital").await;
    let text = |text: &'static str| Event::Text(text.into());
    assert_eq!(events(&mut answer), [text("The capital")]);
    feed.fail(ErrorKind::Transport);
    assert_eq!(events(&mut answer), [], "nobody goes on yet");
    assert_eq!(a.live(), 0, "the exchange that broke off is closed");
    let feed = b.next().await.stream();
    feed.send(Event::Start(Start::new("2", "b")));
    feed.text(" is Paris.");
    feed.finish();
    let rest = events(&mut answer);
    assert!(is_seam(&rest[0], "b"), "{rest:?}");
    let finish = Event::Finish(FinishReason::Stop);
    assert_eq!(rest[1..], [text(" is Paris."), finish]);
    assert_eq!((a.total(), b.total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_the_whole_is_one_answer_and_its_usage_the_sum() {
    let (service, mut a, mut b) = two(true);
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = a.next().await.stream();
    feed.send(Event::Start(Start::new("1", "a-2026")));
    feed.send(Event::Usage(Usage::inclusive(10, 1).with_cache_read(4)));
    feed.text("The capital");
    let answer = assert_ready!(call.poll()).unwrap();
    feed.fail(ErrorKind::Overloaded);
    let mut whole = task::spawn(answer.collect());
    assert_pending!(whole.poll());
    let feed = b.next().await.stream();
    feed.send(Event::Start(Start::new("2", "b-2026")));
    feed.send(Event::Usage(Usage::inclusive(14, 0)));
    feed.text(" is Paris.");
    feed.send(Event::Usage(Usage::inclusive(14, 3)));
    feed.finish();
    let whole = assert_ready!(whole.poll()).unwrap();
    assert_eq!(whole.text(), "The capital is Paris.");
    assert_eq!((whole.id(), whole.model()), ("1", "a-2026"), "who began");
    let sum = Usage::inclusive(24, 4).with_cache_read(4);
    assert_eq!(whole.usage(), Some(&sum));
}

/// The conversation with which `request` is gone on with.
async fn asked(prefill: bool, request: Request, delivered: &'static str) -> Vec<(Role, String)> {
    let (service, mut a, mut b) = two(prefill);
    let (mut answer, feed) = begun(&service, &mut a, request, delivered).await;
    feed.fail(ErrorKind::Server);
    let _begun = read(&mut answer);
    let exchange = b.next().await;
    assert_eq!(exchange.request.model(), "b");
    assert!(exchange.request.stream());
    let messages = exchange.request.conversation().messages().iter();
    messages
        .map(|message| (message.role(), message.text().into_owned()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_a_target_that_can_is_given_the_beginning_of_its_turn() {
    let asked = asked(true, question(true), "half an answer \n").await;
    let expected = [
        (Role::User, "question".to_owned()),
        (Role::Assistant, "half an answer".to_owned()),
    ];
    assert_eq!(asked, expected, "without white space at its end");
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_another_target_is_asked_to_go_on() {
    let thinking = CompletionOptions::new().with_reasoning(ReasoningEffort::Low);
    let thinking = question(true).with_options(thinking);
    for (prefill, request) in [(false, question(true)), (true, thinking)] {
        let asked = asked(prefill, request, "half an answer ").await;
        let [_, (Role::Assistant, half), (Role::User, ask)] = &asked[..] else {
            panic!("{asked:?}");
        };
        assert_eq!(half, "half an answer ");
        assert!(ask.contains("Do not repeat"));
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_white_space_that_was_not_sent_is_not_said_twice() {
    for (said, text) in [
        (vec![" there"], "Hello there"),
        (vec!["there"], "Hello there"),
        (vec![" ", " there"], "Hello  there"),
        (vec![" ", "there"], "Hello there"),
    ] {
        let (service, mut a, mut b) = two(true);
        let (answer, feed) = begun(&service, &mut a, question(true), "Hello ").await;
        feed.fail(ErrorKind::Server);
        let mut whole = task::spawn(answer.collect());
        assert_pending!(whole.poll());
        let feed = b.next().await.stream();
        for said in said {
            feed.text(said);
        }
        feed.finish();
        assert_eq!(assert_ready!(whole.poll()).unwrap().text(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_no_reasoning_tool_call_or_refusal_is_gone_on_with() {
    for event in [
        Event::Reasoning(ReasoningDelta::new("hm")),
        Event::ToolCall(ToolCallDelta::new(0, "{").with_id("1").with_name("f")),
        Event::Refusal("I".into()),
    ] {
        let (service, mut a, b) = two(true);
        let (mut answer, feed) = begun(&service, &mut a, question(true), "half").await;
        feed.send(event);
        feed.fail(ErrorKind::Server);
        let error = error(&mut answer);
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.partial().unwrap().text(), "half");
        assert_eq!(b.total(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_only_what_a_second_try_may_mend_is_gone_on_with() {
    let timeout = |clock| Error::new(ErrorKind::Timeout).with_clock(clock);
    let cases = [
        (ErrorKind::Truncated.into(), true),
        (ErrorKind::Transport.into(), true),
        (ErrorKind::Server.into(), true),
        (ErrorKind::Overloaded.into(), true),
        (timeout(Clock::Idle), true),
        (timeout(Clock::Total), false),
        (ErrorKind::ContentFilter.into(), false),
        (ErrorKind::Auth.into(), false),
        (ErrorKind::Cancelled.into(), false),
        (ErrorKind::ToolGeneration.into(), false),
        (
            Error::new(ErrorKind::Truncated).with_refused_by("coalesce"),
            false,
        ),
    ];
    for (error, continued) in cases {
        let (service, mut a, b) = two(true);
        let (mut answer, feed) = begun(&service, &mut a, question(true), "half").await;
        let told = error.to_string();
        feed.break_off(error);
        let (items, more) = read(&mut answer);
        assert_eq!(
            (more, b.total()),
            (continued, usize::from(continued)),
            "{told}"
        );
        assert_eq!(items.last().unwrap().is_err(), !continued, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_what_was_asked_may_forbid_it() {
    let options = |options| question(true).with_options(options);
    let deadline = Context::new().with_deadline(Instant::now() + Duration::from_secs(1));
    let begun_by_caller = Conversation::from("question").with(Message::assistant("The"));
    let requests = [
        options(CompletionOptions::new().with_response_format(ResponseFormat::Json)),
        question(true).with_context(Context::new().with_retry(RetrySafety::Once)),
        question(true).with_conversation(begun_by_caller),
        question(true).with_context(deadline),
    ];
    for request in requests {
        let (service, mut a, b) = two(true);
        let (mut answer, feed) = begun(&service, &mut a, request, "half").await;
        tokio::time::advance(Duration::from_secs(2)).await;
        feed.fail(ErrorKind::Server);
        assert_eq!(error(&mut answer).kind(), ErrorKind::Server);
        assert_eq!(b.total(), 0);
    }
    let (service, mut a, b) = two(true);
    let (mut answer, feed) = begun(&service, &mut a, question(true), " \n").await;
    feed.fail(ErrorKind::Server);
    assert_eq!(
        error(&mut answer).kind(),
        ErrorKind::Server,
        "nothing to go on with"
    );
    assert_eq!(b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_one_more_call_is_made_and_no_third() {
    let (service, mut a, mut b) = two(true);
    let (mut answer, feed) = begun(&service, &mut a, question(true), "one").await;
    feed.fail(ErrorKind::Server);
    let _first = read(&mut answer);
    let feed = b.next().await.stream();
    feed.text(" two");
    feed.fail(ErrorKind::Overloaded);
    let error = error(&mut answer);
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(
        (error.provider(), error.model()),
        (Some("upstream"), Some("b"))
    );
    assert_eq!(error.partial().unwrap().text(), "one two", "of both");
    assert_eq!((a.total(), b.total()), (1, 1));
    assert_eq!((a.live(), b.live()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_where_nobody_can_go_on_the_first_error_stands() {
    let (service, mut a, mut b) = two(true);
    let (mut answer, feed) = begun(&service, &mut a, question(true), "half").await;
    feed.fail(ErrorKind::Truncated);
    let _first = read(&mut answer);
    b.next().await.fail(ErrorKind::InvalidRequest);
    let error = error(&mut answer);
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "half");
    let others: Vec<_> = error.others().iter().map(Error::kind).collect();
    assert_eq!(others, [ErrorKind::InvalidRequest]);
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_the_next_that_can_is_asked_and_the_same_one_last() {
    let tools = Capabilities::of(&[Capability::Tools]);
    let schema = serde_json::json!({"type": "object"});
    let tool = CompletionOptions::new().with_tools([ToolSpec::new("f", "Does.", &schema)]);
    let request = || {
        let context = Context::new().with_token_estimate(90);
        question(true)
            .with_options(tool.clone())
            .with_context(context)
    };
    // Who is there beside the one that breaks off, and who goes on.
    for (others, expected) in [
        (vec!["b", "c", "d"], "d"),
        (vec!["b", "c"], "a"),
        (vec![], "a"),
    ] {
        let (a, mut handle_a) = target("a");
        let mut targets = vec![a];
        let mut handles = Vec::new();
        for name in others {
            let (other, handle) = target(name);
            targets.push(match name {
                "b" => other.with_capabilities(Capabilities::default()),
                "c" => other.with_window(95),
                _ => other.with_capabilities(tools),
            });
            handles.push(handle);
        }
        let service = chain(targets);
        // Room for the question, and not for the answer too.
        let (mut answer, feed) = begun(
            &service,
            &mut handle_a,
            request(),
            "some forty bytes of an answer, delivered",
        )
        .await;
        feed.fail(ErrorKind::Server);
        let _first = read(&mut answer);
        let mut next = handles.iter_mut().chain([&mut handle_a]);
        let next = next.find_map(Handle::try_next).expect("somebody is asked");
        assert_eq!(next.request.model(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_the_target_that_the_fallback_went_on_to_is_known() {
    let ((a, mut handle_a), (b, mut handle_b), (c, mut handle_c)) =
        (target("a"), target("b"), target("c"));
    let service = chain(vec![a, b, c]);
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    handle_a.next().await.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    let feed = handle_b.next().await.stream();
    feed.text("half");
    let mut answer = assert_ready!(call.poll()).unwrap();
    feed.fail(ErrorKind::Server);
    let _first = read(&mut answer);
    assert_eq!(handle_c.next().await.request.model(), "c");
    assert_eq!((handle_a.total(), handle_b.total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_the_journey_says_who_went_on() {
    let (service, mut a, mut b) = two(true);
    let journey = Journey::new();
    let request = question(true).with_context(Context::new().with_journey(journey.clone()));
    let (mut answer, feed) = begun(&service, &mut a, request, "half").await;
    feed.fail(ErrorKind::Server);
    let _first = read(&mut answer);
    Exchange::fail(b.next().await, ErrorKind::Server);
    let moved = Step::Moved {
        layer: "continue",
        from: "a".into(),
        to: "b".into(),
        kind: ErrorKind::Server,
    };
    assert_eq!(journey.steps(), [moved]);
}

#[tokio::test(start_paused = true)]
async fn without_targets_and_for_whole_answers_calls_are_passed_through() {
    let (model, mut handle) = upstream();
    let service = ContinueLayer::<Upstream>::new([]).layer(model);
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle.next().await.stream();
    feed.text("half");
    let mut answer = assert_ready!(call.poll()).unwrap();
    feed.fail(ErrorKind::Server);
    assert_eq!(error(&mut answer).kind(), ErrorKind::Server);

    let (service, mut a, _b) = two(true);
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    a.next().await.reply("whole");
    assert!(assert_ready!(call.poll()).unwrap().body().is_complete());
}
