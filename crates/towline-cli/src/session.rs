//! From the command line to a client.

pub(crate) mod every;

use crate::{args::Args, failure::Failure, output::Output};
use towline::{Client, Registry};
use towline_config::{Loader, ProviderSettings, Settings};
use towline_core::Secret;

/// What is said where nothing is configured.
const SIMULATED: &str = "no provider is configured: this answer is simulated (set LLM_MODEL and a \
                         key, see `towline config check`)";

/// The settings, from everywhere.
pub(crate) fn settings(
    args: &Args,
    model: Option<&str>,
    output: &Output,
) -> Result<Settings, Failure> {
    let settings = loader(args, model).load()?;
    let providers = settings.providers().cloned();
    let selected = [settings.llm(), settings.embedding()];
    let selected = selected
        .into_iter()
        .filter_map(|found| found.ok().flatten().cloned());
    // Those who are asked after the selected one may be configured by variables alone.
    let stack = settings.stack().ok();
    let behind = stack.iter().flat_map(|stack| {
        let targets = stack.fallback().iter().chain(stack.deployments());
        targets.cloned().collect::<Vec<_>>()
    });
    output.hide(
        providers
            .chain(selected)
            .chain(behind)
            .flat_map(|provider| secrets(&provider)),
    );
    if output.verbose() > 0 {
        warn(&settings, output);
    } else if let Some(warning) = settings.without_effect() {
        output.notice(&format!("warning: {warning}"));
    }
    if output.verbose() > 1 {
        settings
            .sources()
            .for_each(|source| output.notice(&source.to_string()));
    }
    Ok(settings)
}

/// A client of the configured model, or of the simulator where nothing is configured at all.
pub(crate) async fn client(
    args: &Args,
    model: Option<&str>,
    output: &Output,
) -> Result<Client, Failure> {
    let settings = settings(
        args,
        model
            .map(|model| format!("towline.llm.model={model}"))
            .as_deref(),
        output,
    )?;
    match settings.llm()? {
        Some(_) => Ok(towline::connect(&settings).await?),
        None => simulated(&settings, output).await,
    }
}

/// A client of the configured embedding model, or of the simulator where nothing is configured.
pub(crate) async fn embedder(
    args: &Args,
    model: Option<&str>,
    output: &Output,
) -> Result<Client, Failure> {
    let set = model.map(|model| format!("towline.embeddings.model={model}"));
    let settings = settings(args, set.as_deref(), output)?;
    let nothing = settings.embedding()?.is_none() && matches!(settings.llm(), Ok(None));
    if nothing {
        return simulated(&settings, output).await;
    }
    Ok(Registry::builtin().connect_embedder(&settings).await?)
}

/// Where the settings come from. An override of the command line is the last, and wins.
fn loader(args: &Args, set: Option<&str>) -> Loader {
    let mut loader = Loader::new().process_env().discover();
    if let Some(file) = &args.config {
        loader = loader.file_of_option("--config", file);
    }
    args.set
        .iter()
        .map(String::as_str)
        .chain(set)
        .fold(loader, Loader::set)
}

async fn simulated(settings: &Settings, output: &Output) -> Result<Client, Failure> {
    // Something may have been meant to configure a provider, and does not.
    if output.verbose() == 0 {
        warn(settings, output);
    }
    output.notice(SIMULATED);
    Ok(towline::simulated().await?)
}

/// Tells the warnings, but for the one that is told without `-v` too.
pub(crate) fn warn(settings: &Settings, output: &Output) {
    let told = settings.without_effect().filter(|_| output.verbose() == 0);
    for warning in settings
        .warnings()
        .filter(|warning| Some(*warning) != told.as_deref())
    {
        output.notice(&format!("warning: {warning}"));
    }
    let lints = settings.stack().map(|stack| stack.lints());
    for lint in lints.unwrap_or_default() {
        output.notice(&format!("warning: {lint}"));
    }
}

/// Everything in a provider's settings that must not be seen.
fn secrets(provider: &ProviderSettings) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = provider.api_key().cloned().into_iter().collect();
    secrets.extend(provider.headers().iter().map(|(_, value)| value.clone()));
    secrets.extend(provider.transport().proxy().cloned());
    secrets
}
