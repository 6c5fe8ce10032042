//! A first provider that says nothing, with the default settings and others behind it.

use crate::support::{MINUTE, Model, SECOND, attempts, client_of, failed, row, since, streamed};
use std::{future::pending, iter, time::Duration};
use tokio::time::Instant;
use towline_core::{
    Clock, Context, Error, ErrorKind, Event, Journey, Outcome, Request, Response, Step,
};

/// One that never answers a question that is not streamed, and pings for ever where it is.
fn silent() -> Model {
    Model::new(|request| async move {
        if request.stream() {
            let pings = iter::repeat((SECOND * 10, Event::Ping));
            return Ok(streamed(pings, true));
        }
        pending::<Result<Response, Error>>().await
    })
}

/// Asks silent providers before one that answers, for `model`, and holds the call to how long each was
/// waited for. The keys are in addition to the defaults.
async fn held_up(silent: &[&Model], model: &str, stream: bool, keys: &[&str]) -> Called {
    let answering = Model::answering(SECOND);
    let models: Vec<&Model> = silent.iter().copied().chain([&answering]).collect();
    let client = client_of(&models, keys).await;
    let (start, journey) = (Instant::now(), Journey::new());
    let context = Context::new().with_journey(journey.clone());
    let request = Request::new(model, "Hi").with_context(context);
    let answer = client.call(request.with_stream(stream)).await;
    let result = match answer {
        Ok(answer) => answer.collect().await.map(|answer| answer.text().into()),
        Err(error) => Err(error),
    };
    Called {
        result,
        time: since(start),
        calls: silent.iter().map(|model| model.calls()).collect(),
        last: answering.calls(),
        journey,
    }
}

/// What came of a call.
struct Called {
    result: Result<String, Error>,
    time: Duration,
    /// How often each of the silent ones was asked.
    calls: Vec<usize>,
    last: usize,
    journey: Journey,
}

impl Called {
    /// Holds it to an answer of the last after `time`, its own second included, and the pauses of a
    /// retry.
    #[track_caller]
    fn answered(&self, time: Duration, calls: &[usize]) {
        let text = self.result.as_ref().map(String::as_str);
        assert_eq!(text.map_err(ToString::to_string), Ok("a"));
        let over = self.time.checked_sub(time + SECOND);
        assert!(
            over.is_some_and(|over| over <= SECOND * 2),
            "{:?}",
            self.time
        );
        assert_eq!((&self.calls[..], self.last), (calls, 1));
        let moved = |step: &&Step| {
            matches!(
                step,
                Step::Moved {
                    kind: ErrorKind::Timeout,
                    ..
                }
            )
        };
        assert_eq!(
            self.journey.steps().iter().filter(moved).count(),
            calls.len()
        );
    }
}

const ZERO: Duration = Duration::ZERO;
const FALLBACK: &str = "fallback=second";

