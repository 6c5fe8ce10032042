//! `GET /v1/models`, and which model names are served.

use super::{Fail, MODELS};
use crate::{dialect::Scene, plan::Plan};
use http::StatusCode;
use serde_json::{Value, json};

/// 2026-01-01: the simulator reads no clock.
pub(in crate::dialect) const CREATED: u64 = 1_767_225_600;

pub(in crate::dialect) fn list(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let named: Vec<Value> = scene.settings.listed().into_iter().map(entry).collect();
    let body = json!({"object": "list", "data": named});
    Ok(Plan::json(StatusCode::OK, &body))
}

pub(super) fn show(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let name = scene.call.path().strip_prefix(MODELS).unwrap_or_default();
    let name = name.trim_start_matches('/');
    check(scene, name)?;
    Ok(Plan::json(StatusCode::OK, &entry(name)))
}

/// Refuses a model that is not served.
pub(super) fn check(scene: &Scene<'_>, name: &str) -> Result<(), Fail> {
    if scene.settings.serves(name) {
        return Ok(());
    }
    let message = format!(
        "The model '{name}' does not exist. Served: {}.",
        scene.settings.listed().join(", ")
    );
    Err(Fail {
        code: Some("model_not_found"),
        ..Fail::of_status(StatusCode::NOT_FOUND).with_message(message)
    })
}

fn entry(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "towline-sim"})
}
