//! From merged values to settings.

mod book;
mod build;
mod configured;
mod price;
mod section;
mod select;
mod show;
mod spec;
mod stack;
mod target;

pub(crate) use self::book::Book;

use crate::{
    error::{ConfigError, Fault},
    layer::Merged,
    settings::Settings,
};
use std::collections::BTreeMap;

/// Checks everything and builds the settings.
pub(crate) fn settle(
    merged: Merged,
    variables: &BTreeMap<String, String>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
) -> Result<Settings, ConfigError> {
    let mut book = Book::new(merged, faults, warnings);
    book.warn_of_literal_secrets(variables);
    let llm = book.llm();
    let embedding = book.embedding();
    let used: Vec<String> = llm
        .sections
        .iter()
        .chain(&embedding.sections)
        .cloned()
        .collect();
    for warning in [&llm.warning, &embedding.warning].into_iter().flatten() {
        book.warn(warning.clone());
    }
    let mut hard = book.hard_faults(&used);
    hard.extend(book.contradictions());
    hard.extend(book.price_faults());
    if !hard.is_empty() {
        for missing in [llm.outcome, embedding.outcome]
            .into_iter()
            .filter_map(Result::err)
        {
            hard.extend(missing);
        }
        return Err(ConfigError::new(hard));
    }
    let mut providers = book.named_providers(&llm.sections);
    if let Ok(Some(selected)) = &llm.outcome
        && providers
            .iter()
            .all(|provider| provider.name() != selected.name())
    {
        providers.push(selected.clone());
    }
    book.warn_of_unused_faults(&used);
    book.warn_of_idle_keys();
    let sources = book.sources([llm.outcome.as_ref(), embedding.outcome.as_ref()]);
    let warnings = book.take_warnings();
    Ok(Settings {
        llm: llm.outcome.map_err(ConfigError::new),
        embedding: embedding.outcome.map_err(ConfigError::new),
        book,
        providers,
        sources,
        warnings,
    })
}
