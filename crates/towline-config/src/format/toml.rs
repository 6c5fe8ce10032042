//! TOML.

use super::{Text, malformed, wide};
use crate::error::Fault;
use figment::value::Dict;

pub(super) fn parse(text: &Text<'_>) -> Result<Dict, Fault> {
    ::toml::from_str(text.contents).map_err(|error| {
        // The error's own text quotes the line, which may hold a secret.
        let place = error.span().map(|span| place(text.contents, span.start));
        malformed(text, place, "")
    })
}

/// Line and column, from 1, of a byte.
fn place(contents: &str, at: usize) -> (u64, u64) {
    let before = contents.get(..at).unwrap_or(contents);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    (wide(line), wide(column))
}
