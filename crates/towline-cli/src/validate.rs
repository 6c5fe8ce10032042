//! `towline validate`.

use crate::{
    args::Args,
    failure::Failure,
    output::{Indicator, Output},
    session::{
        self,
        every::{self, Candidate, FaultObject},
    },
};
use serde::Serialize;
use std::time::Duration;
use towline::{Client, Validation};
use towline_core::{Error, ErrorKind};

/// How long a provider has whose model is not known.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize)]
struct Verdict<'a> {
    provider: &'a str,
    model: &'a str,
    verified: bool,
    reason: Option<&'a str>,
    warnings: &'a [String],
    context_window: u64,
    reserve_completion: u64,
}

/// What was found of one of several providers.
#[derive(Debug)]
struct Finding {
    provider: String,
    model: String,
    outcome: Result<Found, Error>,
}

/// What is known of a provider that did not fail.
#[derive(Debug)]
enum Found {
    Whole(Validation),
    /// It was reached, and this is why nothing could be verified.
    Reached(&'static str),
}

/// A [`Finding`] as JSON.
#[derive(Debug, Serialize)]
struct FindingObject<'a> {
    provider: &'a str,
    model: Option<&'a str>,
    verified: bool,
    reason: Option<&'a str>,
    warnings: &'a [String],
    error: Option<FaultObject>,
}

pub(crate) async fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    if args.wants_all() {
        let settings = session::settings(args, None, output)?;
        let candidates = every::candidates(&settings, output).await;
        if !candidates.is_empty() {
            return all(candidates, output).await;
        }
    }
    let client = session::client(args, None, output).await?;
    let mut indicator = Indicator::new(output);
    let validation = indicator.during(client.validate()).await?;
    indicator.wipe();
    if output.json() {
        let verdict = Verdict {
            provider: validation.provider(),
            model: validation.model(),
            verified: validation.is_verified(),
            reason: validation.unverified(),
            warnings: validation.warnings(),
            context_window: client.context_window(),
            reserve_completion: client.reserve_completion(),
        };
        return output.object(&verdict).await;
    }
    for warning in validation.warnings() {
        output.notice(&format!("warning: {warning}"));
    }
    output.line(&validation.to_string()).await
}

/// One line for each provider, good or bad.
async fn all(candidates: Vec<Candidate>, output: &Output) -> Result<(), Failure> {
    let mut findings = Vec::with_capacity(candidates.len());
    for Candidate {
        name,
        model,
        client,
    } in candidates
    {
        let mut indicator = Indicator::new(output);
        let outcome = indicator.during(look(client, &model)).await;
        indicator.wipe();
        let finding = Finding {
            provider: name,
            model,
            outcome,
        };
        if !output.json() {
            finding.print(output).await?;
        }
        findings.push(finding);
    }
    if output.json() {
        let list: Vec<FindingObject<'_>> = findings
            .iter()
            .map(|finding| finding.object(output))
            .collect();
        output.object(&list).await?;
    }
    every::verdict(findings.iter().any(|finding| finding.outcome.is_err()))
}

async fn look(client: Result<Client, Error>, model: &str) -> Result<Found, Error> {
    let client = client?;
    if !model.is_empty() {
        return client.validate().await.map(Found::Whole);
    }
    let listed = tokio::time::timeout(LIMIT, client.models()).await;
    match listed {
        // What the list proves of the key is known only where a model is.
        Ok(Ok(_)) => Ok(Found::Reached("no model is chosen")),
        Ok(Err(error)) => match error.kind() {
            ErrorKind::Unsupported | ErrorKind::NotFound => {
                Ok(Found::Reached("it lists no models"))
            }
            _ => Err(error),
        },
        Err(_elapsed) => Err(Error::new(ErrorKind::Timeout)
            .with_message(format!("network: no answer within {LIMIT:?}"))),
    }
}

// === impl Finding ===

impl Finding {
    async fn print(&self, output: &Output) -> Result<(), Failure> {
        let name = &self.provider;
        for warning in self.warnings() {
            output.notice(&format!("warning: {name}: {warning}"));
        }
        let line = match &self.outcome {
            Ok(Found::Whole(validation)) => validation.to_string(),
            Ok(Found::Reached(reason)) => {
                format!("{name}: reachable, could not be verified: {reason}")
            }
            Err(error) => output.redact(&format!("{name}: failed: {}", error.report())),
        };
        output.line(&line).await
    }

    fn warnings(&self) -> &[String] {
        match &self.outcome {
            Ok(Found::Whole(validation)) => validation.warnings(),
            _ => &[],
        }
    }

    fn object(&self, output: &Output) -> FindingObject<'_> {
        let (verified, reason) = match &self.outcome {
            Ok(Found::Whole(validation)) => (validation.is_verified(), validation.unverified()),
            Ok(Found::Reached(reason)) => (false, Some(*reason)),
            Err(_) => (false, None),
        };
        let error = self.outcome.as_ref().err();
        FindingObject {
            provider: &self.provider,
            model: Some(self.model.as_str()).filter(|model| !model.is_empty()),
            verified,
            reason,
            warnings: self.warnings(),
            error: error.map(|error| FaultObject::of(error, output)),
        }
    }
}
