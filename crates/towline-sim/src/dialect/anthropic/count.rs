//! `POST /v1/messages/count_tokens`.

use super::{Fail, check_model, request};
use crate::{dialect::Scene, plan::Plan};
use http::StatusCode;
use serde_json::json;

pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let request = request::count(scene)?;
    check_model(scene, &request.model)?;
    let body = json!({"input_tokens": request.prompt.input_tokens});
    Ok(Plan::json(StatusCode::OK, &body))
}
