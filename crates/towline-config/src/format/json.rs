//! JSON.

use super::{Text, malformed, wide};
use crate::error::Fault;
use figment::value::Dict;

pub(super) fn parse(text: &Text<'_>) -> Result<Dict, Fault> {
    // The error's own text may quote a value.
    serde_json::from_str(text.contents)
        .map_err(|error| malformed(text, Some((wide(error.line()), wide(error.column()))), ""))
}
