//! `POST /api/pull`: a model comes onto the machine, in lines of progress.

use super::{
    Fail,
    catalog::{digest, model},
    whole,
};
use crate::{
    dialect::{
        Scene,
        field::{body, flag},
    },
    plan::Plan,
};
use http::StatusCode;
use serde_json::{Value, json};

/// Bytes of the model, and of the part that each line of progress adds.
const SIZE: u64 = 4_000_000_000;
const PART: u64 = 1_000_000_000;

/// From now on the model is served.
pub(super) fn answer(scene: &Scene<'_>) -> Result<Plan, Fail> {
    let body = body(scene)?;
    let name = model(body)?;
    scene.memory.pull(name);
    if flag(body, "stream")? == Some(false) {
        return Ok(whole(StatusCode::OK, &json!({"status": "success"})));
    }
    Ok(Plan::lines(&progress(name), scene.settings.pace))
}

fn progress(name: &str) -> Vec<Value> {
    let digest = format!("sha256:{}", digest(name));
    let short = digest.get(7..19).unwrap_or_default();
    let mut lines = vec![json!({"status": "pulling manifest"})];
    // The first line of a layer has no count yet.
    lines.push(json!({"status": format!("pulling {short}"), "digest": digest, "total": SIZE}));
    lines.extend((1..=SIZE / PART).map(|part| {
        json!({
            "status": format!("pulling {short}"),
            "digest": digest,
            "total": SIZE,
            "completed": part * PART,
        })
    }));
    let end = ["verifying sha256 digest", "writing manifest", "success"];
    lines.extend(end.map(|status| json!({"status": status})));
    lines
}
