//! Every provider that is configured.

use super::{Failure, Output, secrets};
use serde::Serialize;
use towline::{Client, Registry};
use towline_config::{Configured, Settings};
use towline_core::Error;

/// A provider that is asked, or the reason why it cannot be.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// The model; empty where the settings name none.
    pub(crate) model: String,
    pub(crate) client: Result<Client, Error>,
}

/// What went wrong with one of several providers, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct FaultObject {
    kind: &'static str,
    message: String,
    status: Option<u16>,
    retryable: bool,
}

/// The candidates of these settings. Empty where nothing is configured.
pub(crate) async fn candidates(settings: &Settings, output: &Output) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for configured in settings.configured() {
        candidates.push(candidate(&configured, output).await);
    }
    candidates
}

async fn candidate(configured: &Configured, output: &Output) -> Candidate {
    let name = configured.name().to_owned();
    let provider = match configured.settings() {
        Ok(provider) => provider,
        Err(error) => {
            return Candidate {
                name,
                model: String::new(),
                client: Err(error.into()),
            };
        }
    };
    output.hide(secrets(provider));
    Candidate {
        name,
        model: provider.model().to_owned(),
        client: Registry::builtin().connect_provider(provider).await,
    }
}

/// Whether one of several failed, which the answer has told.
pub(crate) const fn verdict(failed: bool) -> Result<(), Failure> {
    if failed { Err(Failure::Told) } else { Ok(()) }
}

// === impl FaultObject ===

impl FaultObject {
    pub(crate) fn of(error: &Error, output: &Output) -> Self {
        let message = error.message().unwrap_or_else(|| error.kind().summary());
        Self {
            kind: error.kind().as_str(),
            message: output.redact(message),
            status: error.status(),
            retryable: error.is_retryable(),
        }
    }
}
