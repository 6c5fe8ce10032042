//! Nobody there, or nobody who speaks.

use crate::support::{attempts, client, client_at, is_running, question, row, since, until};
use std::time::Duration;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use towline_core::{Context, ErrorKind, Journey, Outcome};
use towline_sim::{Fault, Rule, Simulator, Stall};

#[tokio::test]
async fn scenario_01_a_server_that_is_not_there_yet_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    // This jitter has a least pause, in which the server is started.
    let keys = ["retry.jitter=decorrelated", "retry.base_delay=200ms"];
    let client = client_at(&[format!("http://{address}/v1")], &keys).await;
    let journey = Journey::new();
    let request = question().with_context(Context::new().with_journey(journey.clone()));
    let server = async {
        let tried = || attempts(&journey);
        until(|| tried().len() == 2 && !tried().iter().any(is_running)).await;
        Simulator::builder().listen(address).start().await.unwrap()
    };
    let (answer, sim) = tokio::join!(client.call(request), server);
    answer.unwrap().collect().await.unwrap();
    let tried = attempts(&journey);
    assert_eq!(tried.len(), 3, "{tried:?}");
    assert_eq!(tried[0].outcome(), Outcome::Failed(ErrorKind::Transport));
    assert_eq!(sim.journal().len(), 1);
    let pauses: Vec<Duration> = tried
        .windows(2)
        .map(|pair| pair[1].began().saturating_sub(pair[0].ended().unwrap()))
        .collect();
    assert!(
        pauses
            .iter()
            .all(|pause| *pause >= Duration::from_millis(200)),
        "{pauses:?}"
    );
    row(
        "1",
        "success on attempt 3, jittered",
        format!("attempt 3, after {pauses:.0?}"),
    );
}

/// What a call takes that goes on from `address` to a simulator, with 200 ms to connect.
async fn time_to_fallback(address: &str) -> Duration {
    let second = Simulator::start().await.unwrap();
    let keys = [
        "fallback=second",
        "retry.max_attempts=1",
        "timeouts.connect=200ms",
    ];
    let client = client_at(&[address.to_owned(), second.base_url()], &keys).await;
    let start = Instant::now();
    let journey = Journey::new();
    let request = question().with_context(Context::new().with_journey(journey.clone()));
    let answer = client.call(request).await.unwrap().collect().await.unwrap();
    assert_eq!(answer.provider(), "second");
    assert_eq!(second.journal().len(), 1);
    let tried = attempts(&journey);
    assert_eq!(tried.len(), 2, "{tried:?}");
    since(start)
}

#[tokio::test]
async fn scenario_02_a_black_hole_ends_at_the_clock_of_the_connection() {
    // A listener whose queue is full answers no SYN.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(waiting) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queue.push(waiting.unwrap());
        assert!(
            queue.len() < 1000,
            "the queue of a listener has no end here"
        );
    }
    let took = time_to_fallback(&format!("http://{address}/v1")).await;
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(3),
        "{took:?}"
    );
    row(
        "2",
        "connect timeout (200 ms here), fallback",
        format!("{took:.0?} to the fallback's answer"),
    );
}

#[tokio::test]
async fn scenario_03_a_handshake_that_stalls_ends_at_the_clock_of_the_connection() {
    // The connection is made by the system, and nobody speaks on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let took = time_to_fallback(&format!("https://{address}/v1")).await;
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(3),
        "{took:?}"
    );
    row(
        "3",
        "connect timeout (200 ms here), fallback",
        format!("{took:.0?} to the fallback's answer"),
    );
}

#[tokio::test]
async fn scenario_04_a_head_that_never_comes_is_a_timeout_that_is_tried_again() {
    for streamed in [true, false] {
        let sim = Simulator::start().await.unwrap();
        sim.on(Rule::any().times(1).fault(Fault::StallHead(Stall::Forever)));
        // With one slot, a permit that was kept would leave none for the second attempt.
        let clock = match streamed {
            true => "timeout.first_token=500ms",
            false => "timeout.attempt=500ms",
        };
        let keys = ["concurrency.max=1", "retry.base_delay=1ms", clock];
        let client = client(&[&sim], &keys).await;
        let request = question().with_stream(streamed);
        let answer = client.call(request).await.unwrap();
        assert_eq!(answer.head().attempts(), 2);
        answer.collect().await.unwrap();
        sim.wait_for(|sim| sim.stats().live_requests() == 0).await;
        assert!(
            sim.journal()[0].cancelled(),
            "the silent exchange was closed"
        );
        client.complete("Hi").await.unwrap();
    }
    row(
        "4",
        "timeout, tried again, no permit kept",
        "2 attempts, the one slot is free",
    );
}
