//! What happened to a call on its way, as it is printed.

use crate::output::Output;
use serde::{Serialize, Serializer};
use std::{fmt, time::Duration};
use towline_core::{Attempt, Cost, Journey, Outcome, Step};

/// One step. Times are milliseconds; those of an attempt count from the start of the call.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum StepObject {
    Waited {
        layer: &'static str,
        reason: &'static str,
        ms: u64,
    },
    Refused {
        layer: &'static str,
        kind: &'static str,
        retry_after_ms: Option<u64>,
    },
    Moved {
        layer: &'static str,
        from: String,
        to: String,
        kind: &'static str,
    },
    Attempt {
        provider: String,
        model: String,
        hedge: bool,
        began_ms: u64,
        first_token_ms: Option<u64>,
        ended_ms: Option<u64>,
        /// `whole`, `dropped`, `running`, or the kind of its error.
        outcome: &'static str,
        tokens: Option<u64>,
        /// The provider did not say what it used, or not of all of it, and may bill it.
        estimated: bool,
        /// Unknown without `towline.prices`.
        #[serde(serialize_with = "dollars")]
        cost_usd: Option<Cost>,
    },
}

/// All steps of a call, in their order. Empty where nobody wrote them down.
pub(crate) fn steps(journey: Option<&Journey>) -> Vec<StepObject> {
    let steps = journey.map(Journey::steps).unwrap_or_default();
    steps.iter().filter_map(StepObject::of).collect()
}

/// Prints the steps on standard error: with `-v`, where there was more than one attempt that went well.
pub(crate) fn print(journey: Option<&Journey>, output: &Output) {
    let steps = steps(journey);
    if output.verbose() == 0 || steps.len() < 2 {
        return;
    }
    for step in steps {
        output.notice(&format!("  {step}"));
    }
}

// === impl StepObject ===

impl StepObject {
    fn of(step: &Step) -> Option<Self> {
        Some(match step {
            Step::Waited {
                layer,
                reason,
                time,
            } => Self::Waited {
                layer,
                reason,
                ms: millis(*time),
            },
            Step::Refused {
                layer,
                kind,
                retry_after,
            } => Self::Refused {
                layer,
                kind: kind.as_str(),
                retry_after_ms: retry_after.map(millis),
            },
            Step::Moved {
                layer,
                from,
                to,
                kind,
            } => Self::Moved {
                layer,
                from: from.to_string(),
                to: to.to_string(),
                kind: kind.as_str(),
            },
            Step::Attempt(attempt) => Self::attempt(attempt),
            // A step that this program does not know yet.
            _ => return None,
        })
    }

    fn attempt(attempt: &Attempt) -> Self {
        Self::Attempt {
            provider: attempt.provider().to_owned(),
            model: attempt.model().to_owned(),
            hedge: attempt.is_hedge(),
            began_ms: millis(attempt.began()),
            first_token_ms: attempt.first_token().map(millis),
            ended_ms: attempt.ended().map(millis),
            outcome: match attempt.outcome() {
                Outcome::Whole => "whole",
                Outcome::Failed(kind) => kind.as_str(),
                Outcome::Dropped => "dropped",
                _ => "running",
            },
            tokens: attempt.tokens(),
            estimated: attempt.is_estimate(),
            cost_usd: attempt.cost(),
        }
    }
}

/// One line.
impl fmt::Display for StepObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waited { layer, reason, ms } => write!(f, "waited {ms} ms ({layer}: {reason})"),
            Self::Refused {
                layer,
                kind,
                retry_after_ms,
            } => {
                write!(f, "refused by {layer} ({kind})")?;
                match retry_after_ms {
                    Some(ms) => write!(f, ", again after {ms} ms"),
                    None => Ok(()),
                }
            }
            Self::Moved { from, to, kind, .. } => write!(f, "moved from {from} to {to} ({kind})"),
            Self::Attempt {
                provider,
                model,
                hedge,
                began_ms,
                ended_ms,
                outcome,
                tokens,
                estimated,
                cost_usd,
                ..
            } => {
                let beside = if *hedge { " (hedge)" } else { "" };
                write!(f, "asked {provider} for {model}{beside}: {outcome}")?;
                if let Some(ended) = ended_ms {
                    write!(f, " after {} ms", ended.saturating_sub(*began_ms))?;
                }
                let about = if *estimated { "about " } else { "" };
                if let Some(tokens) = tokens {
                    write!(f, ", {about}{tokens} tokens")?;
                }
                match cost_usd {
                    Some(cost) => write!(f, ", {about}{cost}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What a whole call costs, and whether some of it is an estimate. Unknown where the cost of an attempt is.
pub(crate) fn cost(journey: Option<&Journey>) -> Option<String> {
    let journey = journey?;
    let cost = journey.cost()?;
    let is_estimate = |step: &Step| matches!(step, Step::Attempt(attempt) if attempt.is_estimate());
    let about = if journey.steps().iter().any(is_estimate) {
        "about "
    } else {
        ""
    };
    Some(format!("{about}{cost}"))
}

/// As a number of JSON, whose readers have fifteen digits.
pub(crate) fn dollars<S: Serializer>(
    cost: &Option<Cost>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let number: Option<f64> =
        cost.and_then(|cost| cost.to_string().trim_start_matches('$').parse().ok());
    number.serialize(serializer)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
