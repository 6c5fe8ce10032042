//! Each way in which a client can be wrong, and what is said of it.

use crate::fixture::{client, settings};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;
use towline_core::{Error, ErrorKind};
use towline_sim::{Fault, Reply, Rule, Simulator, Stall};

/// What validation says of a simulator with one rule.
async fn verdict(rule: Rule) -> Error {
    let sim = Simulator::start().await.unwrap();
    sim.on(rule);
    client(&sim).await.validate().await.unwrap_err()
}

fn assert_blames(error: &Error, kind: ErrorKind, part: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().unwrap().starts_with(part), "{error}");
    assert_eq!(error.provider(), Some("openai"));
}

#[tokio::test]
async fn a_good_client_is_verified_at_no_cost() {
    let sim = Simulator::builder().key("sk-good").start().await.unwrap();
    let settings = settings(&sim.base_url(), &["towline.openai.api_key=sk-good"]);
    let client = towline::connect(&settings).await.unwrap();
    let validation = client.validate().await.unwrap();
    assert!(validation.is_verified());
    assert_eq!(
        validation.to_string(),
        "openai: key, address and model sim-chat are good"
    );
    let journal = sim.journal();
    assert_eq!((journal.len(), journal[0].path()), (1, "/v1/models"));
}

#[tokio::test]
async fn a_refused_key_is_the_keys_fault() {
    let sim = Simulator::builder().key("sk-good").start().await.unwrap();
    let settings = settings(
        &sim.base_url(),
        &["towline.openai.api_key=sk-bad-0123456789"],
    );
    let error = towline::connect(&settings)
        .await
        .unwrap()
        .validate()
        .await
        .unwrap_err();
    assert_blames(&error, ErrorKind::Auth, "key (--set");
    assert!(
        !error.report().to_string().contains("0123456789"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_told_without_a_call() {
    let sim = Simulator::start().await.unwrap();
    for key in [
        "Bearer sk-123456",
        "sk-12 34",
        "<your key>",
        "sk-...",
        "'sk-123456'",
    ] {
        let settings = settings(&sim.base_url(), &[&format!("towline.openai.api_key={key}")]);
        let error = towline::connect(&settings)
            .await
            .unwrap()
            .validate()
            .await
            .unwrap_err();
        assert_blames(&error, ErrorKind::Config, "key");
        assert!(!error.to_string().contains(key), "{error}");
    }
    assert!(sim.journal().is_empty());
}

#[tokio::test]
async fn a_key_without_permission_is_the_keys_fault() {
    let error = verdict(Rule::any().fault(Fault::status(403))).await;
    assert_blames(&error, ErrorKind::Permission, "key");
}

#[tokio::test]
async fn a_model_that_is_not_listed_is_told_with_those_like_it() {
    let sim = Simulator::builder()
        .model("sim-chat-2")
        .model("other")
        .start()
        .await
        .unwrap();
    let error = client(&sim).await.validate().await.unwrap_err();
    assert_blames(&error, ErrorKind::NotFound, "model: sim-chat is not");
    assert!(
        error.to_string().contains("did you mean sim-chat-2?"),
        "{error}"
    );

    let sim = Simulator::builder().model("xyzzy").start().await.unwrap();
    let error = client(&sim).await.validate().await.unwrap_err();
    assert!(
        error.to_string().contains("it has 1 models, such as xyzzy"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_the_networks_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = settings(&format!("http://{address}/v1"), &[]);
    let error = towline::connect(&settings)
        .await
        .unwrap()
        .validate()
        .await
        .unwrap_err();
    assert_blames(&error, ErrorKind::Transport, "network: ");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_the_networks_fault() {
    let settings = settings("http://no-such-host.invalid/v1", &[]);
    let error = towline::connect(&settings)
        .await
        .unwrap()
        .validate()
        .await
        .unwrap_err();
    assert_blames(&error, ErrorKind::Transport, "network: ");
    assert!(
        error.to_string().contains("no-such-host.invalid"),
        "{error}"
    );
}

#[tokio::test]
async fn a_page_instead_of_an_api_is_the_addresss_fault() {
    let page = Reply::raw(200, [("content-type", "text/html")], "<html>Welcome</html>");
    let error = verdict(Rule::any().respond(page)).await;
    assert_blames(&error, ErrorKind::Protocol, "URL");
}

#[tokio::test]
async fn a_server_that_fails_is_not_blamed_on_the_settings() {
    let error = verdict(Rule::any().fault(Fault::status(500))).await;
    assert_blames(&error, ErrorKind::Server, "provider: the address is good");
    let error = verdict(Rule::any().fault(Fault::status(503))).await;
    assert_blames(
        &error,
        ErrorKind::Overloaded,
        "provider: the address is good",
    );
    let limited = Fault::status(429).with_header("retry-after", "7");
    let error = verdict(Rule::any().fault(limited)).await;
    assert_blames(
        &error,
        ErrorKind::RateLimit,
        "account: key and address are good",
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_server_without_a_list_is_reachable_and_no_more_is_claimed() {
    for status in [404, 501] {
        let sim = Simulator::start().await.unwrap();
        sim.on(Rule::any().fault(Fault::status(status)));
        let validation = client(&sim).await.validate().await.unwrap();
        assert!(!validation.is_verified(), "{status}");
        let text = validation.to_string();
        assert!(
            text.starts_with("openai: reachable, could not be verified: "),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_empty_list_proves_nothing() {
    let sim = Simulator::start().await.unwrap();
    let empty = Reply::json(200, json!({"object": "list", "data": []}));
    sim.on(Rule::any().respond(empty));
    let validation = client(&sim).await.validate().await.unwrap();
    assert_eq!(validation.unverified(), Some("its list of models is empty"));
}

/// The socket is real and the clock is not: it runs on when the call waits for the answer.
#[tokio::test]
async fn a_silent_server_is_given_up_within_the_probes_own_limit() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::StallHead(Stall::Forever)));
    let client = client(&sim).await;
    let mut validating = std::pin::pin!(client.validate());
    tokio::select! {
        verdict = &mut validating => panic!("{verdict:?}"),
        () = sim.wait_for(|sim| sim.stats().requests() == 1) => {}
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    let error = validating.await.unwrap_err();
    assert_blames(&error, ErrorKind::Timeout, "network: no answer within 10s");
}

#[tokio::test]
async fn a_reserve_that_takes_the_whole_window_is_a_warning() {
    let sim = Simulator::start().await.unwrap();
    let set = [
        "towline.openai.context_window=4096",
        "towline.openai.reserve_completion=4096",
    ];
    let client = towline::connect(&settings(&sim.base_url(), &set))
        .await
        .unwrap();
    let validation = client.validate().await.unwrap();
    assert!(validation.is_verified());
    assert!(validation.warnings()[0].contains("no tokens are left"));
}

#[tokio::test]
async fn a_name_that_the_list_spells_longer_is_found() {
    for listed in ["models/sim-chat", "SIM-CHAT", "sim-chat:latest"] {
        let sim = Simulator::builder().model(listed).start().await.unwrap();
        assert!(
            client(&sim).await.validate().await.unwrap().is_verified(),
            "{listed}"
        );
    }
}
