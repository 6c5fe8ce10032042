//! The Responses dialect of OpenAI: typed items in, typed items and events out.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses>, as of 2026-11, and recorded
//! exchanges. Keys, headers and errors are those of the OpenAI dialect.

mod answer;
mod request;
mod seal;
mod store;
mod stream;

pub(crate) use self::store::Stored;

use super::{
    Dialect, Scene,
    openai::{Fail, OpenAi},
};
use crate::{call::Call, plan::Plan, reply::Turn};
use http::{HeaderMap, Method, StatusCode};

const RESPONSES: &str = "/v1/responses";

/// The dialect.
#[derive(Debug)]
pub(crate) struct Responses;

// === impl Responses ===

impl Dialect for Responses {
    fn speaks_to(&self, call: &Call) -> bool {
        below(call.path(), RESPONSES).is_some()
    }

    fn headers(&self, scene: &Scene<'_>) -> HeaderMap {
        OpenAi.headers(scene)
    }

    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan> {
        OpenAi.check_key(scene)
    }

    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan {
        OpenAi.error(scene, status)
    }

    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan {
        OpenAi.finish(scene, Ok(say(scene, turn)))
    }

    fn answer(&self, scene: &Scene<'_>) -> Plan {
        let id = below(scene.call.path(), RESPONSES).unwrap_or_default();
        OpenAi.finish(scene, answer(scene, id))
    }
}

/// Puts a scripted turn into a response.
pub(super) fn say(scene: &Scene<'_>, turn: Turn) -> Plan {
    answer::say(scene, turn)
}

/// Answers a call; `id` is what its path has behind the root.
pub(super) fn answer(scene: &Scene<'_>, id: &str) -> Result<Plan, Fail> {
    match (scene.call.method(), id) {
        (&Method::POST, "") => answer::create(scene),
        (&Method::GET, id) if !id.is_empty() => store::show(scene, id),
        (&Method::DELETE, id) if !id.is_empty() => store::delete(scene, id),
        (method, _) => {
            let message = format!("{} does not take {method}.", scene.call.path());
            Err(Fail::of_status(StatusCode::METHOD_NOT_ALLOWED).with_message(message))
        }
    }
}

/// What `path` has behind `root`, without the slash.
pub(super) fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(root)?;
    if rest.is_empty() {
        return Some("");
    }
    rest.strip_prefix('/')
}
