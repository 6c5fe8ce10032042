//! `/v1/embeddings`.

use crate::post;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use towline_sim::Simulator;

const EMBEDDINGS: &str = "/v1/embeddings";

async fn embed(body: Value) -> Value {
    let sim = Simulator::start().await.unwrap();
    post(&sim, EMBEDDINGS, &body).await.json()
}

fn vector(answer: &Value, index: usize) -> Vec<f64> {
    let numbers = answer["data"][index]["embedding"].as_array().unwrap();
    numbers.iter().map(|x| x.as_f64().unwrap()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[tokio::test]
async fn vectors_have_length_one_and_near_texts_are_near() {
    let texts = json!([
        "the cat sat on the mat",
        "a cat sat on a mat",
        "quarterly tax report"
    ]);
    let answer = embed(json!({"model": "e", "input": texts})).await;
    let [a, b, c] = [0, 1, 2].map(|index| vector(&answer, index));
    assert_eq!(a.len(), 1536);
    assert!((dot(&a, &a) - 1.0).abs() < 1e-4);
    assert!(
        dot(&a, &b) > 0.4 && dot(&a, &c) < 0.2,
        "{} {}",
        dot(&a, &b),
        dot(&a, &c)
    );
    assert_eq!(answer["usage"]["prompt_tokens"], 6 + 5 + 5);
    assert_eq!(answer["model"], "e");
    assert_eq!(answer["data"][2]["index"], 2);
}

#[tokio::test]
async fn base64_holds_the_same_numbers() {
    let input = json!("hello");
    let floats = embed(json!({"model": "e", "input": input, "dimensions": 7})).await;
    let coded =
        embed(json!({"model": "e", "input": input, "dimensions": 7, "encoding_format": "base64"}))
            .await;
    let bytes = STANDARD
        .decode(coded["data"][0]["embedding"].as_str().unwrap())
        .unwrap();
    let numbers: Vec<f32> = bytes
        .chunks(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let expected = vector(&floats, 0);
    assert_eq!((numbers.len(), expected.len()), (7, 7));
    assert!(
        numbers
            .iter()
            .zip(expected)
            .all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6)
    );
}

#[tokio::test]
async fn token_numbers_are_input_too() {
    let answer = embed(json!({"model": "e", "input": [1, 2, 3], "dimensions": 4})).await;
    assert_eq!(
        (
            answer["data"].as_array().unwrap().len(),
            &answer["usage"]["total_tokens"]
        ),
        (1, &json!(3))
    );
    let answer = embed(json!({"model": "e", "input": [[1, 2], [3]], "dimensions": 4})).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_bad_input_is_named() {
    let sim = Simulator::start().await.unwrap();
    for (body, param) in [
        (json!({"model": "e"}), "input"),
        (json!({"model": "e", "input": []}), "input"),
        (json!({"model": "e", "input": ["a", ""]}), "input"),
        (json!({"model": "e", "input": ["a", true]}), "input[1]"),
        (
            json!({"model": "e", "input": "a", "dimensions": 0}),
            "dimensions",
        ),
        (
            json!({"model": "e", "input": "a", "encoding_format": "hex"}),
            "encoding_format",
        ),
    ] {
        let seen = post(&sim, EMBEDDINGS, &body).await;
        assert_eq!(
            (seen.status, &seen.json()["error"]["param"]),
            (400, &json!(param)),
            "{body}"
        );
    }
}
