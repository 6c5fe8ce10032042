//! Several deployments of one model.

use crate::support::{
    MINUTE, Model, SECOND, after, attempts, client_of, failed, question, row, since, whole,
};
use std::time::Duration;
use tokio::{
    task::JoinSet,
    time::{Instant, interval},
};
use towline::Client;
use towline_core::{Context, ErrorKind, Journey, Outcome, Request};

/// Tokens of a question: with small ones, the reserve of the hedges would be all that counts.
const TOKENS: u64 = 10_000;
const MILLI: Duration = Duration::from_millis(1);

fn percent(part: usize, of: usize) -> usize {
    (part * 100).div_ceil(of)
}

#[tokio::test(start_paused = true)]
async fn scenario_19_a_deployment_that_fails_at_once_gets_nearly_nothing() {
    let bad = Model::failing(ErrorKind::Server, MILLI);
    let good = [(); 3].map(|()| Model::answering(MILLI * 50));
    let keys = [
        "balance.deployments=first,second,third,fourth",
        "balance.sticky=false",
        // What is measured is the balancer alone.
        "breaker.enabled=false",
    ];
    let client = client_of(&[&bad, &good[0], &good[1], &good[2]], &keys).await;
    let (mut tick, mut calls) = (interval(MILLI * 10), JoinSet::new());
    for _ in 0..3000 {
        tick.tick().await;
        let client = client.clone();
        calls.spawn(async move { client.complete("Hi").await.is_ok() });
    }
    let went_well = calls.join_all().await.into_iter().filter(|ok| *ok).count();
    let all = bad.calls() + good.iter().map(Model::calls).sum::<usize>();
    let share = percent(bad.calls(), all);
    assert!(share < 5, "{} of {all}", bad.calls());
    assert_eq!(went_well, 3000);
    row(
        "19",
        "< 5 % of the traffic",
        format!("{} of {all} attempts, no call failed", bad.calls()),
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_gets_the_share_of_the_calls_that_its_section_says() {
    let models = [(); 2].map(|()| Model::answering(MILLI));
    let keys = [
        "balance.deployments=first,second",
        "balance.sticky=false",
        "providers.first.balance.weight=4",
    ];
    let client = client_of(&[&models[0], &models[1]], &keys).await;
    for _ in 0..1000 {
        client.complete("Hi").await.unwrap();
    }
    let share = models[0].calls();
    assert!((740..860).contains(&share), "{share} of 1000, four in five");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_stands_in_two_lists_has_one_breaker() {
    let down = [(); 2].map(|()| Model::failing(ErrorKind::Server, MILLI));
    let keys = [
        "balance.deployments=second",
        "balance.sticky=false",
        "fallback=second",
        "breaker.failures=4",
        "retry.max_attempts=1",
    ];
    let client = client_of(&[&down[0], &down[1]], &keys).await;
    for _ in 0..20 {
        client.complete("Hi").await.unwrap_err();
    }
    assert_eq!(down[0].calls(), 4);
    assert_eq!(down[1].calls(), 4, "beside and behind the first together");
}

#[tokio::test(start_paused = true)]
async fn a_model_of_a_provider_has_one_limit_whatever_list_asks_for_it() {
    let model = Model::new(|request| async move {
        match request.model() {
            "small" => Ok(whole("a")),
            _ => Err(failed(ErrorKind::Server)),
        }
    });
    let keys = [
        "fallback=first/small",
        "limit.requests_per_minute=1",
        "limit.mode=reject",
        "retry.max_attempts=1",
    ];
    let client = client_of(&[&model], &keys).await;
    client.call(Request::new("small", "Hi")).await.unwrap();
    client.complete("Hi").await.unwrap_err();
    assert_eq!(model.calls(), 2, "the fallback is the same model");
    // Another model of the provider has its own.
    client.call(Request::new("large", "Hi")).await.unwrap_err();
    assert_eq!(model.calls(), 3);
}

/// What came of a streamed call.
struct Call {
    began: Duration,
    first: Duration,
    hedged: bool,
    won: bool,
}

/// Makes 50 streamed calls a second for so long.
async fn stream_for(client: &Client, time: Duration) -> Vec<Call> {
    let (start, mut tick, mut calls) = (Instant::now(), interval(MILLI * 20), JoinSet::new());
    while since(start) < time {
        tick.tick().await;
        let client = client.clone();
        calls.spawn(async move {
            let (began, journey) = (Instant::now(), Journey::new());
            let context = Context::new().with_token_estimate(TOKENS);
            let request = question().with_stream(true);
            let request = request.with_context(context.with_journey(journey.clone()));
            let answer = client.call(request).await.unwrap();
            let first = since(began);
            answer.collect().await.unwrap();
            let tried = attempts(&journey);
            let hedge = tried.iter().find(|attempt| attempt.is_hedge());
            Call {
                began: began.saturating_duration_since(start),
                first,
                hedged: hedge.is_some(),
                won: hedge.is_some_and(|hedge| hedge.outcome() == Outcome::Whole),
            }
        });
    }
    calls.join_all().await
}

#[tokio::test(start_paused = true)]
async fn scenario_20_one_slow_deployment_is_avoided_and_a_second_question_beats_it() {
    let (start, calm) = (Instant::now(), SECOND * 20);
    // Ten times as slow after a while.
    let slow = Model::new(move |_| async move {
        Ok(after(if since(start) < calm {
            MILLI * 100
        } else {
            SECOND
        }))
    });
    let good = Model::answering(MILLI * 100);
    let keys = [
        "balance.deployments=second",
        "balance.sticky=false",
        "hedge.enabled=true",
    ];
    let client = client_of(&[&slow, &good], &keys).await;
    let calls = stream_for(&client, MINUTE).await;
    let late: Vec<&Call> = calls.iter().filter(|call| call.began > calm).collect();
    let mut firsts: Vec<Duration> = late.iter().map(|call| call.first).collect();
    firsts.sort();
    let p99 = firsts[firsts.len() * 99 / 100];
    let hedged = late.iter().filter(|call| call.hedged).count();
    let won = late.iter().filter(|call| call.won).count();
    let asked = slow.asked().into_iter();
    let to_slow = asked
        .filter(|at| at.saturating_duration_since(start) > calm)
        .count();
    let share = percent(to_slow, late.len());
    assert!(share <= 25, "{to_slow} of {}", late.len());
    // More than one in a hundred goes to the slow one, which takes a second.
    assert!(share > 1 && p99 <= SECOND * 3 / 5, "{share} % {p99:?}");
    assert!(hedged > 0 && won * 2 >= hedged, "{won} of {hedged}");
    // A twentieth, and the reserve of 100,000 tokens, which is ten questions.
    let hedges = calls.iter().filter(|call| call.hedged).count();
    assert!(
        hedges <= calls.len() / 20 + 10,
        "{hedges} of {}",
        calls.len()
    );
    row(
        "20",
        "P2C shifts, hedge wins >= 50 %, extra <= 5 % and reserve",
        format!(
            "{share} % to the slow one, {won} of {hedged} hedges won, {hedged} extra in {}, p99 {p99:.0?}",
            late.len()
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn scenario_36_where_everything_fails_attempts_stay_within_product_and_budget() {
    let models = [(); 3].map(|()| Model::failing(ErrorKind::Server, MILLI * 50));
    let all = |models: &[Model]| models.iter().map(Model::calls).sum::<usize>();
    let keys = [
        "balance.deployments=second",
        "balance.sticky=false",
        "fallback=third",
        "hedge.enabled=true",
        "hedge.delay=10ms",
        "breaker.enabled=false",
        "retry.budget_ratio=0.2",
        // Ten questions, and ten answers of a thousand tokens.
        "retry.budget_reserve=10010",
    ];
    let client = client_of(&[&models[0], &models[1], &models[2]], &keys).await;
    // Three attempts at the first target, each asked twice, and three at its fallback.
    let (mut most, product) = (0, 3 * 2 + 3);
    for _ in 0..500 {
        let journey = Journey::new();
        let request = question().with_stream(true);
        let request = request.with_context(Context::new().with_journey(journey.clone()));
        client.call(request).await.unwrap_err();
        most = most.max(attempts(&journey).len());
    }
    let sent = all(&models);
    assert!(most <= product, "{most} attempts in one call");
    // Per call one attempt at each of two targets, and of the purse of each a fifth and the reserve more:
    // retries and hedges have one purse.
    assert!(most > 3 && sent <= (500 + 100 + 10) * 2, "{most} {sent}");
    row(
        "36",
        "attempts <= product (9) and budget",
        format!("at most {most} in a call, {sent} in 500 calls"),
    );
}
