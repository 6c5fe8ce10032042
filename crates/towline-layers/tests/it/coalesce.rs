//! One call of equal calls.

mod any_order;
mod streams;
mod threads;

use crate::support::{Handle, Upstream, question, upstream};
use std::{fmt, time::Duration};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Layer, Service, service_fn};
use towline_core::{
    Answer, Clock, CompletionOptions, Context, Conversation, Error, ErrorKind, Image, Journey,
    Message, Priority, Request, RetrySafety, Step, ToolSpec,
};
use towline_layers::coalesce::{Coalesce, CoalesceFuture, CoalesceLayer};

// The promises of the layer, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<CoalesceLayer>();
const _: () = promised::<Coalesce<Upstream>>();

type Call = task::Spawn<CoalesceFuture<<Upstream as Service<Request>>::Future>>;

fn coalesced() -> (Coalesce<Upstream>, Handle) {
    let (model, handle) = upstream();
    (CoalesceLayer::new().layer(model), handle)
}

fn call(service: &Coalesce<Upstream>, request: Request) -> Call {
    task::spawn(service.clone().call(request))
}

fn with(context: Context) -> Request {
    question(false).with_context(context)
}

#[tokio::test(start_paused = true)]
async fn co1_equal_calls_at_one_time_are_one_upstream_call() {
    let (service, mut handle) = coalesced();
    let mut calls: Vec<Call> = (0..20).map(|_| call(&service, question(false))).collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(service.under_way(), 1);
    handle.next().await.reply("one");
    for call in &mut calls {
        let answer = assert_ready!(call.poll()).unwrap();
        assert!(answer.is_whole());
        let answer = answer.collect().await.unwrap();
        assert_eq!(answer.text(), "one");
        assert_eq!(answer.usage().unwrap().total(), Some(20));
    }
    drop(calls);
    assert_eq!((handle.total(), service.under_way()), (1, 0));
    // The flight is over: the next call is one of its own.
    let mut later = call(&service, question(false));
    assert_pending!(later.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn co1_the_order_in_which_options_were_set_is_irrelevant() {
    let tool = |schema: &str| {
        let schema = serde_json::from_str(schema).unwrap();
        ToolSpec::new("look", "Looks.", &schema)
    };
    let one = CompletionOptions::new()
        .with_temperature(0.5)
        .with_tools([tool(r#"{"type": "object", "required": ["x"]}"#)])
        .with_extra("openai", "a", 1.into())
        .with_extra("azure", "b", 2.into());
    let other = CompletionOptions::new()
        .with_extra("azure", "b", 2.into())
        .with_extra("openai", "a", 1.into())
        .with_tools([tool(r#"{"required": ["x"], "type": "object"}"#)])
        .with_temperature(0.5);
    let (service, handle) = coalesced();
    let mut calls =
        [one, other].map(|options| call(&service, question(true).with_options(options)));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn co1_what_differs_anywhere_is_a_call_of_its_own() {
    let options = |options: CompletionOptions| question(false).with_options(options);
    let say = |message: Message| Request::new("model", Conversation::from(message));
    let schema = serde_json::json!({"type": "object"});
    let tool = |name: &'static str| ToolSpec::new(name, "Looks.", &schema);
    let requests = [
        question(false),
        question(true),
        question(false).with_model("other"),
        say(Message::user("questions")),
        say(Message::system("question")),
        say(Message::user("question").with_name("Ann")),
        say(Message::user("question").with_part(Image::url("https://example.com/a.png"))),
        say(Message::user("question").with_part(Image::url("https://example.com/b.png"))),
        options(CompletionOptions::new().with_temperature(0.1)),
        options(CompletionOptions::new().with_temperature(0.2)),
        options(CompletionOptions::new().with_max_tokens(10)),
        options(CompletionOptions::new().with_stop(["."])),
        options(CompletionOptions::new().with_seed(1)),
        options(CompletionOptions::new().with_tools([tool("a")])),
        options(CompletionOptions::new().with_tools([tool("b")])),
        options(CompletionOptions::new().with_extra("openai", "a", 1.into())),
        // Equal to nothing, itself included, and still no trouble.
        options(CompletionOptions::new().with_temperature(f64::NAN)),
        options(CompletionOptions::new().with_temperature(f64::NAN)),
    ];
    let (service, handle) = coalesced();
    let count = requests.len();
    let calls: Vec<_> = requests
        .into_iter()
        .map(|request| call(&service, request))
        .collect();
    assert_eq!((handle.total(), service.under_way()), (count, count));
    drop(calls);
    assert_eq!(service.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn co2_when_the_first_caller_leaves_the_others_go_on() {
    let (service, mut handle) = coalesced();
    let mut first = call(&service, question(false));
    let mut second = call(&service, question(false));
    let mut third = call(&service, question(false));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    drop(first);
    let exchange = handle.next().await;
    assert!(!exchange.is_abandoned(), "two wait");
    drop(second);
    assert!(!exchange.is_abandoned(), "one waits");
    exchange.reply("still");
    assert!(third.is_woken());
    let answer = assert_ready!(third.poll()).unwrap().collect().await;
    assert_eq!(answer.unwrap().text(), "still");
    assert_eq!(handle.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn co2_a_waiter_is_promoted_though_the_first_caller_never_polled() {
    let (service, mut handle) = coalesced();
    let first = call(&service, question(false));
    let mut second = call(&service, question(false));
    drop(first);
    assert_pending!(second.poll());
    handle.next().await.reply("polled");
    assert!(assert_ready!(second.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn co2_who_was_woken_and_leaves_hands_the_turn_on() {
    let (service, mut handle) = coalesced();
    let mut first = call(&service, question(false));
    let mut second = call(&service, question(false));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    handle.next().await.reply("there");
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken());
    assert!(assert_ready!(second.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn co2_the_upstream_call_ends_with_the_last_who_waits() {
    let (service, mut handle) = coalesced();
    let mut calls = [question(false), question(false)].map(|request| call(&service, request));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    let exchange = handle.next().await;
    drop(calls);
    assert!(exchange.is_abandoned());
    drop(exchange);
    assert_eq!((handle.live(), service.under_way()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn co3_tenants_never_share() {
    let (service, handle) = coalesced();
    let tenant = |name: &'static str| Context::new().with_tenant(name);
    let calls: Vec<_> = [
        with(Context::new()),
        with(Context::new()),
        with(tenant("a")),
        with(tenant("a")),
        with(tenant("b")),
        with(tenant("")),
    ]
    .into_iter()
    .map(|request| call(&service, request))
    .collect();
    assert_eq!(
        handle.total(),
        4,
        "nobody, a, b, and the one without a name"
    );
    drop(calls);
}

#[tokio::test(start_paused = true)]
async fn co3_services_of_one_layer_do_not_share() {
    let layer = CoalesceLayer::new();
    let ((one, one_handle), (other, other_handle)) = (upstream(), upstream());
    let (one, other) = (layer.layer(one), layer.layer(other));
    let _calls = (call(&one, question(false)), call(&other, question(false)));
    assert_eq!((one_handle.total(), other_handle.total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_is_in_a_hurry_does_not_join_who_is_not() {
    let (service, handle) = coalesced();
    let urgent = |priority| with(Context::new().with_priority(priority));
    let _background = call(&service, urgent(Priority::Background));
    let _interactive = call(&service, urgent(Priority::Interactive));
    assert_eq!(handle.total(), 2);
    let _normal = call(&service, urgent(Priority::Normal));
    assert_eq!(handle.total(), 2, "it joined the interactive one");
}

#[tokio::test(start_paused = true)]
async fn what_must_be_sent_for_itself_is_passed_through() {
    let (service, mut handle) = coalesced();
    let mut hedge = Context::new();
    hedge.set_hedge(true);
    let mut second = Context::new();
    second.avoid("a");
    let once = Context::new().with_retry(RetrySafety::Once);
    let mut calls: Vec<_> = [&hedge, &hedge, &second, &second, &once, &once]
        .into_iter()
        .map(|context| call(&service, with(context.clone())))
        .collect();
    assert_eq!((handle.total(), service.under_way()), (6, 0));
    for call in &mut calls {
        assert_pending!(call.poll());
        handle.next().await.reply("own");
        assert!(assert_ready!(call.poll()).is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_given_to_each_as_it_was() {
    let (service, mut handle) = coalesced();
    let mut calls = [question(false), question(false)].map(|request| call(&service, request));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    let error = Error::new(ErrorKind::RateLimit)
        .with_message("slow down")
        .with_provider("main")
        .with_status(429)
        .with_code("busy")
        .with_request_id("r1")
        .with_retry_after(Duration::from_secs(3))
        .with_source(std::io::Error::other("cause"))
        .with_others(vec![Error::new(ErrorKind::Auth)]);
    let report = error.report().to_string();
    handle.next().await.answer(Err(error));
    for call in &mut calls {
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::RateLimit);
        assert_eq!(error.report().to_string(), report);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!((error.status(), error.code()), (Some(429), Some("busy")));
        assert_eq!(error.others().len(), 1);
        assert!(error.is_retryable() && error.refused_by().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_waiting_of_its_caller_alone() {
    let (service, mut handle) = coalesced();
    let within = |seconds| {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        with(Context::new().with_deadline(deadline))
    };
    let mut short = call(&service, within(1));
    let mut long = call(&service, within(10));
    assert_pending!(short.poll());
    assert_pending!(long.poll());
    advance(Duration::from_millis(1_001)).await;
    assert!(short.is_woken() && !long.is_woken());
    let error = assert_ready_err!(short.poll());
    assert_eq!(
        (error.kind(), error.clock()),
        (ErrorKind::Timeout, Some(Clock::Total))
    );
    assert!(!error.is_retryable());
    drop(short);
    let exchange = handle.next().await;
    assert_eq!(
        exchange.request.context().deadline(),
        None,
        "it would end the others"
    );
    exchange.reply("late");
    assert!(assert_ready!(long.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_joined_is_told_so_in_his_journey() {
    let (service, mut handle) = coalesced();
    let journeys = [Journey::new(), Journey::new()];
    let mut calls = journeys
        .each_ref()
        .map(|journey| call(&service, with(Context::new().with_journey(journey.clone()))));
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    advance(Duration::from_secs(2)).await;
    handle.next().await.reply("one");
    for call in &mut calls {
        assert!(assert_ready!(call.poll()).is_ok());
    }
    let joined = Step::waited("coalesce", "joined", Duration::from_secs(2));
    assert_eq!(
        journeys.each_ref().map(Journey::steps),
        [vec![], vec![joined]]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_shared_call_fails_those_who_joined() {
    let (fault, fails) = tokio::sync::oneshot::channel::<()>();
    let mut fails = Some(fails);
    let model = service_fn(move |_request: Request| {
        let fails = fails.take().expect("one call");
        async move {
            let _told = fails.await;
            panic!("a fault of the inner service");
        }
    });
    let mut service = CoalesceLayer::new().layer(model);
    let mut first = task::spawn(service.call(question(false)));
    let mut second = task::spawn(service.call(question(false)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(fault);
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| first.poll().is_ready()));
    assert!(polled.is_err());
    assert!(second.is_woken());
    let error = assert_ready_err!(second.poll());
    assert_eq!(error.refused_by(), Some("coalesce"));
    drop((first, second));
    assert_eq!(service.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn x5_coalesce_polls_the_call_once_for_each_time_it_asks() {
    let polls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (answer, answered) = tokio::sync::oneshot::channel::<()>();
    let mut answered = Some(answered);
    let counted = std::sync::Arc::clone(&polls);
    let model = service_fn(move |_request: Request| {
        let mut answered = answered.take().expect("one call");
        let polls = std::sync::Arc::clone(&counted);
        std::future::poll_fn(move |cx| {
            polls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let result = std::task::ready!(std::pin::Pin::new(&mut answered).poll(cx));
            result.expect("the test answers");
            std::task::Poll::Ready(Ok(crate::support::whole("done")))
        })
    });
    let mut service = CoalesceLayer::new().layer(model);
    let mut calls: Vec<_> = (0..100)
        .map(|_| task::spawn(service.call(question(false))))
        .collect();
    for _ in 0..3 {
        for call in &mut calls {
            assert_pending!(call.poll());
            assert!(!call.is_woken(), "nothing wakes itself");
        }
    }
    assert_eq!(polls.load(std::sync::atomic::Ordering::SeqCst), 1);
    answer.send(()).expect("somebody waits");
    assert!(calls.iter().all(|call| call.is_woken()));
    for call in &mut calls {
        assert!(assert_ready!(call.poll()).is_ok());
    }
    assert_eq!(polls.load(std::sync::atomic::Ordering::SeqCst), 2);
}
