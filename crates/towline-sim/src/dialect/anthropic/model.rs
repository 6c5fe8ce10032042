//! `GET /v1/models`, in pages.

use super::{Fail, MODELS, check_model};
use crate::{
    DEFAULT_EMBEDDING_MODEL,
    dialect::{Scene, field::Wrong},
    plan::Plan,
};
use http::StatusCode;
use serde_json::{Value, json};

/// Models on a page, when nothing is asked for, and at most.
const PAGE: usize = 20;
const MAX_PAGE: usize = 1_000;

pub(super) fn list(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let limit = match scene.call.query("limit") {
        None => PAGE,
        Some(limit) => match limit.parse() {
            Ok(limit @ 1..=MAX_PAGE) => limit,
            _ => return Err(Wrong::value("limit", format!("must be from 1 to {MAX_PAGE}")).into()),
        },
    };
    let mut names = scene.settings.listed();
    // This API has no embeddings.
    names.retain(|name| *name != DEFAULT_EMBEDDING_MODEL);
    if let Some(after) = scene.call.query("after_id") {
        let seen = names.iter().position(|name| *name == after);
        let Some(seen) = seen else {
            return Err(Wrong::value("after_id", "is no model of this list").into());
        };
        names.drain(..=seen);
    }
    let has_more = names.len() > limit;
    names.truncate(limit);
    let body = json!({
        "data": names.iter().map(|name| entry(name)).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": names.first(),
        "last_id": names.last(),
    });
    Ok(Plan::json(StatusCode::OK, &body))
}

pub(super) fn show(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let name = scene.call.path().strip_prefix(MODELS).unwrap_or_default();
    let name = name.trim_start_matches('/');
    check_model(scene, name)?;
    Ok(Plan::json(StatusCode::OK, &entry(name)))
}

fn entry(name: &str) -> Value {
    let can = || json!({"supported": true});
    let cannot = || json!({"supported": false});
    json!({
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {
            "batch": cannot(),
            "citations": cannot(),
            "code_execution": cannot(),
            "context_management": cannot(),
            "effort": {
                "supported": true,
                "low": can(),
                "medium": can(),
                "high": can(),
                "xhigh": can(),
                "max": can(),
            },
            "image_input": can(),
            "pdf_input": can(),
            "structured_outputs": can(),
            "thinking": {
                "supported": true,
                "types": {"enabled": can(), "adaptive": can()},
            },
        },
    })
}
