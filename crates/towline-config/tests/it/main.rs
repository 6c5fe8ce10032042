#![cfg(test)]
//! Behaviour of the crate through its face.

mod dotenv;
mod embedding;
mod fault;
mod file;
mod model;
mod named;
mod page;
mod price;
mod provider;
mod remedy;
mod rotation;
mod secret;
mod stack;
mod switched_off;

use std::path::{Path, PathBuf};
use towline_config::{ConfigError, Loader, ProviderSettings, Settings};

/// Settings from variables alone.
fn env(variables: &[(&str, &str)]) -> Loader {
    Loader::new().env(variables.iter().map(|(name, value)| (*name, *value)))
}

/// The selected provider.
fn llm(loader: Loader) -> ProviderSettings {
    loader.load().unwrap().llm().unwrap().unwrap().clone()
}

/// What the selected provider lacks.
fn llm_fault(loader: Loader) -> String {
    loader.load().unwrap().llm().unwrap_err().to_string()
}

/// What stands in the way of loading.
fn load_fault(loader: Loader) -> ConfigError {
    loader.load().unwrap_err()
}

/// The warnings, one per line.
fn warnings(settings: &Settings) -> String {
    settings.warnings().collect::<Vec<_>>().join("\n")
}

/// A file in a folder of the test.
fn write(folder: &Path, name: &str, contents: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap();
    path
}
