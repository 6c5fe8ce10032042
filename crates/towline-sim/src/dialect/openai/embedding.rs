//! `POST /v1/embeddings`.

use super::{Fail, model};
use crate::{
    DEFAULT_EMBEDDING_MODEL,
    assistant::tokens,
    dialect::{
        Scene,
        field::{Wrong, body, given, text},
        vector,
    },
    plan::Plan,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

const DIMENSIONS: usize = 1536;
const MAX_DIMENSIONS: usize = 3072;
const MAX_INPUTS: usize = 2048;

pub(in crate::dialect) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let body = body(scene)?;
    let name = text(body, "model")?.unwrap_or(DEFAULT_EMBEDDING_MODEL);
    model::check(scene, name)?;
    let inputs = inputs(body)?;
    let dimensions = dimensions(body)?;
    let base64 = match text(body, "encoding_format")? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let known = ["float", "base64"];
            return Err(Wrong::word("encoding_format", other, &known).into());
        }
    };
    let data = inputs.iter().enumerate().map(|(index, (text, _))| {
        let vector = vector::of(text, dimensions);
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
fn inputs(body: &Value) -> Result<Vec<(String, u64)>, Wrong> {
    let Some(input) = given(body, "input") else {
        return Err(Wrong::missing("input", "a text, or a list of texts"));
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
                other => Err(wrong_input(format!("input[{index}]"), other)),
            });
            each.collect::<Result<_, _>>()?
        }
        other => return Err(wrong_input("input".to_owned(), other)),
    };
    if read.is_empty() || read.len() > MAX_INPUTS || read.iter().any(|(text, _)| text.is_empty()) {
        let what = format!("takes 1 to {MAX_INPUTS} texts, none of them empty");
        return Err(Wrong::value("input", what));
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

fn wrong_input(at: String, found: &Value) -> Wrong {
    Wrong::kind(at, "a text or a list of token numbers", found)
}

fn dimensions(body: &Value) -> Result<usize, Wrong> {
    let Some(value) = given(body, "dimensions") else {
        return Ok(DIMENSIONS);
    };
    let number = value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    match number {
        Some(number @ 1..=MAX_DIMENSIONS) => Ok(number),
        _ => {
            let what = format!("must be a number from 1 to {MAX_DIMENSIONS}");
            Err(Wrong::value("dimensions", what))
        }
    }
}

/// Little-endian 32-bit floats, as the official clients ask for by default.
fn encoded(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
