//! The errors of Azure: those of its gateway have a code and a message, those of the model are
//! OpenAI's.

use crate::{dialect::openai::Fail, plan::Plan};
use http::StatusCode;
use serde_json::{Value, json};

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Value,
}

// === impl Failure ===

impl Failure {
    /// What the gateway says for a status, when nothing more is known.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let message = match status.as_u16() {
            401 => "Access denied: the key or token is missing, or not one of this resource.",
            403 => "Access denied by the network rules of this resource.",
            404 => "Resource not found",
            408 => "The operation was timeout.",
            429 => "The requests have exceeded the token rate limit of this deployment.",
            503 => "The service is temporarily unable to process your request.",
            400..=499 => "The request is not valid.",
            _ => "The server had an error while processing your request.",
        };
        Self::gateway(status, status.as_str(), message)
    }

    /// The path is not known, or its version is missing.
    pub(super) fn no_resource() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    pub(super) fn no_deployment() -> Self {
        let message =
            "There is no such deployment on this resource. One that is new takes some minutes.";
        Self::gateway(StatusCode::NOT_FOUND, "DeploymentNotFound", message)
    }

    /// The prompt was not let through.
    pub(super) fn filtered() -> Self {
        let safe = json!({"filtered": false, "severity": "safe"});
        let message = "The prompt was stopped by the content filter. Change it and try again.";
        let status = StatusCode::BAD_REQUEST;
        let body = json!({"error": {
            "message": message,
            "type": null,
            "param": "prompt",
            "code": "content_filter",
            "status": status.as_u16(),
            "innererror": {
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {
                    "hate": safe,
                    "jailbreak": {"filtered": true, "detected": true},
                    "self_harm": safe,
                    "sexual": safe,
                    "violence": safe,
                },
            },
        }});
        Self { status, body }
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::json(self.status, &self.body)
    }

    fn gateway(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            body: json!({"error": {"code": code, "message": message}}),
        }
    }
}

impl From<Fail> for Failure {
    fn from(fail: Fail) -> Self {
        Self {
            status: fail.status,
            body: fail.body(),
        }
    }
}
