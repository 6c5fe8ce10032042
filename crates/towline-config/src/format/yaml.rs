//! YAML.

use super::{Text, malformed};
use crate::error::Fault;
use figment::value::Dict;

pub(super) fn parse(text: &Text<'_>) -> Result<Dict, Fault> {
    // An empty document is no settings.
    let tree: Option<Dict> = serde_saphyr::from_str(text.contents).map_err(|error| {
        // The error's own text quotes the line, which may hold a secret.
        let place = error.location().map(|at| (at.line(), at.column()));
        malformed(text, place, "")
    })?;
    Ok(tree.unwrap_or_default())
}
