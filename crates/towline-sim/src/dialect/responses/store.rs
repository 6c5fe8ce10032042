//! Responses that are kept: `GET` and `DELETE /v1/responses/{id}`, `previous_response_id`.

use crate::{
    dialect::{Scene, openai::Fail},
    plan::Plan,
};
use http::StatusCode;
use serde_json::{Value, json};

/// A response that was kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) response: Value,
    /// The conversation up to and with this response.
    pub(crate) items: Vec<Value>,
}

pub(super) fn show(scene: &Scene<'_>, id: &str) -> Result<Plan, Fail> {
    match scene.memory.stored(id) {
        Some(stored) => Ok(Plan::json(StatusCode::OK, &stored.response)),
        None => Err(missing(id)),
    }
}

pub(super) fn delete(scene: &Scene<'_>, id: &str) -> Result<Plan, Fail> {
    if !scene.memory.forget(id) {
        return Err(missing(id));
    }
    let body = json!({"id": id, "object": "response", "deleted": true});
    Ok(Plan::json(StatusCode::OK, &body))
}

fn missing(id: &str) -> Fail {
    let message = format!("Response with id '{id}' not found.");
    Fail::of_status(StatusCode::NOT_FOUND).with_message(message)
}
