//! A first target that cannot do what the request needs.

use super::{
    recorded,
    ways::{About, WAYS, call},
};
use tokio_test::{assert_pending, assert_ready, assert_ready_err};
use towline_core::{
    Capabilities, Capability, CompletionOptions, ErrorKind, Journey, Request, Step, ToolSpec,
};

/// What is told of going on: from where, to where and why.
fn moved(journey: &Journey) -> Vec<(String, String, ErrorKind)> {
    let steps = journey.steps().into_iter();
    let moved = steps.filter_map(|step| match step {
        Step::Moved { from, to, kind, .. } => Some((from.to_string(), to.to_string(), kind)),
        _ => None,
    });
    moved.collect()
}

fn with_tool() -> (Request, Journey) {
    let (request, journey) = recorded();
    let tool = ToolSpec::new("t", "does", &serde_json::json!({"type": "object"}));
    let options = CompletionOptions::new().with_tools([tool]);
    (request.with_options(options), journey)
}

/// A request of so many tokens, counted by the caller.
fn counted(tokens: u64) -> (Request, Journey) {
    let (mut request, journey) = recorded();
    *request.context_mut() = request.context().clone().with_token_estimate(tokens);
    (request, journey)
}

fn able(list: &[Capability]) -> About {
    About {
        can: Some(Capabilities::of(list)),
        ..About::default()
    }
}

fn window(tokens: u64) -> About {
    About {
        window: Some(tokens),
        ..About::default()
    }
}

const TOOLS: &[Capability] = &[Capability::Tools];

#[tokio::test(start_paused = true)]
async fn fb2_a_first_target_that_cannot_do_it_is_passed_over_for_one_that_can() {
    for way in WAYS {
        let (request, journey) = with_tool();
        let targets = [able(&[]), able(&[Capability::Vision]), able(TOOLS)];
        let (mut call, [a, b, mut c]) = call(way, targets, request);
        assert_pending!(call.poll());
        let told = [("a".into(), "c".into(), ErrorKind::Unsupported)];
        assert_eq!(moved(&journey), told, "{way:?}");
        let exchange = c.next().await;
        assert_eq!(exchange.request.model(), "c");
        exchange.reply("with tools");
        assert!(assert_ready!(call.poll()).is_ok());
        assert_eq!((a.total(), b.total()), (0, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_after_one_that_was_asked_in_place_of_the_first_come_those_behind_it() {
    for way in WAYS {
        let (request, journey) = with_tool();
        let targets = [able(&[]), able(TOOLS), able(TOOLS)];
        let (mut call, [a, mut b, mut c]) = call(way, targets, request);
        assert_pending!(call.poll());
        b.next().await.fail(ErrorKind::Server);
        assert_pending!(call.poll());
        c.next().await.fail(ErrorKind::Overloaded);
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(error.others().len(), 1);
        assert_eq!(a.total(), 0, "{way:?}");
        let told = [
            ("a".into(), "b".into(), ErrorKind::Unsupported),
            ("b".into(), "c".into(), ErrorKind::Server),
        ];
        assert_eq!(moved(&journey), told, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_where_nobody_can_do_it_the_first_is_asked_and_says_so() {
    for way in WAYS {
        let (request, journey) = with_tool();
        let (mut call, [mut a, b]) = call(way, [able(&[]), able(&[])], request);
        assert_pending!(call.poll());
        a.next().await.fail(ErrorKind::Unsupported);
        let error = assert_ready_err!(call.poll());
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!((b.total(), moved(&journey)), (0, Vec::new()), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_a_first_target_whose_window_is_too_small_is_passed_over() {
    for way in WAYS {
        let (request, journey) = counted(9_000);
        let targets = [window(8_000), window(8_500), window(200_000)];
        let (mut call, [a, b, mut c]) = call(way, targets, request);
        assert_pending!(call.poll());
        c.next().await.reply("fits");
        assert!(assert_ready!(call.poll()).is_ok());
        assert_eq!((a.total(), b.total()), (0, 0), "{way:?}");
        let told = [("a".into(), "c".into(), ErrorKind::ContextLength)];
        assert_eq!(moved(&journey), told, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_the_first_target_is_asked_where_no_window_is_known_to_hold_the_request() {
    let small = window(8_000);
    let others = [window(8_500), About::default()];
    for way in WAYS {
        for other in others {
            let (request, journey) = counted(9_000);
            let (mut call, [a, b]) = call(way, [small, other], request);
            assert_pending!(call.poll());
            assert_eq!((a.total(), b.total()), (1, 0), "{way:?} {other:?}");
            assert_eq!(moved(&journey), []);
        }
        // Nobody has counted: a rule of thumb rules nobody out.
        let (mut call, [a, b]) = call(way, [window(1), window(8_500)], recorded().0);
        assert_pending!(call.poll());
        assert_eq!((a.total(), b.total()), (1, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_a_window_says_nothing_of_another_model_that_the_caller_asks_for() {
    for (model, asked) in [("small", (0, 1)), ("model", (1, 0))] {
        for way in WAYS {
            let first = About {
                window_of: Some("small"),
                ..window(8_000)
            };
            let (mut request, _) = counted(9_000);
            towline_core::Metered::set_model(&mut request, model.into());
            let (mut call, [a, b]) = call(way, [first, window(200_000)], request);
            assert_pending!(call.poll());
            assert_eq!((a.total(), b.total()), asked, "{way:?} {model}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fb2_who_was_passed_over_for_a_window_that_is_known_is_asked_after_it() {
    for way in WAYS {
        let (request, journey) = counted(9_000);
        let targets = [window(8_000), About::default(), window(200_000)];
        let (mut call, [a, mut b, mut c]) = call(way, targets, request);
        assert_pending!(call.poll());
        c.next().await.fail(ErrorKind::Server);
        assert_pending!(call.poll());
        b.next().await.reply("it fits");
        assert!(assert_ready!(call.poll()).is_ok());
        assert_eq!((a.total(), c.total()), (0, 1), "{way:?}");
        let told = [
            ("a".into(), "c".into(), ErrorKind::ContextLength),
            ("c".into(), "b".into(), ErrorKind::Server),
        ];
        assert_eq!(moved(&journey), told, "{way:?}");
    }
}
