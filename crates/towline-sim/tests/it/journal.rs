//! What the simulator tells about its clients, and how it ends.

use crate::{
    CHAT, ask, ask_streamed,
    raw::{End, Raw},
    with,
};
use tokio::net::TcpStream;
use towline_core::ErrorKind;
use towline_sim::{Fault, Outcome, Rule, Simulator, Stall};

async fn stalled() -> Simulator {
    with(Rule::any().fault(Fault::StallAfterEvents(2, Stall::Forever))).await
}

async fn open_stream(sim: &Simulator) -> Raw {
    let mut client = Raw::connect(sim.addr()).await;
    client
        .send("POST", CHAT, &[], ask_streamed("x").to_string().as_bytes())
        .await;
    client.receive_head().await.unwrap();
    client.chunk().await.unwrap();
    client.chunk().await.unwrap();
    client
}

#[tokio::test]
async fn holds_what_was_received() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = ask("hello").to_string();
    let path = format!("{CHAT}?api-version=1");
    client
        .send(
            "POST",
            &path,
            &["authorization: Bearer sk-planted", "x-a: b"],
            body.as_bytes(),
        )
        .await;
    client.receive().await.unwrap();
    client.get("/health").await;
    Raw::connect(sim.addr()).await.get("/health").await;

    let journal = sim.journal();
    let first = &journal[0];
    assert_eq!(
        (first.method().as_str(), first.path(), first.query()),
        ("POST", CHAT, Some("api-version=1"))
    );
    assert_eq!(
        (first.bearer(), first.header("x-a")),
        (Some("sk-planted"), Some("b"))
    );
    assert_eq!(first.body(), body.as_bytes());
    assert_eq!(first.json(), Some(ask("hello")));
    assert_eq!(
        (first.status(), first.streamed(), first.outcome()),
        (Some(200), false, Outcome::Complete)
    );
    assert!(first.bytes_sent() > 100);
    let ids: Vec<_> = journal.iter().map(|e| (e.id(), e.connection())).collect();
    assert_eq!(ids, [(1, 1), (2, 1), (3, 2)]);
    assert!(
        !format!("{sim:?} {journal:?}").contains("sk-planted"),
        "no key in Debug"
    );
}

#[tokio::test]
async fn tells_when_a_client_leaves_in_the_middle() {
    let sim = stalled().await;
    let client = open_stream(&sim).await;
    assert_eq!(sim.journal()[0].outcome(), Outcome::Open);
    assert_eq!(sim.stats().live_streams(), 1);

    drop(client);
    sim.wait_for(|sim| sim.journal()[0].cancelled()).await;

    let exchange = &sim.journal()[0];
    assert_eq!((exchange.events_sent(), exchange.streamed()), (2, true));
    assert_eq!(sim.stats().live_streams(), 0);
    sim.wait_for(|sim| sim.stats().live_connections() == 0)
        .await;
}

#[tokio::test]
async fn counts_connections_and_streams() {
    let sim = stalled().await;
    let first = open_stream(&sim).await;
    let second = open_stream(&sim).await;
    drop(first);
    sim.wait_for(|sim| sim.stats().live_streams() == 1).await;
    let third = open_stream(&sim).await;
    let stats = sim.stats();
    assert_eq!((stats.connections(), stats.requests()), (3, 3));
    assert_eq!((stats.live_streams(), stats.peak_live_streams()), (2, 2));
    assert_eq!(stats.live_requests(), 2);
    drop((second, third));
    sim.wait_for(|sim| sim.stats().live_connections() == 0)
        .await;
}

#[tokio::test]
async fn keeps_the_newest_exchanges() {
    let sim = Simulator::builder().journal_limit(2).start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    for _ in 0..3 {
        client.get("/health").await;
    }
    let ids: Vec<_> = sim
        .journal()
        .iter()
        .map(towline_sim::Exchange::id)
        .collect();
    assert_eq!(ids, [2, 3]);
    assert_eq!(sim.stats().requests(), 3);
}

#[tokio::test]
async fn shutdown_ends_everything_before_it_returns() {
    let sim = stalled().await;
    let mut client = open_stream(&sim).await;

    sim.shutdown().await;

    assert_eq!(sim.journal()[0].outcome(), Outcome::Stopped);
    let stats = sim.stats();
    assert_eq!((stats.live_connections(), stats.live_streams()), (0, 0));
    assert_eq!(client.rest().await, (Vec::new(), End::Fin));
    assert!(
        TcpStream::connect(sim.addr()).await.is_err(),
        "nobody listens"
    );
    sim.shutdown().await;
}

#[tokio::test]
async fn drop_ends_everything() {
    let sim = stalled().await;
    let addr = sim.addr();
    let mut client = open_stream(&sim).await;
    drop(sim);
    assert_eq!(client.rest().await.1, End::Fin);
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn an_address_in_use_is_a_configuration_error_that_names_it() {
    let sim = Simulator::start().await.unwrap();
    let error = Simulator::builder()
        .listen(sim.addr())
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains(&sim.addr().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn the_same_requests_get_the_same_answers_again() {
    let mut answers = Vec::new();
    for seed in [1, 1, 2] {
        let sim = Simulator::builder().seed(seed).start().await.unwrap();
        let mut client = Raw::connect(sim.addr()).await;
        let whole = client.post(CHAT, &ask("x")).await;
        let stream = client.post(CHAT, &ask_streamed("x")).await;
        let id = whole.header("x-request-id").unwrap().to_owned();
        answers.push((whole.text(), stream.text(), id));
    }
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[2]);
}
