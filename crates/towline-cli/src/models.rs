//! `towline models`.

use crate::{
    args::Args,
    failure::Failure,
    output::{Indicator, Output},
    session,
};
use serde::Serialize;
use towline_core::ModelInfo;

#[derive(Debug, Serialize)]
struct Model<'a> {
    id: &'a str,
    owner: Option<&'a str>,
    context_window: Option<u64>,
}

pub(crate) async fn run(args: &Args, output: &Output) -> Result<(), Failure> {
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
