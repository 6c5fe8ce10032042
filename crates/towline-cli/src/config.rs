//! `towline config`.

use crate::{
    args::{Args, ConfigArgs, ConfigCommand},
    failure::Failure,
    output::Output,
    session,
};
use serde::Serialize;
use towline_config::Settings;

#[derive(Debug, Serialize)]
struct Setting<'a> {
    key: &'a str,
    value: &'a str,
    source: &'a str,
}

pub(crate) async fn run(args: &Args, config: &ConfigArgs, output: &Output) -> Result<(), Failure> {
    let settings = session::settings(args, None, output)?;
    match config.command {
        ConfigCommand::Show { json: true, .. } => {
            let list: Vec<Setting<'_>> = settings.sources().map(Setting::of).collect();
            output.object(&list).await
        }
        ConfigCommand::Show { sources, .. } => show(&settings, sources, output).await,
        ConfigCommand::Check => check(&settings, output).await,
    }
}

async fn show(settings: &Settings, sources: bool, output: &Output) -> Result<(), Failure> {
    let mut lines = String::new();
    for source in settings.sources() {
        if sources {
            lines.push_str(&source.to_string());
        } else {
            lines.push_str(&format!("{} = {}", source.key(), source.shown()));
        }
        lines.push('\n');
    }
    output.text(&lines).await
}

/// Faults go out as the error, all at once.
async fn check(settings: &Settings, output: &Output) -> Result<(), Failure> {
    if output.verbose() == 0 {
        session::warn(settings, output);
    }
    settings.embedding()?;
    let Some(provider) = settings.llm()? else {
        return output
            .line(
                "nothing is configured: set LLM_MODEL to provider/model, such as \
                 openai/gpt-4o-mini, and the provider's key, such as OPENAI_API_KEY",
            )
            .await;
    };
    // Beyond the settings themselves: whether a provider can be made of them.
    towline::connect(settings).await?;
    let (name, vendor, model) = (provider.name(), provider.vendor(), provider.model());
    let vendor = if vendor == *name {
        String::new()
    } else {
        format!(" ({})", vendor.title())
    };
    output
        .line(&format!("the settings are good: {model} of {name}{vendor}"))
        .await
}

// === impl Setting ===

impl<'a> Setting<'a> {
    fn of(source: &'a towline_config::Source) -> Self {
        Self {
            key: source.key(),
            value: source.shown(),
            source: source.origin(),
        }
    }
}
