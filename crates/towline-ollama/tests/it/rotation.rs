//! A key that changes between two calls.

use tower::ServiceExt as _;
use towline_core::{EmbeddingRequest, ErrorKind, Request, Secret};
use towline_ollama::{Ollama, OllamaConfig};
use towline_sim::Simulator;
use towline_testkit::credential::{HandedKey, TROUBLE};
use towline_transport::Channel;

fn client(sim: &Simulator, key: &str) -> (Ollama<Channel>, HandedKey) {
    let source = HandedKey::new(key);
    let config = OllamaConfig::builder(sim.origin())
        .api_key(source.credential())
        .header("x-extra", "extra");
    let channel = Channel::builder(sim.origin()).build().unwrap();
    (Ollama::new(config.build().unwrap(), channel), source)
}

#[tokio::test]
async fn the_next_call_of_every_kind_has_the_new_key() {
    let sim = Simulator::builder().key("first-key").key("second-key");
    let sim = sim.start().await.unwrap();
    let (client, source) = client(&sim, "first-key");
    for key in ["first-key", "second-key"] {
        source.hand_over(key);
        let answer = client.clone().oneshot(Request::new("m", "Hi"));
        assert!(answer.await.unwrap().collect().await.is_ok());
        let embed = client.clone().oneshot(EmbeddingRequest::new("e", ["a"]));
        assert!(embed.await.is_ok());
        assert!(client.models().await.is_ok());
        assert!(client.context_window("m").await.is_ok());
    }
    let journal = sim.journal();
    let sent: Vec<_> = journal.iter().map(|call| call.bearer().unwrap()).collect();
    assert_eq!(sent[..4], ["first-key"; 4]);
    assert_eq!(sent[4..], ["second-key"; 4]);
    let extra = |call: &towline_sim::Exchange| call.header("x-extra") == Some("extra");
    assert!(journal.iter().all(extra));
}

#[tokio::test]
async fn a_refused_key_says_why_no_newer_one_is_in_use() {
    let sim = Simulator::builder().key("right-key").start().await.unwrap();
    let (client, _source) = client(&sim, "planted-stale-key");
    let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    let message = error.message().unwrap();
    assert!(message.ends_with(TROUBLE), "{message}");
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[tokio::test]
async fn a_header_that_was_set_by_hand_takes_the_place_of_the_key() {
    let sim = Simulator::builder().key("by-hand").start().await.unwrap();
    let config = OllamaConfig::builder(sim.origin())
        .api_key(Secret::new("not-this"))
        .header("Authorization", "Bearer by-hand");
    let channel = Channel::builder(sim.origin()).build().unwrap();
    let client = Ollama::new(config.build().unwrap(), channel);
    assert!(client.oneshot(Request::new("m", "Hi")).await.is_ok());
}
