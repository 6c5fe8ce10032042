//! What the Responses dialect refuses.

use super::{RESPONSES, ask};
use crate::{post, raw::Raw};
use serde_json::{Value, json};
use towline_sim::Simulator;

#[tokio::test]
async fn a_bad_field_is_named() {
    let cases: Value = serde_json::from_str(include_str!("bad-fields.json")).unwrap();
    let sim = Simulator::start().await.unwrap();
    for case in cases.as_array().unwrap() {
        let mut body = ask("x");
        for (name, value) in case["set"].as_object().unwrap() {
            body[name] = value.clone();
        }
        let seen = post(&sim, RESPONSES, &body).await;
        let error = &seen.json()["error"];
        assert_eq!(
            (seen.status, &error["param"]),
            (400, &case["param"]),
            "{body}"
        );
        assert_eq!(error["code"], case["code"], "{body}");
    }
}

#[tokio::test]
async fn an_unknown_model_is_a_bad_request_here() {
    let sim = Simulator::builder().model("only").start().await.unwrap();
    let seen = post(&sim, RESPONSES, &ask("x")).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (400, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn keys_and_methods_are_those_of_the_openai_dialect() {
    let sim = Simulator::builder().key("sk-right").start().await.unwrap();
    let seen = post(&sim, RESPONSES, &ask("x")).await;
    assert_eq!(
        (seen.status, &seen.json()["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    let sim = Simulator::start().await.unwrap();
    assert_eq!(
        Raw::connect(sim.addr()).await.get(RESPONSES).await.status,
        405
    );
}
