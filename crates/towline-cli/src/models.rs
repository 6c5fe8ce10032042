//! `towline models`.

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
use towline_core::{Error, ModelInfo};

#[derive(Debug, Serialize)]
struct Model<'a> {
    id: &'a str,
    owner: Option<&'a str>,
    context_window: Option<u64>,
}

/// The models of one of several providers. The error is there where the list could not be had.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    provider: &'a str,
    models: Vec<Model<'a>>,
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
    let models = indicator.during(client.models()).await?;
    indicator.wipe();
    if output.json() {
        let list: Vec<Model<'_>> = models.iter().map(Model::of).collect();
        return output.object(&list).await;
    }
    let mut lines = String::new();
    for model in &models {
        lines.push_str(model.id());
        lines.push('\n');
    }
    output.text(&lines).await
}

/// The lists of all, each model behind the name of its provider.
async fn all(candidates: Vec<Candidate>, output: &Output) -> Result<(), Failure> {
    let mut lists = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut indicator = Indicator::new(output);
        let models = indicator.during(models(candidate.client)).await;
        indicator.wipe();
        if let (Ok(models), false) = (&models, output.json()) {
            let lines = models
                .iter()
                .map(|model| format!("{}/{}\n", candidate.name, model.id()));
            output.text(&lines.collect::<String>()).await?;
        }
        if let (Err(error), false) = (&models, output.json()) {
            output.notice(&format!("{}: {}", candidate.name, error.report()));
        }
        lists.push((candidate.name, models));
    }
    if output.json() {
        let lists: Vec<Listed<'_>> = lists
            .iter()
            .map(|(provider, models)| Listed::of(provider, models, output))
            .collect();
        output.object(&lists).await?;
    }
    every::verdict(lists.iter().any(|(_, models)| models.is_err()))
}

async fn models(client: Result<towline::Client, Error>) -> Result<Vec<ModelInfo>, Error> {
    client?.models().await
}

// === impl Model ===

impl<'a> Model<'a> {
    fn of(model: &'a ModelInfo) -> Self {
        Self {
            id: model.id(),
            owner: model.owner(),
            context_window: model.context_window(),
        }
    }
}

// === impl Listed ===

impl<'a> Listed<'a> {
    fn of(provider: &'a str, models: &'a Result<Vec<ModelInfo>, Error>, output: &Output) -> Self {
        Self {
            provider,
            models: models.iter().flatten().map(Model::of).collect(),
            error: models
                .as_ref()
                .err()
                .map(|error| FaultObject::of(error, output)),
        }
    }
}
