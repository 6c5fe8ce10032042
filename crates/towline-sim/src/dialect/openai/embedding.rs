//! `POST /v1/embeddings`: unit vectors that depend on the text alone.
//!
//! A vector is the sum of one direction per word, so texts that share words are near each other and
//! a search over them finds what one expects.

use super::{
    Fail, model,
    request::{body, kind_of, text},
};
use crate::{DEFAULT_EMBEDDING_MODEL, assistant::tokens, dialect::Scene, plan::Plan, seed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

const DIMENSIONS: usize = 1536;
const MAX_DIMENSIONS: usize = 3072;
const MAX_INPUTS: usize = 2048;

pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let body = body(scene)?;
    let name = text(body, "model")?.unwrap_or(DEFAULT_EMBEDDING_MODEL);
    model::check(scene, name)?;
    let inputs = inputs(body)?;
    let dimensions = dimensions(body)?;
    let base64 = match text(body, "encoding_format")? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("'{other}' is not one of 'float' and 'base64'.");
            return Err(Fail::invalid(
                "encoding_format",
                Some("invalid_value"),
                message,
            ));
        }
    };
    let data = inputs.iter().enumerate().map(|(index, (text, _))| {
        let vector = vector(text, dimensions);
        let embedding = if base64 {
            encoded(&vector)
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let data: Vec<Value> = data.collect();
    let used: u64 = inputs.iter().map(|(_, tokens)| tokens).sum();
    let body = json!({
        "object": "list",
        "data": data,
        "model": name,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    });
    Ok(Plan::json(StatusCode::OK, &body))
}

/// Each input as text, with its tokens. Token numbers are spelled out.
fn inputs(body: &Value) -> Result<Vec<(String, u64)>, Fail> {
    let input = body.get("input").filter(|input| !input.is_null());
    let Some(input) = input else {
        let message = "'input' is required: a text, or a list of texts.";
        return Err(Fail::invalid(
            "input",
            Some("missing_required_parameter"),
            message,
        ));
    };
    let read = match input {
        Value::String(text) => vec![one(text)],
        Value::Array(items) if items.iter().all(Value::is_number) && !items.is_empty() => {
            vec![numbers(items)]
        }
        Value::Array(items) => {
            let each = items.iter().enumerate().map(|(index, item)| match item {
                Value::String(text) => Ok(one(text)),
                Value::Array(items) if items.iter().all(Value::is_number) => Ok(numbers(items)),
                other => Err(wrong_input(&format!("input[{index}]"), other)),
            });
            each.collect::<Result<_, _>>()?
        }
        other => return Err(wrong_input("input", other)),
    };
    if read.is_empty() || read.len() > MAX_INPUTS || read.iter().any(|(text, _)| text.is_empty()) {
        let message = format!("'input' takes 1 to {MAX_INPUTS} texts, none of them empty.");
        return Err(Fail::invalid("input", Some("invalid_value"), message));
    }
    Ok(read)
}

fn one(text: &str) -> (String, u64) {
    (text.to_owned(), tokens(text).max(1))
}

fn numbers(items: &[Value]) -> (String, u64) {
    let spelled: Vec<String> = items.iter().map(Value::to_string).collect();
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    (spelled.join(" "), count)
}

fn wrong_input(param: &str, found: &Value) -> Fail {
    let message = format!(
        "'{param}' must be a text or a list of token numbers, not {}.",
        kind_of(found)
    );
    Fail::invalid(param, Some("invalid_type"), message)
}

fn dimensions(body: &Value) -> Result<usize, Fail> {
    let Some(value) = body.get("dimensions").filter(|value| !value.is_null()) else {
        return Ok(DIMENSIONS);
    };
    let number = value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    match number {
        Some(number @ 1..=MAX_DIMENSIONS) => Ok(number),
        _ => {
            let message = format!("'dimensions' must be a number from 1 to {MAX_DIMENSIONS}.");
            Err(Fail::invalid("dimensions", Some("invalid_value"), message))
        }
    }
}

/// A vector of length 1.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimensions];
    let lower = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric();
    let words = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    // The whole text weighs little: it tells apart what has the same words.
    add(&mut sum, seed::hash(1, text.as_bytes()), 0.1);
    for word in words {
        add(&mut sum, seed::hash(2, word.as_bytes()), 1.0);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter_mut().for_each(|x| *x /= length);
    sum
}

fn add(sum: &mut [f32], seed: u64, weight: f32) {
    let mut draw = seed::Draw::new(seed);
    for part in sum.chunks_mut(4) {
        for (x, more) in part.iter_mut().zip(draw.quad()) {
            *x += more * weight;
        }
    }
}

/// Little-endian 32-bit floats, as the official clients ask for by default.
fn encoded(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
