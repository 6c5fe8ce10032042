//! The Anthropic dialect: messages, token counts, models.
//!
//! Source: <https://docs.claude.com/en/api/messages>, as of 2026-11, and recorded exchanges.

mod count;
mod message;
mod model;
mod request;
mod stream;

use super::{Dialect, Scene, field::Wrong};
use crate::{
    call::Call,
    plan::{Framing, Plan},
    reply::Turn,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

const MESSAGES: &str = "/v1/messages";
const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
const MODELS: &str = "/v1/models";

/// The header without which the API answers nothing.
const VERSION: &str = "anthropic-version";

/// Per minute, as the headers claim.
const LIMITS: [(&str, u64); 4] = [
    ("requests", 4_000),
    ("tokens", 480_000),
    ("input-tokens", 400_000),
    ("output-tokens", 80_000),
];

/// The simulator reads no clock: all limits are renewed at this time.
const RESET: &str = "2026-01-01T00:01:00Z";

/// The dialect.
#[derive(Debug)]
pub(crate) struct Anthropic;

/// An error of this dialect: `{"type": "error", "error": {type, message}, "request_id"}`.
#[derive(Clone, Debug)]
struct Fail {
    status: StatusCode,
    message: String,
}

// === impl Anthropic ===

impl Dialect for Anthropic {
    fn speaks_to(&self, call: &Call) -> bool {
        let path = call.path();
        let below = |root: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below(MESSAGES) || (below(MODELS) && call.header(VERSION).is_some())
    }

    fn headers(&self, scene: &Scene<'_>) -> HeaderMap {
        let used = scene.call.id();
        let mut headers = HeaderMap::new();
        let mut set = |name: &str, value: &str| {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        };
        set("request-id", &request_id(scene));
        set("anthropic-organization-id", "towline-sim");
        for (what, limit) in LIMITS {
            // What remains is told in whole thousands, but for the requests.
            let left = match what {
                "requests" => limit.saturating_sub(used).max(1),
                _ => limit.saturating_sub(used.saturating_mul(1_000)).max(1_000),
            };
            set(
                &format!("anthropic-ratelimit-{what}-limit"),
                &limit.to_string(),
            );
            set(
                &format!("anthropic-ratelimit-{what}-remaining"),
                &left.to_string(),
            );
            set(&format!("anthropic-ratelimit-{what}-reset"), RESET);
        }
        headers
    }

    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan> {
        // A bearer token is what an OAuth login sends in place of a key.
        let credential = scene
            .call
            .header("x-api-key")
            .or_else(|| scene.call.bearer());
        if scene.has_key(credential) {
            return None;
        }
        let message = match credential {
            None => "x-api-key header is required: no key was sent.",
            Some(_) => "invalid x-api-key: not one that this simulator was started with.",
        };
        let fail = Fail::new(StatusCode::UNAUTHORIZED, message);
        Some(self.fail(scene, &fail))
    }

    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan {
        self.fail(scene, &Fail::of_status(status))
    }

    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan {
        self.finish(scene, Ok(message::say(scene, turn)))
    }

    fn answer(&self, scene: &Scene<'_>) -> Plan {
        let plan = match route(scene) {
            Ok(handle) => handle(scene),
            Err(fail) => Err(fail),
        };
        self.finish(scene, plan)
    }
}

impl Anthropic {
    fn finish(&self, scene: &Scene<'_>, plan: Result<Plan, Fail>) -> Plan {
        match plan {
            Ok(mut plan) => {
                plan.headers.extend(self.headers(scene));
                plan.with_framing(Framing::Named)
            }
            Err(fail) => self.fail(scene, &fail),
        }
    }

    fn fail(&self, scene: &Scene<'_>, fail: &Fail) -> Plan {
        let body = json!({
            "type": "error",
            "error": {"type": kind(fail.status), "message": fail.message},
            "request_id": request_id(scene),
        });
        let mut plan = Plan::json(fail.status, &body);
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
            401 => "invalid x-api-key",
            402 => "The account has no credit left.",
            403 => "The key has no access to this resource.",
            404 => "There is no such resource.",
            413 => "Request exceeds the maximum size",
            429 => {
                "This request would exceed the rate limit of your organization for input tokens per \
                 minute."
            }
            503 | 529 => "Overloaded",
            504 => "The request timed out.",
            400..=499 => "The request is not valid.",
            _ => "Internal server error",
        };
        Self::new(status, message)
    }
}

impl From<Wrong> for Fail {
    fn from(wrong: Wrong) -> Self {
        let message = match wrong.at.as_str() {
            "" => wrong.sentence(),
            at => format!("{at}: {}", wrong.what),
        };
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

type Handle = fn(&Scene<'_>) -> Result<Plan, Fail>;

fn route(scene: &Scene<'_>) -> Result<Handle, Fail> {
    let (path, method) = (scene.call.path(), scene.call.method());
    let (allowed, handle): (_, Handle) = match path {
        MESSAGES => (Method::POST, message::answer),
        COUNT_TOKENS => (Method::POST, count::answer),
        MODELS => (Method::GET, model::list),
        _ if path.starts_with(MODELS) => (Method::GET, model::show),
        _ => return Err(Fail::new(StatusCode::NOT_FOUND, "Not Found")),
    };
    if *method != allowed {
        let message = format!("{path} takes {allowed}, not {method}.");
        return Err(Fail::new(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    if scene.call.header(VERSION).is_none() {
        let message = format!("{VERSION}: header is required");
        return Err(Fail::new(StatusCode::BAD_REQUEST, message));
    }
    Ok(handle)
}

/// Refuses a model that is not served.
fn check_model(scene: &Scene<'_>, name: &str) -> Result<(), Fail> {
    if scene.settings.serves(name) {
        return Ok(());
    }
    Err(Fail::new(StatusCode::NOT_FOUND, format!("model: {name}")))
}

/// The type of the error that belongs to a status.
const fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

fn request_id(scene: &Scene<'_>) -> String {
    scene.make_id("req", "request id")
}

/// The usage of a message. Unlike elsewhere, the input does not include what the cache has to do
/// with.
fn usage(turn: &Turn, long_lived: bool) -> Value {
    let usage = turn.usage.unwrap_or_default();
    let fresh = usage
        .input
        .saturating_sub(usage.cached)
        .saturating_sub(usage.written);
    let (short, long) = if long_lived {
        (0, usage.written)
    } else {
        (usage.written, 0)
    };
    let mut told = json!({
        "input_tokens": fresh,
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": usage.output,
        "service_tier": "standard",
        "inference_geo": "not_available",
    });
    if let Value::Object(fields) = &mut told
        && usage.reasoning > 0
    {
        let details = json!({"thinking_tokens": usage.reasoning});
        fields.insert("output_tokens_details".to_owned(), details);
    }
    told
}
