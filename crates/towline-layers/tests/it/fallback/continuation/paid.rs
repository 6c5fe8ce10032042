//! What it costs to go on.

use super::{begun, chain, error, events, is_seam, question, target};
use tokio_test::{assert_pending, task};
use tower::ServiceExt;
use towline_core::{Context, ErrorKind, Journey, Request, Step};
use towline_layers::budget::Budget;

/// A question of 100 tokens, with what is said before it goes on.
fn weighed(journey: &Journey) -> Request {
    let context = Context::new().with_token_estimate(100);
    question(true).with_context(context.with_journey(journey.clone()))
}

/// The tokens of a call that goes on with ten bytes.
fn cost(request: &Request) -> u64 {
    use towline_core::Metered;
    request.estimated_tokens() + 10 / 4
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_within_the_budget_of_the_target_that_broke_off() {
    let journey = Journey::new();
    let price = cost(&weighed(&journey));
    let (first, second) = (Budget::new(0, price), Budget::new(0, 0));
    let ((a, mut on_a), (b, mut on_b)) = (target("a"), target("b"));
    let targets = vec![a.with_budget(first.clone()), b.with_budget(second)];
    let service = chain(targets);
    let (mut answer, feed) = begun(&service, &mut on_a, weighed(&journey), "ten bytes.").await;
    feed.fail(ErrorKind::Server);
    assert_eq!(events(&mut answer).len(), 1);
    assert_eq!(first.available(), 0, "what is under way is paid");
    let asked = on_b.next().await;
    let is_paid = asked.request.context().is_repeat();
    assert!(is_paid, "no retry inside earns tokens of it");
    let feed = asked.stream();
    feed.text("more");
    feed.finish();
    assert!(is_seam(&events(&mut answer)[0], "b"));
    drop(answer);
    assert_eq!(first.available(), 0, "and what was sent stays so");

    // Nothing is left: the next one that breaks off ends with its error.
    let (mut answer, feed) = begun(&service, &mut on_a, weighed(&journey), "ten bytes.").await;
    feed.fail(ErrorKind::Server);
    assert_eq!(error(&mut answer).kind(), ErrorKind::Server);
    assert_eq!(on_b.total(), 1);
    let refused = |step: &Step| {
        matches!(
            step,
            Step::Refused {
                layer: "continue",
                ..
            }
        )
    };
    assert_eq!(
        journey.steps().iter().filter(|step| refused(step)).count(),
        1
    );
    first.deposit(u64::MAX);
    assert_eq!(first.available(), 0, "a ratio of nothing pays nothing");
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_what_a_layer_of_ours_turned_away_costs_nothing() {
    let journey = Journey::new();
    let price = cost(&weighed(&journey));
    for (refused_by, left) in [(Some("limit"), price), (None, 0)] {
        let budget = Budget::new(0, price);
        let ((a, mut on_a), (b, mut on_b)) = (target("a"), target("b"));
        let service = chain(vec![a.with_budget(budget.clone()), b]);
        let (mut answer, feed) = begun(&service, &mut on_a, weighed(&journey), "ten bytes.").await;
        feed.fail(ErrorKind::Server);
        let _begun = events(&mut answer);
        let failed = towline_core::Error::new(ErrorKind::RateLimit);
        on_b.next().await.answer(Err(match refused_by {
            Some(layer) => failed.with_refused_by(layer),
            None => failed,
        }));
        assert_eq!(error(&mut answer).kind(), ErrorKind::Server);
        assert_eq!(budget.available(), left, "{refused_by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_an_answer_that_nobody_bounded_is_paid_too() {
    let asked = || Request::new("model", "Hi").with_stream(true);
    // The question, what was said, the instruction, and a thousand.
    for (reserve, goes_on) in [(1_000, false), (1_100, true)] {
        let ((a, mut on_a), (b, on_b)) = (target("a"), target("b"));
        let service = chain(vec![a.with_budget(Budget::new(0, reserve)), b]);
        let (mut answer, feed) = begun(&service, &mut on_a, asked(), "ten bytes.").await;
        feed.fail(ErrorKind::Server);
        match goes_on {
            true => assert_eq!(events(&mut answer).len(), 1),
            false => assert_eq!(error(&mut answer).kind(), ErrorKind::Server),
        }
        assert_eq!(on_b.total(), usize::from(goes_on), "{reserve}");
    }
}

#[tokio::test(start_paused = true)]
async fn fb4_continued_who_broke_off_is_known_where_the_record_has_calls_before() {
    let journey = Journey::new();
    let budget = Budget::new(0, 1_000);
    let ((a, mut on_a), (b, mut on_b)) = (target("a"), target("b"));
    let service = chain(vec![a.with_budget(budget.clone()), b]);
    let request = weighed(&journey);
    let mut moved = task::spawn(service.clone().oneshot(request.clone()));
    assert_pending!(moved.poll());
    on_a.next().await.fail(ErrorKind::Server);
    assert_pending!(moved.poll());
    on_b.next().await.reply("from the second");
    assert!(moved.poll().is_ready());

    let price = cost(&request);
    let (mut answer, feed) = begun(&service, &mut on_a, request, "ten bytes.").await;
    feed.fail(ErrorKind::Server);
    assert_eq!(events(&mut answer).len(), 1);
    assert_eq!(on_b.total(), 2, "the first broke off");
    assert_eq!(budget.available(), 1_000 - price);
}
