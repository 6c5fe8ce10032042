//! The reference page, written from the table.

/// The page `docs/configuration.md`: every key with type, default, variables and meaning.
#[must_use]
pub fn reference() -> String {
    String::new()
}
