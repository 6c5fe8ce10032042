//! Callers that leave, and a client that is closed.

use crate::support::{attempts, client, is_running, question, row, since};
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};
use tower::{Layer, Service, ServiceExt};
use towline::layers::coalesce::CoalesceLayer;
use towline_core::{Context, EmbeddingRequest, ErrorKind, Journey, Outcome, Response};
use towline_sim::{Fault, Gate, Reply, Rule, Simulator, Stall};

const MILLI: Duration = Duration::from_millis(1);

/// How long the server takes to see that a caller has left, in twenty rounds.
async fn seen_after(streamed: bool) -> Vec<Duration> {
    let sim = Simulator::start().await.unwrap();
    let silence = match streamed {
        true => Fault::StallAfterEvents(3, Stall::Forever),
        false => Fault::StallHead(Stall::Forever),
    };
    sim.on(Rule::any().fault(silence));
    let client = client(&[&sim], &[]).await;
    let mut took = Vec::new();
    for round in 0..20 {
        let journey = Journey::new();
        let context = Context::new().with_journey(journey.clone());
        let request = question().with_stream(streamed).with_context(context);
        let mut call = Box::pin(client.call(request));
        let mut answer = None;
        if streamed {
            answer = Some(call.as_mut().await.unwrap());
        } else {
            tokio::select! {
                _ = &mut call => panic!("there is no answer"),
                () = sim.wait_for(|sim| sim.journal().len() > round) => {}
            }
        }
        let start = Instant::now();
        drop((call, answer));
        sim.wait_for(|sim| sim.journal()[round].cancelled()).await;
        took.push(since(start));
        let attempt = &attempts(&journey)[0];
        assert!(!is_running(attempt), "{attempt:?}");
        assert_eq!(attempt.outcome(), Outcome::Dropped);
        assert!(
            attempt.is_estimate(),
            "what it may have cost is settled: {attempt:?}"
        );
    }
    took.sort();
    took
}

#[tokio::test]
async fn scenario_23_a_caller_who_leaves_closes_the_exchange() {
    for (streamed, what) in [(true, "streamed"), (false, "whole")] {
        let took = seen_after(streamed).await;
        let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
        // All but one: who shares a machine may once have to wait for a processor, and not ten times so long.
        let in_time = took[took.len() - 2];
        assert!(in_time <= MILLI * 50 && most <= MILLI * 500, "{took:?}");
        row(
            "23",
            "closed upstream within 50 ms, usage settled",
            format!("{what}: median {median:.1?}, 19 in {in_time:.1?}, most {most:.1?} of 20"),
        );
    }
}

