//! What the record of a call says of who went on with its answer.

use super::events;
use crate::support::{question, upstream};
use std::time::Duration;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt};
use towline_core::{ErrorKind, Step};
use towline_layers::{
    fallback::{Fallback, Target, continuation::ContinueLayer},
    journey::{self, JourneyLayer},
};

/// An answer may break off long after the call came.
#[tokio::test(start_paused = true)]
async fn fb4_continued_who_goes_on_is_written_down_from_when_it_was_asked() {
    let record = journey::AttemptLayer::new("upstream");
    let ((a, mut handle_a), (b, mut handle_b)) = (upstream(), upstream());
    let a = Target::new("a", record.layer(a)).with_model("a");
    let b = Target::new("b", record.layer(b)).with_model("b");
    let (targets, chain) = (vec![a.clone(), b.clone()], Fallback::new(a).then(b));
    let service = JourneyLayer::new().layer(ContinueLayer::new(targets).layer(chain));
    let mut call = task::spawn(service.oneshot(question(true)));
    assert_pending!(call.poll());
    let feed = handle_a.next().await.stream();
    feed.text("The capital");
    let mut answer = assert_ready!(call.poll()).unwrap();
    assert_eq!(events(&mut answer).len(), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    feed.fail(ErrorKind::Transport);
    assert_eq!(events(&mut answer), [], "nobody goes on yet");
    let _feed = handle_b.next().await.stream();
    let steps = answer.head().journey().unwrap().steps();
    let began: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Attempt(attempt) => Some(attempt.began()),
            _ => None,
        })
        .collect();
    assert_eq!(began, [Duration::ZERO, Duration::from_secs(60)]);
}
