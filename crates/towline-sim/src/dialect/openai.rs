//! The OpenAI dialect: chat completions, embeddings, models.
//!
//! Source: <https://platform.openai.com/docs/api-reference>, as of 2026-01, and recorded exchanges.

pub(super) mod chat;
pub(super) mod embedding;
pub(super) mod model;
mod request;

pub(super) use self::{
    model::CREATED,
    request::{check_choice, choice},
};

use super::{
    Dialect, Scene,
    field::{Reason, Wrong},
};
use crate::{call::Call, plan::Plan, reply::Turn};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const EMBEDDINGS: &str = "/v1/embeddings";
const MODELS: &str = "/v1/models";

/// Requests and tokens per minute that the headers claim.
const REQUEST_LIMIT: u64 = 10_000;
const TOKEN_LIMIT: u64 = 2_000_000;

/// The dialect. It also answers on every path that no other dialect knows.
#[derive(Debug)]
pub(crate) struct OpenAi;

/// An error of this dialect: `{"error": {message, type, param, code}}`.
#[derive(Clone, Debug)]
pub(crate) struct Fail {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
}

// === impl OpenAi ===

impl Dialect for OpenAi {
    fn speaks_to(&self, call: &Call) -> bool {
        call.path().starts_with("/v1/")
    }

    fn headers(&self, scene: &Scene<'_>) -> HeaderMap {
        let id = format!("req_sim_{:016x}", scene.number("request id"));
        let used = scene.call.id();
        let tokens = used.saturating_mul(100);
        let fields = [
            ("x-request-id", id),
            ("openai-version", "2020-10-01".to_owned()),
            (
                "openai-processing-ms",
                (5 + scene.number("processing") % 40).to_string(),
            ),
            ("x-ratelimit-limit-requests", REQUEST_LIMIT.to_string()),
            ("x-ratelimit-limit-tokens", TOKEN_LIMIT.to_string()),
            (
                "x-ratelimit-remaining-requests",
                REQUEST_LIMIT.saturating_sub(used).max(1).to_string(),
            ),
            (
                "x-ratelimit-remaining-tokens",
                TOKEN_LIMIT.saturating_sub(tokens).max(1).to_string(),
            ),
            ("x-ratelimit-reset-requests", "6ms".to_owned()),
            ("x-ratelimit-reset-tokens", "1m13.588s".to_owned()),
        ];
        let parsed = fields.into_iter().filter_map(|(name, value)| {
            let value = HeaderValue::try_from(value).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        parsed.collect()
    }

    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan> {
        let credential = scene.call.bearer();
        if scene.call.path() == "/health" || scene.has_key(credential) {
            return None;
        }
        let message = match credential {
            None => "No API key was sent. Send it as 'Authorization: Bearer KEY'.",
            Some(_) => "The API key is not one that this simulator was started with.",
        };
        let fail = Fail::of_status(StatusCode::UNAUTHORIZED).with_message(message);
        Some(self.fail(scene, &fail))
    }

    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan {
        self.fail(scene, &Fail::of_status(status))
    }

    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan {
        self.finish(scene, chat::say(scene, turn))
    }

    fn answer(&self, scene: &Scene<'_>) -> Plan {
        let plan = match route(scene) {
            Ok(handle) => handle(scene),
            Err(fail) => Err(fail),
        };
        self.finish(scene, plan)
    }
}

impl OpenAi {
    /// Adds the headers, or makes an answer of the failure.
    pub(super) fn finish(&self, scene: &Scene<'_>, plan: Result<Plan, Fail>) -> Plan {
        match plan {
            Ok(mut plan) => {
                plan.headers.extend(self.headers(scene));
                plan
            }
            Err(fail) => self.fail(scene, &fail),
        }
    }

    fn fail(&self, scene: &Scene<'_>, fail: &Fail) -> Plan {
        let mut plan = Plan::json(fail.status, &fail.body());
        plan.headers.extend(self.headers(scene));
        plan
    }
}

// === impl Fail ===

impl Fail {
    /// What the provider says for a status, when nothing more is known.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (kind, code, message) = match status.as_u16() {
            401 => (
                "invalid_request_error",
                Some("invalid_api_key"),
                "Incorrect API key provided.",
            ),
            403 => (
                "invalid_request_error",
                None,
                "The key has no access to this resource.",
            ),
            404 => ("invalid_request_error", None, "There is no such resource."),
            408 => ("timeout_error", None, "The request timed out."),
            413 => ("invalid_request_error", None, "The request is too large."),
            429 => (
                "requests",
                Some("rate_limit_exceeded"),
                "Rate limit reached for requests.",
            ),
            400..=499 => ("invalid_request_error", None, "The request is not valid."),
            503 => (
                "service_unavailable_error",
                Some("server_is_overloaded"),
                "The servers are overloaded. Please try again later.",
            ),
            529 => ("overloaded_error", None, "Overloaded."),
            _ => (
                "server_error",
                None,
                "The server had an error while it processed the request.",
            ),
        };
        Self {
            status,
            message: message.to_owned(),
            kind,
            param: None,
            code,
        }
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) const fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn with_param(mut self, at: String) -> Self {
        self.param = Some(at).filter(|at| !at.is_empty());
        self
    }

    pub(super) fn body(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }
}

impl From<Wrong> for Fail {
    fn from(wrong: Wrong) -> Self {
        let code = match wrong.reason {
            Reason::Missing => Some("missing_required_parameter"),
            Reason::Type => Some("invalid_type"),
            Reason::Value => Some("invalid_value"),
            Reason::Empty => Some("empty_array"),
            Reason::IntegerTooSmall => Some("integer_below_min_value"),
            Reason::IntegerTooLarge => Some("integer_above_max_value"),
            Reason::DecimalTooSmall => Some("decimal_below_min_value"),
            Reason::DecimalTooLarge => Some("decimal_above_max_value"),
            Reason::Unknown => Some("unknown_parameter"),
            Reason::Unsupported => Some("unsupported_parameter"),
            Reason::Other => None,
        };
        Self {
            code,
            ..Self::of_status(StatusCode::BAD_REQUEST)
                .with_message(wrong.sentence())
                .with_param(wrong.at)
        }
    }
}

type Handle = fn(&Scene<'_>) -> Result<Plan, Fail>;

fn route(scene: &Scene<'_>) -> Result<Handle, Fail> {
    let (path, method) = (scene.call.path(), scene.call.method());
    let (allowed, handle): (_, Handle) = match path {
        CHAT => (Method::POST, chat::answer),
        EMBEDDINGS => (Method::POST, embedding::answer),
        MODELS => (Method::GET, model::list),
        "/health" => (Method::GET, |_| {
            Ok(Plan::json(StatusCode::OK, &json!({"status": "ok"})))
        }),
        _ if path
            .strip_prefix(MODELS)
            .is_some_and(|rest| rest.starts_with('/')) =>
        {
            (Method::GET, model::show)
        }
        _ => {
            let message = format!(
                "Unknown request URL: {method} {path}. Known: {CHAT}, {EMBEDDINGS}, {MODELS}."
            );
            let fail = Fail::of_status(StatusCode::NOT_FOUND).with_message(message);
            return Err(Fail {
                code: Some("unknown_url"),
                ..fail
            });
        }
    };
    if *method == allowed {
        return Ok(handle);
    }
    let message = format!("{path} takes {allowed}, not {method}.");
    Err(Fail::of_status(StatusCode::METHOD_NOT_ALLOWED).with_message(message))
}
