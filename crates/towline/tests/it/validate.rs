//! Each way in which a client can be wrong, and what is said of it.

use crate::fixture::{client, settings, vendor_settings};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;
use towline_config::{Format, Loader};
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
    assert_eq!(
        validation.to_string(),
        "openai: address and model sim-chat are good; the key was not tested: the list of models \
         may be open to all"
    );
    let journal = sim.journal();
    assert_eq!((journal.len(), journal[0].path()), (1, "/v1/models"));
}

#[tokio::test]
async fn a_key_is_called_good_only_where_the_list_of_models_needs_it() {
    let sim = Simulator::builder().model("m").start().await.unwrap();
    for (vendor, base, expected) in [
        (
            "azure",
            sim.origin(),
            "azure: key, address and model m are good",
        ),
        (
            "openrouter",
            sim.base_url(),
            "openrouter: address and model m are good; the key was not tested",
        ),
        (
            "llamacpp",
            sim.base_url(),
            "llamacpp: address and model m are good; the key was not tested",
        ),
    ] {
        let client = towline::connect(&vendor_settings(vendor, &base))
            .await
            .unwrap();
        let validation = client.validate().await.unwrap();
        assert!(validation.to_string().starts_with(expected), "{validation}");
        assert_eq!(validation.is_verified(), vendor == "azure", "{vendor}");
    }
}

#[tokio::test]
async fn without_a_key_none_is_called_good() {
    let sim = Simulator::start().await.unwrap();
    let validation = client(&sim).await.validate().await.unwrap();
    assert!(validation.is_verified());
    assert_eq!(
        validation.to_string(),
        "openai: address and model sim-chat are good"
    );
}

#[tokio::test]
async fn a_key_that_is_wanted_and_not_set_is_told() {
    let error = verdict(Rule::any().fault(Fault::status(401))).await;
    assert_blames(
        &error,
        ErrorKind::Auth,
        "access: it asks for a key, and openai has no api_key",
    );
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
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::status(403)));
    let settings = settings(&sim.base_url(), &["towline.openai.api_key=sk-good"]);
    let client = towline::connect(&settings).await.unwrap();
    let error = client.validate().await.unwrap_err();
    assert_blames(&error, ErrorKind::Permission, "key (--set) is known");
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
    assert_blames(&error, ErrorKind::RateLimit, "account: the address is good");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_server_without_a_list_is_reachable_and_no_more_is_claimed() {
    for (vendor, status) in [
        ("openai-compatible", 404),
        ("perplexity", 404),
        ("vllm", 501),
    ] {
        let sim = Simulator::start().await.unwrap();
        sim.on(Rule::any().fault(Fault::status(status)));
        let client = towline::connect(&vendor_settings(vendor, &sim.base_url()))
            .await
            .unwrap();
        let validation = client.validate().await.unwrap();
        assert!(!validation.is_verified(), "{vendor}");
        let text = validation.to_string();
        let expected = format!("{vendor}: reachable, could not be verified: ");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[tokio::test]
async fn an_address_without_the_list_that_has_to_be_there_is_told_with_its_setting() {
    let sim = Simulator::start().await.unwrap();
    sim.on(Rule::any().fault(Fault::status(404)));
    for (vendor, setting) in [
        ("openai", "towline.openai.base_url / OPENAI_BASE_URL"),
        ("vllm", "towline.vllm.base_url / VLLM_BASE_URL"),
        ("ollama", "towline.ollama.base_url / OLLAMA_BASE_URL"),
        ("azure", "towline.azure.endpoint / AZURE_API_BASE"),
    ] {
        let client = towline::connect(&vendor_settings(vendor, &sim.origin()))
            .await
            .unwrap();
        let error = client.validate().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let message = error.message().unwrap();
        assert!(message.starts_with("URL: "), "{message}");
        assert!(message.contains(setting), "{message}");
        assert!(message.contains("is probably wrong"), "{message}");
    }
}

#[tokio::test]
async fn the_key_that_was_refused_is_told_with_its_own_place() {
    let sim = Simulator::builder().key("sk-good").start().await.unwrap();
    let name = "TOWLINE_CREDENTIALS_OPENAI_API_KEY";
    let file = "towline.openai.api_key = 'sk-good'";
    let settings = Loader::new()
        .set("towline.llm.model=openai/sim-chat")
        .set(format!("towline.openai.base_url={}", sim.base_url()))
        .text(Format::Toml, "towline.toml", file)
        .env([(name, "sk-bad-0123456789")])
        .load()
        .unwrap();
    let client = towline::connect(&settings).await.unwrap();
    let error = client.complete("Hi").await.unwrap_err();
    let expected = format!("key from environment {name}");
    assert!(error.to_string().contains(&expected), "{error}");
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