#[tokio::test(start_paused = true)]
async fn a_first_that_stalls_is_left_for_the_second_with_the_default_settings() {
    for (model, stream, time) in [
        // Five minutes of one exchange, two to the first token, ten where the model thinks.
        ("", false, MINUTE * 5),
        ("", true, MINUTE * 2),
        ("o3", false, MINUTE * 5),
        ("o3", true, MINUTE * 10),
    ] {
        let first = silent();
        let called = held_up(&[&first], model, stream, &[FALLBACK]).await;
        called.answered(time, &[1]);
        let outcomes: Vec<_> = attempts(&called.journey)
            .iter()
            .map(|attempt| attempt.outcome())
            .collect();
        let stalled = Outcome::Failed(ErrorKind::Timeout);
        assert_eq!(outcomes, [stalled, Outcome::Whole], "{model} {stream}");
        let way = if stream { "streamed" } else { "whole" };
        row(
            "stall",
            "the second answers",
            format!("{model} {way}: {:.0?}", called.time),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_whole_of_a_call_with_a_first_that_stalls_is_within_the_total() {
    let total = MINUTE * 2;
    for (model, stream) in [("", false), ("", true), ("o3", false), ("o3", true)] {
        let first = silent();
        let keys = [FALLBACK, "timeout.total=2 min"];
        let called = held_up(&[&first], model, stream, &keys).await;
        // The clocks of an attempt reach the total: the last quarter is left to the second.
        called.answered(total * 3 / 4, &[1]);
        assert!(called.time < total, "{:?}", called.time);
        // A call that others could join has no deadline of its own, and is planned by it all the same.
        let keys = [FALLBACK, "timeout.total=2 min", "coalesce.enabled=true"];
        let called = held_up(&[&silent()], model, stream, &keys).await;
        called.answered(total * 3 / 4, &[1]);
        assert!(called.time < total, "shared: {:?}", called.time);
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_is_asked_where_two_stall() {
    let (first, second) = (silent(), silent());
    let called = held_up(&[&first, &second], "", true, &["fallback=second,third"]).await;
    called.answered(MINUTE * 4, &[1, 1]);
    let (first, second) = (silent(), silent());
    let called = held_up(&[&first, &second], "", false, &["fallback=second,third"]).await;
    // Of the ten minutes five, and of the other five all but a minute.
    called.answered(MINUTE * 9, &[1, 1]);
}

#[tokio::test(start_paused = true)]
async fn each_deployment_of_the_first_may_stall_once() {
    let (first, beside) = (silent(), silent());
    let keys = ["balance.deployments=second", "fallback=third"];
    let called = held_up(&[&first, &beside], "", true, &keys).await;
    let text = called.result.unwrap();
    assert_eq!(
        (text.as_str(), &called.calls[..], called.last),
        ("a", &[1, 1][..], 1)
    );
    assert!(called.time < MINUTE * 4 + SECOND * 3, "{:?}", called.time);

    let (first, beside) = (silent(), silent());
    let called = held_up(&[&first, &beside], "", false, &keys).await;
    assert_eq!(called.result.unwrap(), "a", "asked in the last minute");
    assert_eq!((&called.calls[..], called.last), (&[1, 1][..], 1));
    assert!(called.time < MINUTE * 9 + SECOND * 3, "{:?}", called.time);
}

#[tokio::test(start_paused = true)]
async fn the_last_target_is_asked_again_where_it_stalls() {
    let (first, second) = (silent(), Model::failing(ErrorKind::Timeout, SECOND));
    let client = client_of(&[&first, &second], &[FALLBACK]).await;
    let error = client.stream("Hi").await.unwrap_err();
    assert_eq!((first.calls(), second.calls()), (1, 3));
    let clocks: Vec<_> = error.others().iter().map(Error::clock).collect();
    assert_eq!(clocks, [Some(Clock::FirstToken)]);
    // And so is the only one.
    let only = silent();
    let client = client_of(&[&only], &[]).await;
    client.stream("Hi").await.unwrap_err();
    assert_eq!(only.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_fails_without_waiting_is_tried_again_before_the_second_is_asked() {
    // What a rate limit teaches makes the third attempt wait for its turn.
    for (kind, most) in [
        (ErrorKind::Server, SECOND * 2),
        (ErrorKind::Overloaded, SECOND * 2),
        (ErrorKind::Transport, SECOND * 2),
        (ErrorKind::RateLimit, SECOND * 13),
    ] {
        let first = Model::new(move |_| async move { Err(failed(kind)) });
        let second = Model::answering(ZERO);
        let client = client_of(&[&first, &second], &[FALLBACK]).await;
        let start = Instant::now();
        client.complete("Hi").await.unwrap();
        assert_eq!((first.calls(), second.calls()), (3, 1), "{kind}");
        assert!(since(start) <= most, "{kind}: {:?}", since(start));
        row(
            "fails",
            "the second answers",
            format!("{kind}: {:.1?}", since(start)),
        );
    }
}
