//! What the Anthropic dialect refuses.

use super::{MESSAGES, VERSION, ask, post, send};
use crate::{raw::Raw, with};
use serde_json::{Value, json};
use towline_sim::{Fault, Rule, Simulator};

#[tokio::test]
async fn a_bad_field_is_named() {
    let cases: Value = serde_json::from_str(include_str!("bad-fields.json")).unwrap();
    let sim = Simulator::start().await.unwrap();
    for case in cases.as_array().unwrap() {
        let mut body = ask("x");
        for (name, value) in case["set"].as_object().unwrap() {
            body[name] = value.clone();
        }
        let seen = post(&sim, &body).await;
        let error = &seen.json()["error"];
        assert_eq!(
            (seen.status, &error["type"]),
            (400, &json!("invalid_request_error")),
            "{body}"
        );
        let message = error["message"].as_str().unwrap();
        let at = case["at"].as_str().unwrap();
        assert!(message.starts_with(&format!("{at}: ")), "{at}: {message}");
    }
}

#[tokio::test]
async fn every_error_has_the_envelope() {
    let sim = with(Rule::any().times(1).fault(Fault::status(529))).await;
    let seen = post(&sim, &ask("x")).await;
    let body = seen.json();
    assert_eq!(seen.status, 529);
    assert_eq!(body["type"], "error");
    assert_eq!(body["error"]["type"], "overloaded_error");
    assert_eq!(body["request_id"].as_str(), seen.header("request-id"));

    for (method, path, status, kind) in [
        ("GET", MESSAGES, 405, "invalid_request_error"),
        ("POST", "/v1/messages/nothing", 404, "not_found_error"),
    ] {
        let seen = send(&sim, method, path, &ask("x")).await;
        assert_eq!(
            (seen.status, &seen.json()["error"]["type"]),
            (status, &json!(kind))
        );
    }
    let unversioned = crate::post(&sim, MESSAGES, &ask("x")).await;
    assert_eq!(unversioned.status, 400);
    assert!(unversioned.text().contains("anthropic-version: header"));
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let sim = Simulator::builder().model("only").start().await.unwrap();
    let seen = post(&sim, &ask("x")).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]),
        (
            404,
            &json!({"type": "not_found_error", "message": "model: m"})
        )
    );
}

#[tokio::test]
async fn the_key_is_taken_from_its_own_header() {
    let sim = Simulator::builder().key("sk-right").start().await.unwrap();
    let mut client = Raw::connect(sim.addr()).await;
    let body = ask("x").to_string();
    for (header, status) in [
        ("x-none: 1", 401),
        ("x-api-key: sk-planted", 401),
        ("x-api-key: sk-right", 200),
        ("authorization: Bearer sk-right", 200),
    ] {
        client
            .send("POST", MESSAGES, &[VERSION, header], body.as_bytes())
            .await;
        let seen = client.receive().await.unwrap();
        assert_eq!(seen.status, status, "{header}");
        assert!(!seen.text().contains("sk-planted"));
        if status == 401 {
            assert_eq!(seen.json()["error"]["type"], "authentication_error");
        }
    }
}
