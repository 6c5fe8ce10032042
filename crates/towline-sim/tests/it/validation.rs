//! What a provider refuses, the simulator refuses.

use crate::{CHAT, ask, post, raw::Raw};
use serde_json::{Value, json};
use towline_sim::{DEFAULT_MODEL, Simulator};

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    for body in ["{\"model\": ", "", "[]"] {
        client.send("POST", CHAT, &[], body.as_bytes()).await;
        let seen = client.receive().await.unwrap();
        assert_eq!(seen.status, 400, "{body}");
        assert_eq!(seen.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let cases: Value = serde_json::from_str(include_str!("validation/bad-fields.json")).unwrap();
    let sim = Simulator::start().await.unwrap();
    for case in cases.as_array().unwrap() {
        let mut body = ask("x");
        for (name, value) in case["set"].as_object().unwrap() {
            body[name] = value.clone();
        }
        let seen = post(&sim, CHAT, &body).await;
        let error = &seen.json()["error"];
        assert_eq!(
            (seen.status, &error["param"]),
            (400, &case["param"]),
            "{body}"
        );
        assert_eq!(error["code"], case["code"], "{body}");
        assert!(error["message"].as_str().unwrap().contains('\''), "{error}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_error_shape() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let seen = client.get("/v2/nothing").await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (404, &json!("unknown_url"))
    );
    assert_eq!(client.get(CHAT).await.status, 405);
}

#[tokio::test]
async fn any_model_is_served_until_some_are_named() {
    let sim = Simulator::start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let listed = client.get("/v1/models").await.json();
    assert_eq!(
        (&listed["object"], &listed["data"][0]["id"]),
        (&json!("list"), &json!(DEFAULT_MODEL))
    );
    assert_eq!(
        client.get("/v1/models/anything").await.json()["id"],
        "anything"
    );

    let sim = Simulator::builder()
        .model("only-one")
        .start()
        .await
        .unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    assert_eq!(
        client.get("/v1/models").await.json()["data"][0]["id"],
        "only-one"
    );
    assert_eq!(client.get("/v1/models/other").await.status, 404);
    let seen = client.post(CHAT, &ask("x")).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
    let mut body = ask("x");
    body["model"] = json!("only-one");
    assert_eq!(client.post(CHAT, &body).await.status, 200);
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_refused_without_repeating_it() {
    let sim = Simulator::builder().key("sk-right").start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = ask("x").to_string();
    for (header, status) in [
        ("x-none: 1", 401),
        ("authorization: Bearer sk-planted", 401),
        ("authorization: Basic sk-right", 401),
        ("authorization: Bearer sk-right", 200),
    ] {
        client.send("POST", CHAT, &[header], body.as_bytes()).await;
        let seen = client.receive().await.unwrap();
        assert_eq!(seen.status, status, "{header}");
        assert!(!seen.text().contains("sk-planted"));
        if status == 401 {
            assert_eq!(seen.json()["error"]["code"], "invalid_api_key");
        }
    }
    assert_eq!(
        client.get("/health").await.status,
        200,
        "health needs no key"
    );
}
