//! The native dialect of Ollama: chat, embeddings, and the models of the machine.
//!
//! Source: <https://docs.ollama.com/api>, as of 2026-11, and recorded exchanges.

mod catalog;
mod chat;
mod embed;
mod pull;
mod request;

use super::{Dialect, Scene, field::Wrong};
use crate::{call::Call, plan::Plan, reply::Turn};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

const CHAT: &str = "/api/chat";
const PULL: &str = "/api/pull";

/// The simulator reads no clock.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// The dialect.
#[derive(Debug)]
pub(crate) struct Ollama;

/// An error of this dialect: `{"error": "text"}`.
#[derive(Clone, Debug)]
struct Fail {
    status: StatusCode,
    message: String,
}

// === impl Ollama ===

impl Dialect for Ollama {
    fn speaks_to(&self, call: &Call) -> bool {
        call.path().starts_with("/api/")
    }

    /// A local server has no ids; this one is what the cloud sends.
    fn headers(&self, scene: &Scene<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(id) = HeaderValue::try_from(scene.make_id("req", "request id")) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        headers
    }

    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan> {
        if scene.has_key(scene.call.bearer()) {
            return None;
        }
        let fail = Fail::of_status(StatusCode::UNAUTHORIZED);
        Some(self.fail(scene, &fail))
    }

    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan {
        self.fail(scene, &Fail::of_status(status))
    }

    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan {
        self.finish(scene, Ok(chat::say(scene, turn)))
    }

    fn answer(&self, scene: &Scene<'_>) -> Plan {
        let plan = match route(scene) {
            Ok(handle) => handle(scene),
            Err(fail) => Err(fail),
        };
        self.finish(scene, plan)
    }
}

impl Ollama {
    fn finish(&self, scene: &Scene<'_>, plan: Result<Plan, Fail>) -> Plan {
        match plan {
            Ok(mut plan) => {
                plan.headers.extend(self.headers(scene));
                plan
            }
            Err(fail) => self.fail(scene, &fail),
        }
    }

    fn fail(&self, scene: &Scene<'_>, fail: &Fail) -> Plan {
        let mut plan = whole(fail.status, &json!({"error": fail.message}));
        plan.headers.extend(self.headers(scene));
        plan
    }
}

// === impl Fail ===

impl Fail {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// What the provider says for a status, when nothing more is known.
    fn of_status(status: StatusCode) -> Self {
        let message = match status.as_u16() {
            401 => "unauthorized",
            404 => "not found",
            413 => "the request is too large",
            429 => "too many requests: you have reached the limit of your plan",
            503 => "server busy, please try again. maximum pending requests exceeded",
            400..=499 => "invalid request",
            _ => "an error was encountered while running the model",
        };
        Self::new(status, message)
    }
}

impl From<Wrong> for Fail {
    fn from(wrong: Wrong) -> Self {
        Self::new(StatusCode::BAD_REQUEST, wrong.sentence())
    }
}

type Handle = fn(&Scene<'_>) -> Result<Plan, Fail>;

fn route(scene: &Scene<'_>) -> Result<Handle, Fail> {
    let (path, method) = (scene.call.path(), scene.call.method());
    let (allowed, handle): (_, Handle) = match path {
        CHAT => (Method::POST, chat::answer),
        PULL => (Method::POST, pull::answer),
        "/api/embed" => (Method::POST, embed::answer),
        "/api/show" => (Method::POST, catalog::show),
        "/api/tags" => (Method::GET, catalog::tags),
        "/api/version" => (Method::GET, catalog::version),
        _ => return Err(Fail::new(StatusCode::NOT_FOUND, "404 page not found")),
    };
    if *method == allowed {
        return Ok(handle);
    }
    let message = format!("{path} takes {allowed}, not {method}.");
    Err(Fail::new(StatusCode::METHOD_NOT_ALLOWED, message))
}

/// An answer that is no stream.
fn whole(status: StatusCode, body: &Value) -> Plan {
    let mut plan = Plan::json(status, body);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    plan.headers.insert(header::CONTENT_TYPE, kind);
    plan
}

/// Refuses a model that is not on the machine.
fn check_model(scene: &Scene<'_>, name: &str) -> Result<(), Fail> {
    let served = &scene.settings.models;
    let is_it = |other: &String| tagged(other) == tagged(name);
    if served.is_empty() || served.iter().any(is_it) || scene.memory.pulled().iter().any(is_it) {
        return Ok(());
    }
    let message = format!("model '{name}' not found");
    Err(Fail::new(StatusCode::NOT_FOUND, message))
}

/// The name with its tag, which is `latest` when nothing else is said.
fn tagged(name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}
