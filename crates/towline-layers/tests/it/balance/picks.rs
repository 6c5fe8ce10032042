//! Whom it picks among those that take calls.

use super::{Model, NAMES, SECOND, ask, over, read, upstreams, weight};
use crate::support::{question, upstream};
use std::{sync::Arc, time::Duration};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Service, ServiceExt};
use towline_core::{ErrorKind, Journey, Picks, Request, Step, Usage};
use towline_layers::balance::{Balance, Deployment};

#[tokio::test(start_paused = true)]
async fn lb4_calls_are_spread_by_weight_where_all_are_equally_loaded() {
    for weights in [
        vec![1, 1],
        vec![3, 1],
        vec![5, 3, 2],
        vec![1; 16],
        vec![10, 1, 1, 4, 4],
    ] {
        let mut deployments = weights.iter().zip(NAMES).map(|(&share, name)| {
            let model = Model::new(SECOND / 2);
            let calls = model.calls();
            (
                Deployment::new(name, model).with_weight(weight(share)),
                calls,
            )
        });
        let (first, calls) = deployments.next().unwrap();
        let (mut balance, mut counts) = (Balance::new(first), vec![calls]);
        for (deployment, calls) in deployments {
            balance = balance.and(deployment);
            counts.push(calls);
        }
        for seed in 1..=10_000 {
            let context = towline_core::Context::new().with_seed(seed);
            let request = question(false).with_context(context);
            balance.clone().oneshot(request).await.unwrap();
        }
        let total: u32 = weights.iter().sum();
        for (calls, share) in counts.iter().zip(&weights) {
            let got = f64::from(read(calls)) / 10_000.0;
            let due = f64::from(*share) / f64::from(total);
            assert!(
                (got - due).abs() < 0.02,
                "{got} instead of {due} in {weights:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lb4_under_load_a_deployment_carries_what_its_weight_says() {
    let (strong, strong_calls) = upstream();
    let (weak, weak_calls) = upstream();
    let balance = Balance::new(Deployment::new("strong", strong).with_weight(weight(3)))
        .and(Deployment::new("weak", weak));
    let mut calls: Vec<_> = (0..400)
        .map(|_| task::spawn(balance.clone().oneshot(question(true))))
        .collect();
    for call in &mut calls {
        assert_pending!(call.poll());
    }
    let (strong, weak) = (strong_calls.live(), weak_calls.live());
    assert!((270..=330).contains(&strong), "{strong} to {weak}");
}

#[tokio::test(start_paused = true)]
async fn lb3_one_that_fails_at_once_gets_nearly_nothing() {
    for kind in [
        ErrorKind::Server,
        ErrorKind::RateLimit,
        ErrorKind::Auth,
        ErrorKind::Transport,
    ] {
        let fast = Duration::from_millis(1);
        let (balance, counts) = over([
            Model::new(SECOND),
            Model::failing(fast, kind),
            Model::new(SECOND),
            Model::new(SECOND),
        ]);
        for _ in 0..20 {
            let _failed = ask(&balance).await;
        }
        let early = read(&counts[1]);
        assert!(early <= 2, "{kind}: {early} of the first 20");
        for _ in 0..1_000 {
            let _failed = ask(&balance).await;
        }
        let later = read(&counts[1]) - early;
        assert!(later < 50, "{kind}: {later} of 1,000");
    }
}

#[tokio::test(start_paused = true)]
async fn lb3_a_burst_learns_from_the_first_failure_too() {
    let (balance, mut handles) = upstreams(2);
    for _ in 0..20 {
        let mut call = task::spawn(balance.clone().oneshot(question(false)));
        assert_pending!(call.poll());
        if let Some(exchange) = handles[0].try_next() {
            exchange.fail(ErrorKind::Overloaded);
        } else {
            handles[1].next().await.reply("well");
        }
        let _result = assert_ready!(call.poll());
    }
    assert!(handles[0].total() <= 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_is_tried_again_after_a_while() {
    let (balance, counts) = over([
        Model::new(SECOND / 2),
        Model::failing(Duration::from_millis(1), ErrorKind::Server),
    ]);
    for _ in 0..600 {
        let _failed = ask(&balance).await;
    }
    let tries = read(&counts[1]);
    assert!((3..=30).contains(&tries), "{tries} in five minutes");
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_request_are_no_faults_of_the_deployment() {
    let (balance, counts) = over([
        Model::new(SECOND / 100),
        Model::failing(SECOND / 100, ErrorKind::InvalidRequest),
    ]);
    for _ in 0..1_000 {
        let _failed = ask(&balance).await;
    }
    let got = read(&counts[1]);
    assert!((400..=600).contains(&got), "{got} of 1,000");
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_gets_less() {
    let (balance, counts) = over([Model::new(SECOND / 5), Model::new(SECOND * 2)]);
    for _ in 0..1_000 {
        ask(&balance).await.unwrap();
    }
    assert!(read(&counts[1]) < 100, "{} of 1,000", read(&counts[1]));
    assert!(read(&counts[1]) > 1, "and is tried again");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_load_until_it_has_ended() {
    let (balance, mut handles) = upstreams(2);
    let mut kept = Vec::new();
    for _ in 0..10 {
        let mut call = task::spawn(balance.clone().oneshot(question(true)));
        assert_pending!(call.poll());
        let exchange = match handles[0].try_next() {
            Some(exchange) => exchange,
            None => handles[1].next().await,
        };
        let feed = exchange.stream();
        feed.text("first");
        let response = assert_ready!(call.poll()).unwrap();
        kept.push((feed, response));
    }
    let pending: Vec<_> = balance.status().iter().map(|each| each.pending()).collect();
    assert_eq!(pending.iter().sum::<u32>(), 10);
    assert!(pending.iter().all(|&each| each >= 4), "{pending:?}");
    for (feed, mut response) in kept {
        feed.finish();
        while response.body_mut().next().await.is_some() {}
    }
    assert!(balance.status().iter().all(|each| each.pending() == 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_counts_with_its_first_token_and_a_long_answer_with_its_length() {
    let (balance, mut handles) = upstreams(1);
    let mut call = task::spawn(balance.clone().oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handles[0].next().await.stream();
    let mut response = assert_ready!(call.poll()).unwrap();
    tokio::time::advance(SECOND).await;
    feed.text("first");
    assert!(response.body_mut().next().await.unwrap().is_ok());
    tokio::time::advance(SECOND * 60).await;
    feed.finish();
    assert!(response.body_mut().next().await.unwrap().is_ok());
    let latency = balance.status()[0].latency().unwrap();
    assert!(latency.abs_diff(SECOND) < SECOND / 100, "{latency:?}");

    let (balance, mut handles) = upstreams(1);
    let mut call = task::spawn(balance.clone().oneshot(question(false)));
    assert_pending!(call.poll());
    tokio::time::advance(SECOND * 10).await;
    let completion = towline_core::Completion::new(Vec::new(), towline_core::FinishReason::Stop)
        .with_usage(Some(Usage::inclusive(10, 900)));
    let head = towline_core::Head::new("upstream", "model");
    let body = towline_core::Body::complete(completion);
    let answer = towline_core::Response::new(head, body);
    handles[0].next().await.answer(Ok(answer));
    assert_ready!(call.poll()).unwrap();
    let latency = balance.status()[0].latency().unwrap();
    assert!(latency.abs_diff(SECOND) < SECOND / 100, "{latency:?}");
}

#[tokio::test(start_paused = true)]
async fn those_that_were_asked_before_are_avoided_while_another_takes_calls() {
    let (balance, counts) = over((0..4).map(|_| Model::new(SECOND / 10)));
    for _ in 0..100 {
        let mut request = question(false);
        for name in ["a", "b", "d"] {
            request.context_mut().avoid(name);
        }
        balance.clone().oneshot(request).await.unwrap();
    }
    assert_eq!(read(&counts[2]), 100);
    // Where all were asked before, somebody is asked again.
    let mut request = question(false);
    for name in ["a", "b", "c", "d"] {
        request.context_mut().avoid(name);
    }
    assert!(balance.clone().oneshot(request).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn x6_balance_refuses_a_hedge_for_which_there_is_no_other_deployment() {
    let (balance, counts) = over([Model::new(SECOND)]);
    let mut request = question(false);
    request.context_mut().avoid("a");
    request.context_mut().set_hedge(true);
    let journey = Journey::new();
    request.context_mut().set_journey(journey.clone());
    let error = balance.oneshot(request).await.unwrap_err();
    assert_eq!(error.refused_by(), Some("balance"));
    assert_eq!(read(&counts[0]), 0);
    assert!(matches!(
        journey.steps()[..],
        [Step::Refused {
            layer: "balance",
            ..
        }]
    ));
}

#[tokio::test(start_paused = true)]
async fn whom_it_picks_is_written_down_for_those_who_ask_again() {
    let (balance, _counts) = over((0..4).map(|_| Model::new(SECOND)));
    let picks = Picks::new();
    let mut request = question(false);
    request.context_mut().set_picks(picks.clone());
    let mut call = task::spawn(balance.oneshot(request.clone()));
    assert_pending!(call.poll());
    assert_eq!(picks.names().len(), 1, "before there is an answer");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_repeated_from_its_seed_goes_the_same_way() {
    let mut ways = Vec::new();
    for _ in 0..2 {
        let (balance, _counts) = over((0..8).map(|_| Model::new(SECOND)));
        let picks = Picks::new();
        for seed in 1..100 {
            let context = towline_core::Context::new().with_seed(seed);
            let mut request = question(false).with_context(context);
            request.context_mut().set_picks(picks.clone());
            balance.clone().oneshot(request).await.unwrap();
        }
        ways.push(picks.names());
    }
    assert_eq!(ways[0], ways[1]);
}

#[tokio::test(start_paused = true)]
async fn the_attempts_of_a_call_with_a_seed_do_not_all_draw_the_same() {
    let (balance, _counts) = over((0..8).map(|_| Model::new(SECOND)));
    let mut alike = 0;
    for seed in 1..=100 {
        let picks = Picks::new();
        for avoided in [None, Some("a deployment of another balancer")] {
            let context = towline_core::Context::new().with_seed(seed);
            let mut request = question(false).with_context(context);
            request.context_mut().set_picks(picks.clone());
            if let Some(avoided) = avoided {
                request.context_mut().avoid(avoided);
            }
            balance.clone().oneshot(request).await.unwrap();
        }
        alike += usize::from(picks.names()[0] == picks.names()[1]);
    }
    assert!(alike < 40, "{alike} of 100");
}

#[tokio::test(start_paused = true)]
async fn lb3_one_that_fails_slowly_is_as_slow_as_that() {
    let (balance, _counts) = over([Model::failing(SECOND * 120, ErrorKind::Timeout)]);
    ask(&balance).await.unwrap_err();
    let latency = balance.status()[0].latency().unwrap();
    assert!(latency.abs_diff(SECOND * 120) < SECOND, "{latency:?}");
}

#[tokio::test(start_paused = true)]
async fn each_deployment_is_asked_for_its_own_model() {
    let (model, mut handle) = upstream();
    let balance = Balance::new(Deployment::new("azure", model).with_model("gpt-4o-east"));
    let mut call = task::spawn(balance.oneshot(question(false)));
    assert_pending!(call.poll());
    assert_eq!(handle.next().await.request.model(), "gpt-4o-east");
}

#[tokio::test(start_paused = true)]
async fn x5_balance_makes_the_picked_one_ready_inside_the_call() {
    /// Ready once somebody says so.
    #[derive(Clone, Debug)]
    struct Gated(Arc<tokio::sync::Semaphore>, Model);

    impl Service<Request> for Gated {
        type Response = towline_core::Response;
        type Error = towline_core::Error;
        type Future = <Model as Service<Request>>::Future;

        fn poll_ready(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), towline_core::Error>> {
            let open = Arc::clone(&self.0);
            let mut waiting = Box::pin(async move { open.acquire().await.is_ok() });
            match waiting.as_mut().poll(cx) {
                std::task::Poll::Ready(_) => self.1.poll_ready(cx),
                // The test polls again by itself.
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        }

        fn call(&mut self, request: Request) -> Self::Future {
            self.1.call(request)
        }
    }

    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let mut balance = Balance::new(Deployment::new(
        "a",
        Gated(Arc::clone(&gate), Model::new(Duration::ZERO)),
    ));
    let mut ready = task::spawn(std::future::poll_fn(|cx| {
        Service::<Request>::poll_ready(&mut balance, cx)
    }));
    assert!(assert_ready!(ready.poll()).is_ok(), "it is always ready");
    drop(ready);
    let mut call = task::spawn(balance.call(question(false)));
    assert_pending!(call.poll());
    assert!(!call.is_woken(), "it does not spin");
    assert_eq!(balance.status()[0].pending(), 1);
    gate.add_permits(1);
    tokio::time::timeout(SECOND, call).await.unwrap().unwrap();
    assert_eq!(balance.status()[0].pending(), 0);
}
