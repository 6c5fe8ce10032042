//! `POST /api/embed`.

use super::{Fail, catalog::model, check_model, whole};
use crate::{
    assistant::tokens,
    dialect::{
        Scene,
        field::{Wrong, body, count, given},
        vector,
    },
    plan::Plan,
};
use http::StatusCode;
use serde_json::{Value, json};

const DIMENSIONS: u64 = 768;
const MAX_DIMENSIONS: u64 = 4_096;

pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let body = body(scene)?;
    let name = model(body)?;
    check_model(scene, name)?;
    let inputs = inputs(body)?;
    let dimensions = count(body, "dimensions", 1)?.unwrap_or(DIMENSIONS);
    let dimensions = usize::try_from(dimensions.min(MAX_DIMENSIONS)).unwrap_or_default();
    let vectors: Vec<Vec<f32>> = inputs
        .iter()
        .map(|text| vector::of(text, dimensions))
        .collect();
    let read: u64 = inputs.iter().map(|text| tokens(text)).sum();
    let body = json!({
        "model": name,
        "embeddings": vectors,
        "total_duration": 14_000_000 + read * 10_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": read,
    });
    Ok(whole(StatusCode::OK, &body))
}

fn inputs(body: &Value) -> Result<Vec<&str>, Wrong> {
    match given(body, "input") {
        None => Err(Wrong::missing("input", "a text, or a list of texts")),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) => {
            let each = items.iter().enumerate().map(|(index, item)| {
                let wrong = || Wrong::kind(format!("input[{index}]"), "a string", item);
                item.as_str().ok_or_else(wrong)
            });
            each.collect()
        }
        Some(other) => Err(Wrong::kind("input", "a string or an array", other)),
    }
}
