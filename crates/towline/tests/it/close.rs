//! Closing, with live streams on the wire.

use crate::fixture::client;
use towline_core::ErrorKind;
use towline_sim::{Fault, Outcome, Rule, Simulator};

#[tokio::test]
async fn close_lets_a_stream_end_and_then_refuses() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::DelayPerEvent(std::time::Duration::from_millis(1))));
    let client = client(&sim).await;
    let answer = client.stream("Hi").await.unwrap();
    let (closed, answer) = tokio::join!(client.close(), answer.collect());
    closed.unwrap();
    assert!(!answer.unwrap().text().is_empty());
    assert_eq!(sim.journal()[0].outcome(), Outcome::Complete);

    for error in [
        client.complete("Hi").await.unwrap_err(),
        client.stream("Hi").await.unwrap_err(),
        client.embed(["Hi"]).await.unwrap_err(),
        client.models().await.unwrap_err(),
        client.validate().await.unwrap_err(),
    ] {
        assert!(
            matches!(error.kind(), ErrorKind::Closed | ErrorKind::Config),
            "{error}"
        );
    }
    assert_eq!(sim.journal().len(), 1, "nothing was sent");
}

#[tokio::test]
async fn the_last_clone_takes_the_connections_along() {
    let sim = Simulator::start().await.unwrap();
    let client = client(&sim).await;
    let other = client.clone();
    client.complete("Hi").await.unwrap();
    drop(client);
    other.complete("Hi").await.unwrap();
    assert_eq!(sim.stats().connections(), 1, "clones share the pool");
    drop(other);
    sim.wait_for(|sim| sim.stats().live_connections() == 0)
        .await;
}
