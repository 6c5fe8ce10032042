//! The OpenAI dialects as Azure serves them: by deployment, with content filters, under its own
//! headers and errors.
//!
//! Source: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>, as of 2026-11, and
//! recorded exchanges.

mod failure;
mod filter;

use super::{
    Dialect, Scene,
    openai::{OpenAi, chat, embedding, model},
    responses,
};
use crate::{call::Call, plan::Plan, reply::Turn};
use failure::Failure;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

/// Without a version in the query.
const V1: &str = "/openai/v1/";
const DEPLOYMENTS: &str = "/openai/deployments";

/// Requests and tokens per minute that the headers claim.
const REQUEST_LIMIT: u64 = 250;
const TOKEN_LIMIT: u64 = 250_000;

/// The dialect.
#[derive(Debug)]
pub(crate) struct Azure;

/// What a path asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Resource<'a> {
    Chat,
    Embeddings,
    /// With the id in the path, which may be empty.
    Responses(&'a str),
    Models,
    Deployments,
}

// === impl Azure ===

impl Dialect for Azure {
    fn speaks_to(&self, call: &Call) -> bool {
        let path = call.path();
        path.starts_with("/openai/")
            || path == DEPLOYMENTS
            || ["/models/chat/completions", "/models/embeddings"].contains(&path)
    }

    fn headers(&self, scene: &Scene<'_>) -> HeaderMap {
        let used = scene.call.id();
        let left = REQUEST_LIMIT.saturating_sub(used).max(1);
        let tokens = TOKEN_LIMIT.saturating_sub(used.saturating_mul(100)).max(1);
        let name = scene.call.model().unwrap_or_default().to_owned();
        let fields = [
            ("apim-request-id", uuid(scene, "apim request id")),
            ("x-request-id", uuid(scene, "request id")),
            ("x-ms-region", "Simulated".to_owned()),
            ("x-ms-deployment-name", name.clone()),
            ("x-ms-rai-invoked", "true".to_owned()),
            ("x-ratelimit-key", name),
            ("x-ratelimit-limit-requests", REQUEST_LIMIT.to_string()),
            ("x-ratelimit-limit-tokens", TOKEN_LIMIT.to_string()),
            ("x-ratelimit-remaining-requests", left.to_string()),
            ("x-ratelimit-remaining-tokens", tokens.to_string()),
            ("x-ratelimit-renewalperiod-requests", "60".to_owned()),
            ("x-ratelimit-renewalperiod-tokens", "60".to_owned()),
            ("x-ratelimit-reset-requests", "0".to_owned()),
            ("x-ratelimit-reset-tokens", "0".to_owned()),
        ];
        let sent = scene.call.header("x-ms-client-request-id");
        let echo = sent.map(|id| ("x-ms-client-request-id", id.to_owned()));
        let parsed = fields.into_iter().chain(echo).filter_map(|(name, value)| {
            let value = HeaderValue::try_from(value).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        parsed.collect()
    }

    fn check_key(&self, scene: &Scene<'_>) -> Option<Plan> {
        let credential = scene.call.header("api-key");
        if scene.has_key(credential.or_else(|| scene.call.bearer())) {
            return None;
        }
        Some(self.error(scene, StatusCode::UNAUTHORIZED))
    }

    fn error(&self, scene: &Scene<'_>, status: StatusCode) -> Plan {
        self.finish(scene, Err(Failure::of_status(status)))
    }

    /// Behind the gateway it is the model's own error.
    fn in_band(&self, scene: &Scene<'_>, status: StatusCode) -> Value {
        OpenAi.in_band(scene, status)
    }

    fn say(&self, scene: &Scene<'_>, turn: Turn) -> Plan {
        let plan = match resource(scene.call.path()) {
            Some(Resource::Responses(_)) => responses::say(scene, turn),
            _ => match chat::say(&scene.with_call(&scene.call.with_deployment()), turn) {
                Ok(plan) => filter::annotate(plan),
                Err(fail) => return self.finish(scene, Err(fail.into())),
            },
        };
        self.finish(scene, Ok(plan))
    }

    fn answer(&self, scene: &Scene<'_>) -> Plan {
        self.finish(scene, answer(scene))
    }
}

impl Azure {
    fn finish(&self, scene: &Scene<'_>, plan: Result<Plan, Failure>) -> Plan {
        let mut plan = plan.unwrap_or_else(|failure| failure.plan());
        plan.headers.extend(self.headers(scene));
        plan
    }
}

fn answer(scene: &Scene<'_>) -> Result<Plan, Failure> {
    let (path, method) = (scene.call.path(), scene.call.method());
    let resource = resource(path).ok_or_else(Failure::no_resource)?;
    if !path.starts_with(V1) && !scene.call.query("api-version").is_some_and(is_version) {
        return Err(Failure::no_resource());
    }
    let allowed = match resource {
        Resource::Chat | Resource::Embeddings => Method::POST,
        Resource::Models | Resource::Deployments => Method::GET,
        Resource::Responses(_) => method.clone(),
    };
    if *method != allowed {
        return Err(Failure::of_status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let call = scene.call.with_deployment();
    let scene = &scene.with_call(&call);
    if let Some(name) = call.model()
        && !scene.settings.serves(name)
    {
        return Err(Failure::no_deployment());
    }
    match resource {
        Resource::Chat | Resource::Responses("") if filter::objects(scene) => {
            Err(Failure::filtered())
        }
        Resource::Chat => Ok(filter::annotate(chat::answer(scene)?)),
        Resource::Embeddings => Ok(embedding::answer(scene)?),
        Resource::Responses(id) => Ok(responses::answer(scene, id)?),
        Resource::Models => Ok(model::list(scene)?),
        Resource::Deployments => Ok(deployments(scene)),
    }
}

/// What is at a path, in any of the three styles: by deployment, with the model in the body, and
/// the newer one without a version in the query.
fn resource(path: &str) -> Option<Resource<'_>> {
    let rest = path
        .strip_prefix(V1)
        .or_else(|| path.strip_prefix("/models/"))
        .or_else(|| path.strip_prefix("/openai/"))?;
    let rest = match rest.strip_prefix("deployments/") {
        Some(deployment) => deployment.split_once('/')?.1,
        None => rest,
    };
    match rest {
        "chat/completions" => Some(Resource::Chat),
        "embeddings" => Some(Resource::Embeddings),
        "models" => Some(Resource::Models),
        "deployments" => Some(Resource::Deployments),
        _ => responses::below(rest, "responses").map(Resource::Responses),
    }
}

/// Such as `2024-10-21` or `2025-04-01-preview`.
fn is_version(version: &str) -> bool {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    date.len() == 10 && date.split('-').count() == 3 && date.split('-').all(digits)
}

fn deployments(scene: &Scene<'_>) -> Plan {
    let listed = scene.settings.listed().into_iter();
    let each = listed.map(
        |name| json!({"object": "deployment", "id": name, "model": name, "status": "succeeded"}),
    );
    let body = json!({"object": "list", "data": each.collect::<Vec<_>>()});
    Plan::json(StatusCode::OK, &body)
}

/// An id in the form that Azure has for its ids.
fn uuid(scene: &Scene<'_>, what: &str) -> String {
    let (high, low) = (scene.number(what), scene.number(&format!("{what}, low")));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff,
    )
}
