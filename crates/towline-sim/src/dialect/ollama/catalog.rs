//! What is on the machine: `/api/tags`, `/api/show`, `/api/version`.

use super::{CREATED, Fail, check_model, tagged, whole};
use crate::{
    DEFAULT_EMBEDDING_MODEL,
    dialect::{
        Scene,
        field::{Wrong, body, text},
    },
    plan::Plan,
    seed,
};
use http::StatusCode;
use serde_json::{Value, json};

/// The version whose API this is.
const VERSION: &str = "0.12.6";
/// Tokens of a window, as `/api/show` tells it.
const WINDOW: u64 = 131_072;

pub(super) fn version(_: &Scene<'_>) -> Result<Plan, Fail> {
    Ok(whole(StatusCode::OK, &json!({"version": VERSION})))
}

pub(super) fn tags(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let mut names: Vec<String> = scene.settings.listed().into_iter().map(tagged).collect();
    for pulled in scene.memory.pulled() {
        let pulled = tagged(&pulled);
        if !names.contains(&pulled) {
            names.push(pulled);
        }
    }
    let models = names.iter().map(|name| {
        json!({
            "name": name,
            "model": name,
            "modified_at": CREATED,
            "size": 4_000_000_000_u64,
            "digest": digest(name),
            "details": details(name),
        })
    });
    let body = json!({"models": models.collect::<Vec<_>>()});
    Ok(whole(StatusCode::OK, &body))
}

pub(super) fn show(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let body = body(scene)?;
    let name = model(body)?;
    check_model(scene, name)?;
    let embeds = name.starts_with(DEFAULT_EMBEDDING_MODEL);
    let capabilities = if embeds {
        json!(["embedding"])
    } else {
        json!(["completion", "tools", "thinking", "vision"])
    };
    let body = json!({
        "license": "",
        "modelfile": format!("FROM {name}\n"),
        "parameters": "temperature 0.7",
        "template": "{{ .Prompt }}",
        "details": details(name),
        "model_info": {
            "general.architecture": "sim",
            "general.parameter_count": 8_000_000_000_u64,
            "sim.context_length": WINDOW,
            "sim.embedding_length": 768,
        },
        "capabilities": capabilities,
        "modified_at": CREATED,
    });
    Ok(whole(StatusCode::OK, &body))
}

/// The model of a request, which older clients call `name`.
pub(super) fn model(body: &Value) -> Result<&str, Wrong> {
    let name = text(body, "model")?.or(text(body, "name")?);
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| Wrong::missing("model", "the name of a model"))
}

/// A digest that belongs to the name.
pub(super) fn digest(name: &str) -> String {
    let words = (0..4_u64).map(|part| format!("{:016x}", seed::hash(part, name.as_bytes())));
    words.collect()
}

fn details(name: &str) -> Value {
    let size = name.split_once(':').map_or("latest", |(_, tag)| tag);
    json!({
        "parent_model": "",
        "format": "gguf",
        "family": "sim",
        "families": ["sim"],
        "parameter_size": if size == "latest" { "8.0B" } else { size },
        "quantization_level": "Q4_K_M",
    })
}
