//! An answer as one JSON object.

use super::answer::{Answered, Mended};
use crate::{
    journey::{self, StepObject},
    usage::UsageObject,
};
use serde::Serialize;
use std::time::Duration;
use towline_core::{Cost, Journey};

/// Every field is always there; `null` is unknown.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    id: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    /// The text; the words of a refusal where the model declined.
    text: String,
    reasoning: Option<String>,
    tool_calls: Vec<Call>,
    finish_reason: String,
    /// Where the answer broke off and another target went on with it.
    seams: Vec<Mended>,
    usage: UsageObject,
    /// What all attempts cost together; which of them are estimates is said with them.
    #[serde(serialize_with = "journey::dollars")]
    cost_usd: Option<Cost>,
    latency_ms: u64,
    /// Until the first piece of the answer. Unknown without streaming.
    ttft_ms: Option<u64>,
    /// Every attempt, and every wait, refusal and move between them, in their order.
    attempts: Vec<StepObject>,
}

#[derive(Debug, Serialize)]
struct Call {
    id: String,
    name: String,
    /// JSON text, as the model wrote it.
    arguments: String,
}

// === impl Answer ===

impl Answer {
    pub(super) fn of(answered: &Answered) -> Self {
        let completion = &answered.completion;
        let journey = answered.head.journey();
        let text = completion.text();
        let refusal = completion.refusal();
        let refused = text.is_empty() && !refusal.is_empty();
        let calls = completion.tool_calls().map(|call| Call {
            id: call.id().to_owned(),
            name: call.name().to_owned(),
            arguments: call.arguments().to_owned(),
        });
        Self {
            id: known(completion.id()),
            model: known(completion.model()),
            provider: known(completion.provider()),
            text: if refused { refusal } else { text }.into_owned(),
            reasoning: known(&completion.reasoning()),
            tool_calls: calls.collect(),
            finish_reason: match completion.finish_reason().as_str() {
                "stop" if refused => "refusal".to_owned(),
                reason => reason.to_owned(),
            },
            seams: answered.seams.clone(),
            usage: UsageObject::of(completion.usage()),
            cost_usd: journey.and_then(Journey::cost),
            latency_ms: millis(answered.latency),
            ttft_ms: answered.first.map(millis),
            attempts: journey::steps(journey),
        }
    }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
