//! A key that changes between two calls.

use tower::ServiceExt as _;
use towline_core::{ErrorKind, Request, Secret};
use towline_openai::{OpenAi, OpenAiConfig};
use towline_sim::Simulator;
use towline_testkit::credential::{HandedKey, TROUBLE};
use towline_transport::Channel;

fn client(sim: &Simulator, key: &str) -> (OpenAi<Channel>, HandedKey) {
    let source = HandedKey::new(key);
    let config = OpenAiConfig::builder(sim.base_url())
        .api_key(source.credential())
        .header("x-extra", "extra");
    let channel = Channel::builder(sim.base_url()).build().unwrap();
    (OpenAi::new(config.build().unwrap(), channel), source)
}

#[tokio::test]
async fn the_next_call_of_every_clone_has_the_new_key() {
    let sim = Simulator::builder().key("first-key").key("second-key");
    let sim = sim.start().await.unwrap();
    let (client, source) = client(&sim, "first-key");
    for key in ["first-key", "second-key"] {
        source.hand_over(key);
        for client in [client.clone(), client.clone()] {
            let answer = client.oneshot(Request::new("m", "Hi")).await.unwrap();
            assert!(answer.collect().await.is_ok());
        }
        assert!(client.models().await.is_ok());
    }
    let journal = sim.journal();
    let sent: Vec<_> = journal.iter().map(|call| call.bearer().unwrap()).collect();
    assert_eq!(sent[..3], ["first-key"; 3]);
    assert_eq!(sent[3..], ["second-key"; 3]);
    assert!(
        journal
            .iter()
            .all(|call| call.header("x-extra") == Some("extra"))
    );
}

#[tokio::test]
async fn a_refused_key_says_why_no_newer_one_is_in_use() {
    let sim = Simulator::builder().key("right-key").start().await.unwrap();
    let (client, _source) = client(&sim, "planted-stale-key");
    let error = client.oneshot(Request::new("m", "Hi")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().unwrap().ends_with(TROUBLE), "{error}");
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[tokio::test]
async fn a_header_that_was_set_by_hand_takes_the_place_of_the_key() {
    let sim = Simulator::builder().key("by-hand").start().await.unwrap();
    let config = OpenAiConfig::builder(sim.base_url())
        .api_key(Secret::new("not-this"))
        .header("Authorization", "Bearer by-hand");
    let channel = Channel::builder(sim.base_url()).build().unwrap();
    let client = OpenAi::new(config.build().unwrap(), channel);
    assert!(client.oneshot(Request::new("m", "Hi")).await.is_ok());
}
