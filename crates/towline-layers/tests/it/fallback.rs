//! Other targets.

mod continuation;
mod first;
mod turn;
mod ways;

use crate::support::{Exchange, Handle, Upstream, paused, question, upstream};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use std::{fmt, time::Duration};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, task};
use tower::{Service, ServiceExt};
use towline_core::{
    Answer, Capabilities, Capability, Clock, CompletionOptions, Error, ErrorKind, Journey, Request,
    RetrySafety, Step, ToolSpec, error::Elsewhere,
};
use towline_layers::fallback::{Fallback, Target};

// The promises of the service, held by the compiler.
const fn promised<T: Clone + fmt::Debug + Send + Sync + 'static>() {}
const _: () = promised::<Fallback<Upstream>>();

/// Targets `a`, `b`, `c` ... with models of these names.
fn targets<const N: usize>() -> (Fallback<Upstream>, [Handle; N]) {
    let mut handles = Vec::new();
    let mut fallback: Option<Fallback<Upstream>> = None;
    for name in ["a", "b", "c", "d"].into_iter().take(N) {
        let (model, handle) = upstream();
        handles.push(handle);
        let target = Target::new(name, model).with_model(name);
        fallback = Some(match fallback {
            None => Fallback::new(target),
            Some(fallback) => fallback.then(target),
        });
    }
    let handles = handles.try_into().expect("as many as asked for");
    (fallback.expect("at least one"), handles)
}

fn recorded() -> (Request, Journey) {
    let journey = Journey::new();
    let mut request = question(true);
    request.context_mut().set_journey(journey.clone());
    (request, journey)
}

fn moves(journey: &Journey) -> Vec<(String, String)> {
    let steps = journey.steps().into_iter();
    let moves = steps.filter_map(|step| match step {
        Step::Moved { from, to, .. } => Some((from.to_string(), to.to_string())),
        _ => None,
    });
    moves.collect()
}

#[tokio::test(start_paused = true)]
async fn fb1_targets_are_asked_in_order_and_once() {
    let (service, [mut a, mut b, mut c]) = targets();
    let (request, journey) = recorded();
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    a.next().await.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    b.next().await.fail(ErrorKind::RateLimit);
    assert_pending!(call.poll());
    c.next().await.fail(ErrorKind::Overloaded);
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!((a.total(), b.total(), c.total()), (1, 1, 1));
    assert_eq!(
        moves(&journey),
        [("a".into(), "b".into()), ("b".into(), "c".into())]
    );
}