/// A simulator and 500 streams of it that have begun and wait for the gate.
async fn streams(gate: &Gate, keys: &[&str]) -> (Simulator, towline::Client, Vec<Response>) {
    let sim = Simulator::start().await.unwrap();
    let held = Fault::StallAfterEvents(3, Stall::Until(gate.clone()));
    sim.on(Rule::any()
        .respond(Reply::text("One two three four."))
        .fault(held));
    let client = client(&[&sim], keys).await;
    let mut calls = JoinSet::new();
    for _ in 0..500 {
        let client = client.clone();
        calls.spawn(async move { client.stream("Hi").await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert_eq!(sim.stats().live_streams(), 500);
    (sim, client, answers)
}

#[tokio::test]
async fn scenario_34_a_drain_lets_500_live_streams_end_and_loses_no_usage() {
    let gate = Gate::new();
    let (sim, client, answers) = streams(&gate, &[]).await;
    let closing = {
        let client = client.clone();
        async move { client.close().await }
    };
    let reading = async {
        let refused = client.stream("Hi").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Closed);
        gate.open();
        let mut lost = 0;
        for answer in answers {
            let answer = answer.collect().await.unwrap();
            lost += usize::from(answer.usage().and_then(|usage| usage.total()).is_none());
        }
        lost
    };
    let (closed, lost) = tokio::join!(closing, reading);
    closed.unwrap();
    assert_eq!(lost, 0);
    assert_eq!(sim.journal().len(), 500, "nothing was sent after the close");
    row(
        "34",
        "all end, none begins, lost usage 0",
        format!("500 whole, lost usage {lost}"),
    );
}

#[tokio::test]
async fn scenario_34_what_has_not_ended_in_time_gets_a_typed_error() {
    let (sim, client, answers) = streams(&Gate::new(), &["drain.timeout=100ms"]).await;
    let journeys: Vec<Journey> = answers
        .iter()
        .map(|a| a.head().journey().unwrap().clone())
        .collect();
    let mut readers = JoinSet::new();
    for answer in answers {
        readers.spawn(async move { answer.collect().await.unwrap_err() });
    }
    let error = client.close().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("500 calls"), "{error}");
    for error in readers.join_all().await {
        assert_eq!(error.kind(), ErrorKind::Closed, "{}", error.report());
        assert!(error.partial().is_some());
    }
    let settled = journeys
        .iter()
        .filter(|journey| attempts(journey)[0].tokens().is_some());
    assert_eq!(settled.count(), 500);
    sim.wait_for(|sim| sim.stats().live_streams() == 0).await;
    row(
        "34",
        "at the deadline: typed error, usage settled",
        "500 Closed with their parts, 500 settled",
    );
}

#[tokio::test]
async fn what_closing_turns_away_or_ends_says_whose_client_it_was() {
    let (_sim, client, mut answers) = streams(&Gate::new(), &["drain.timeout=10ms"]).await;
    let mut answer = answers.pop().unwrap();
    client.close().await.unwrap_err();
    let mut ended = loop {
        if let Err(error) = answer.body_mut().next().await.unwrap() {
            break vec![error];
        }
    };
    ended.push(client.stream("Hi").await.unwrap_err());
    ended.push(
        client
            .embed_call(EmbeddingRequest::new("m", ["a"]))
            .await
            .unwrap_err(),
    );
    ended.push(client.models().await.unwrap_err());
    for error in ended {
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.provider(), Some("first"), "{error}");
        assert!(error.model().is_some(), "{error}");
    }
}

#[tokio::test]
async fn a_list_of_models_is_ended_when_the_time_to_close_is_over() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallHead(Stall::Forever)));
    let client = client(&[&sim], &["drain.timeout=50ms"]).await;
    let (list, check) = (client.clone(), client.clone());
    let closing = async {
        sim.wait_for(|sim| sim.journal().len() == 2).await;
        client.close().await.unwrap_err()
    };
    let (listed, checked, closed) = tokio::join!(list.models(), check.validate(), closing);
    assert!(closed.to_string().contains("2 calls"), "{closed}");
    for error in [listed.unwrap_err(), checked.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.provider(), Some("first"));
    }
}

#[tokio::test]
async fn scenario_39_when_the_first_of_equal_callers_leaves_the_others_go_on() {
    let gate = Gate::new();
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallHead(Stall::Until(gate.clone()))));
    let mut shared = CoalesceLayer::new().layer(client(&[&sim], &[]).await);
    let mut leader = shared.call(question());
    let follower = shared.clone().oneshot(question());
    tokio::select! {
        _ = &mut leader => panic!("there is no answer"),
        () = sim.wait_for(|sim| sim.journal().len() == 1) => {}
    }
    let mut follower = Box::pin(follower);
    tokio::select! {
        biased;
        _ = &mut follower => panic!("there is no answer"),
        () = tokio::task::yield_now() => {}
    }
    drop(leader);
    gate.open();
    let answer = follower.await.unwrap().collect().await.unwrap();
    assert!(!answer.text().is_empty());
    assert_eq!(sim.journal().len(), 1);
    row(
        "39",
        "waiter promoted, 1 upstream call",
        format!("{} upstream call", sim.journal().len()),
    );
}