proptest! {
    /// Over every kind of error: who is asked follows the table of core.
    #[test]
    fn fb1_who_is_asked_follows_the_table(kinds in proptest::collection::vec(0..ErrorKind::ALL.len(), 3)) {
        let kinds: Vec<_> = kinds.into_iter().filter_map(|at| ErrorKind::ALL.get(at).copied()).collect();
        paused().block_on(async {
            let (service, mut handles) = targets::<3>();
            let mut call = task::spawn(service.oneshot(question(true)));
            let mut asked = 0;
            for (handle, kind) in handles.iter_mut().zip(&kinds) {
                if call.poll().is_ready() { break; }
                handle.next().await.fail(*kind);
                asked += 1;
                if matches!(kind.elsewhere(), Elsewhere::No | Elsewhere::ByPolicy) { break; }
            }
            let error = assert_ready_err!(call.poll());
            prop_assert_eq!(Some(&error.kind()), kinds.get(asked - 1));
            prop_assert_eq!(error.others().len(), asked - 1);
            let total: usize = handles.iter().map(Handle::total).sum();
            prop_assert_eq!(total, asked);
            prop_assert!(handles.iter().all(|handle| handle.live() == 0));
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_each_target_gets_the_callers_request_with_its_own_model() {
    let (service, [mut a, mut b]) = targets();
    let request = question(true).with_options(CompletionOptions::new().with_max_tokens(7));
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    let first = a.next().await;
    assert_eq!(first.request.model(), "a");
    first.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    let second = b.next().await;
    assert_eq!(second.request.model(), "b");
    assert_eq!(second.request.options().max_tokens(), Some(7));
    assert_eq!(second.request.conversation().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn fb2_a_target_that_cannot_do_it_is_passed_over() {
    let (a, mut handle_a) = upstream();
    let (b, handle_b) = upstream();
    let (c, mut handle_c) = upstream();
    let tools = Capabilities::of(&[Capability::Tools]);
    let service = Fallback::new(Target::new("a", a))
        .then(Target::new("b", b).with_capabilities(Capabilities::default()))
        .then(Target::new("c", c).with_capabilities(tools));
    let tool = ToolSpec::new("t", "does", &serde_json::json!({"type": "object"}));
    let request = question(true).with_options(CompletionOptions::new().with_tools([tool]));
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    handle_a.next().await.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    handle_c.next().await.reply("with tools");
    assert!(assert_ready!(call.poll()).is_ok());
    assert_eq!(handle_b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn fb2_a_request_that_was_too_long_goes_only_to_a_larger_window() {
    let (a, mut handle_a) = upstream();
    let (b, handle_b) = upstream();
    let (c, mut handle_c) = upstream();
    let service = Fallback::new(Target::new("a", a).with_window(8_000))
        .then(Target::new("b", b).with_window(8_000))
        .then(Target::new("c", c).with_window(200_000));
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    handle_a.next().await.fail(ErrorKind::ContextLength);
    assert_pending!(call.poll());
    handle_c.next().await.reply("fits");
    assert!(assert_ready!(call.poll()).is_ok());
    assert_eq!(handle_b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn fb2_only_the_callers_own_count_rules_a_window_out() {
    for (counted, asked) in [(None, 1), (Some(9_000), 0)] {
        let (a, mut handle_a) = upstream();
        let (b, handle_b) = upstream();
        let service =
            Fallback::new(Target::new("a", a)).then(Target::new("b", b).with_window(8_000));
        let mut request = question(true);
        if let Some(tokens) = counted {
            *request.context_mut() = request.context().clone().with_token_estimate(tokens);
        }
        let mut call = task::spawn(service.oneshot(request));
        assert_pending!(call.poll());
        handle_a.next().await.fail(ErrorKind::Server);
        let _result = call.poll();
        assert_eq!(handle_b.total(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn fb3_a_stream_that_fails_before_its_first_content_is_not_seen() {
    let (service, [mut a, mut b]) = targets();
    let (request, journey) = recorded();
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    let feed = a.next().await.stream();
    feed.send(towline_core::Event::Ping);
    assert_pending!(call.poll());
    feed.fail(ErrorKind::Overloaded);
    assert_pending!(call.poll());
    let feed = b.next().await.stream();
    feed.text("whole");
    feed.finish();
    let response = assert_ready!(call.poll()).unwrap();
    assert_eq!(response.head().model(), "b");
    assert_eq!(response.collect().await.unwrap().text(), "whole");
    assert_eq!(moves(&journey), [("a".into(), "b".into())]);
}

#[tokio::test(start_paused = true)]
async fn fb4_after_the_first_content_nobody_else_is_asked() {
    let (service, [mut a, b]) = targets();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = a.next().await.stream();
    feed.text("half");
    let response = assert_ready!(call.poll()).unwrap();
    feed.fail(ErrorKind::Server);
    let error = response.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.partial().unwrap().text(), "half");
    assert_eq!(b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn fb5_the_error_is_the_last_of_a_provider_with_the_others_attached() {
    let (service, [mut a, mut b, mut c]) = targets();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    a.next().await.fail(ErrorKind::Auth);
    assert_pending!(call.poll());
    b.next().await.fail(ErrorKind::Server);
    assert_pending!(call.poll());
    let refused = Error::new(ErrorKind::Overloaded).with_refused_by("breaker");
    c.next().await.answer(Err(refused));
    let error = assert_ready_err!(call.poll());
    assert_eq!(error.kind(), ErrorKind::Server, "the breaker says less");
    let others: Vec<_> = error.others().iter().map(Error::kind).collect();
    assert_eq!(others, [ErrorKind::Auth, ErrorKind::Overloaded]);
}

#[tokio::test(start_paused = true)]
async fn fb6_a_target_that_is_listed_twice_is_asked_twice_at_most_and_it_ends() {
    let (model, mut handle) = upstream();
    let service = Fallback::new(Target::new("a", model.clone())).then(Target::new("a", model));
    let mut call = task::spawn(service.oneshot(question(true)));
    for _ in 0..2 {
        assert_pending!(call.poll());
        handle.next().await.fail(ErrorKind::Server);
    }
    assert_ready_err!(call.poll());
    assert_eq!(handle.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_request_is_sent_to_nobody_else() {
    let (service, [mut a, b]) = targets();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    a.next().await.fail(ErrorKind::InvalidRequest);
    assert_eq!(
        assert_ready_err!(call.poll()).kind(),
        ErrorKind::InvalidRequest
    );
    assert_eq!(b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_filtered_request_goes_on_only_where_the_application_says_so() {
    for (filtered, asked) in [(false, 0), (true, 1)] {
        let (service, [mut a, b]) = targets();
        let service = service.with_filtered(filtered);
        let mut call = task::spawn(service.oneshot(question(true)));
        assert_pending!(call.poll());
        a.next().await.fail(ErrorKind::ContentFilter);
        let _result = call.poll();
        assert_eq!(b.total(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nobody_else_is_asked() {
    let (service, [mut a, b]) = targets();
    let mut request = question(true);
    let soon = Instant::now() + Duration::from_secs(1);
    request.context_mut().narrow_deadline(soon);
    let mut call = task::spawn(service.clone().oneshot(request));
    assert_pending!(call.poll());
    tokio::time::advance(Duration::from_secs(2)).await;
    a.next().await.fail(ErrorKind::Server);
    assert_eq!(assert_ready_err!(call.poll()).kind(), ErrorKind::Server);

    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let total = Error::new(ErrorKind::Timeout).with_clock(Clock::Total);
    a.next().await.answer(Err(total));
    assert_eq!(assert_ready_err!(call.poll()).clock(), Some(Clock::Total));
    assert_eq!(b.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn x3_fallback_that_is_dropped_leaves_nothing_behind() {
    for steps in 0..4 {
        let (service, [mut a, mut b]) = targets();
        let mut call = task::spawn(service.oneshot(question(true)));
        assert_pending!(call.poll());
        let mut feed = None;
        if steps > 0 {
            a.next().await.fail(ErrorKind::Server);
            assert_pending!(call.poll());
        }
        if steps > 1 {
            feed = Some(b.next().await.stream());
            assert_pending!(call.poll());
        }
        if let (3, Some(feed)) = (steps, &feed) {
            feed.text("half");
            drop(assert_ready!(call.poll()).unwrap());
        }
        drop(call);
        assert!(feed.is_none_or(|feed| feed.is_abandoned()));
        drop((a.try_next(), b.try_next()));
        assert_eq!((a.live(), b.live()), (0, 0), "after {steps} steps");
    }
}

#[tokio::test(start_paused = true)]
async fn x5_fallback_asks_the_others_where_the_first_cannot_get_ready() {
    let (model, mut handle) = upstream();
    let broken = tower::util::BoxCloneSyncService::new(Broken);
    let model = tower::util::BoxCloneSyncService::new(model);
    let service = Fallback::new(Target::new("a", broken)).then(Target::new("b", model));
    let mut call = task::spawn(service.oneshot(question(false)));
    assert_pending!(call.poll());
    handle.next().await.reply("ready");
    assert!(assert_ready!(call.poll()).unwrap().is_whole());
}

/// Never ready.
#[derive(Clone, Debug)]
struct Broken;

impl Service<Request> for Broken {
    type Response = towline_core::Response;
    type Error = Error;
    type Future = std::future::Ready<Result<towline_core::Response, Error>>;

    fn poll_ready(
        &mut self,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Error>> {
        std::task::Poll::Ready(Err(Error::new(ErrorKind::Transport)))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        panic!("called without being ready");
    }
}

#[tokio::test(start_paused = true)]
async fn x6_fallback_moves_on_where_a_layer_of_the_target_refuses() {
    let (service, [mut a, mut b]) = targets();
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let refused = Error::new(ErrorKind::Overloaded)
        .with_refused_by("breaker")
        .with_retry_after(Duration::from_secs(9));
    Exchange::answer(a.next().await, Err(refused));
    assert_pending!(call.poll());
    b.next().await.reply("open");
    assert!(assert_ready!(call.poll()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn fb2_too_much_for_a_limit_goes_to_whoever_has_no_smaller_window() {
    for way in ways::WAYS {
        let about = [Some(100), Some(50), Some(100), None].map(|window| ways::About {
            window,
            ..ways::About::default()
        });
        let (mut call, [mut a, mut b, mut c, _d]) = ways::call(way, about, question(false));
        assert_pending!(call.poll());
        a.next().await.fail(ErrorKind::TooLarge);
        assert_pending!(call.poll());
        assert_eq!(b.total(), 0, "{way:?}");
        c.next().await.reply("room enough");
        assert!(call.poll().is_ready(), "{way:?}");
        assert!(b.try_next().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_a_call_that_must_not_be_sent_twice_goes_on_only_where_it_was_not_sent() {
    let once = || {
        let mut request = question(false);
        *request.context_mut() = request.context().clone().with_retry(RetrySafety::Once);
        request
    };
    let about = [ways::About::default(); 2];
    for way in ways::WAYS {
        let kinds = [
            ErrorKind::Server,
            ErrorKind::Timeout,
            ErrorKind::Transport,
            ErrorKind::RateLimit,
        ];
        for kind in kinds {
            let (mut call, [mut a, b]) = ways::call(way, about, once());
            assert_pending!(call.poll());
            a.next().await.fail(kind);
            assert_eq!(assert_ready_err!(call.poll()).kind(), kind, "{way:?}");
            assert_eq!(b.total(), 0, "{way:?}");
        }
        let (mut call, [mut a, mut b]) = ways::call(way, about, once());
        assert_pending!(call.poll());
        let refused = Error::new(ErrorKind::Overloaded).with_refused_by("breaker");
        a.next().await.answer(Err(refused));
        assert_pending!(call.poll());
        b.next().await.reply("once");
        assert!(call.poll().is_ready(), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_a_call_that_must_not_be_sent_twice_goes_on_where_the_first_was_not_ready_for_it() {
    let (model, mut handle) = upstream();
    let broken = tower::util::BoxCloneSyncService::new(Broken);
    let model = tower::util::BoxCloneSyncService::new(model);
    let service = Fallback::new(Target::new("a", broken.clone()))
        .then(Target::new("b", broken))
        .then(Target::new("c", model));
    let mut request = question(false);
    *request.context_mut() = request.context().clone().with_retry(RetrySafety::Once);
    let mut call = task::spawn(service.oneshot(request));
    assert_pending!(call.poll());
    handle.next().await.reply("once");
    assert!(assert_ready!(call.poll()).unwrap().is_whole());
}
