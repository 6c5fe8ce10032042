//! Why a script is refused, without what stands in it.

use serde_json::error::Category;

/// The longest name that is taken for a misspelt one.
const LONGEST_NAME: usize = 24;

/// What kind of thing was found, what was expected, line and column. Of the script itself only what
/// looks like a misspelt name: all else may be a key.
pub(super) fn explain(cause: &serde_json::Error) -> String {
    let said = cause.to_string();
    match cause.classify() {
        // These say nothing of the text.
        Category::Syntax | Category::Eof | Category::Io => said,
        Category::Data => {
            let (line, column) = (cause.line(), cause.column());
            format!("{} at line {line} column {column}", without_values(&said))
        }
    }
}

/// The sentence of serde without the value that was found.
///
/// It stands before the last `, expected`: what follows comes from this crate.
fn without_values(said: &str) -> String {
    let said = said
        .rsplit_once(" at line ")
        .map_or(said, |(before, _)| before);
    if said.starts_with("missing field `") {
        return said.to_owned();
    }
    let (found, expected) = match said.rsplit_once(", expected ") {
        Some((found, expected)) => (found, format!(", expected {expected}")),
        None => (said, String::new()),
    };
    let end = found.find(['"', '`', '\'']).unwrap_or(found.len());
    let (kind, value) = found.split_at(end);
    let name = value.trim_matches('`');
    let misspelt = kind.starts_with("unknown ") && is_name(name);
    match (kind.trim_end(), misspelt) {
        (kind, true) => format!("{kind} `{name}`{expected}"),
        (kind, false) => format!("{kind}{expected}"),
    }
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    text.len() <= LONGEST_NAME && text.chars().all(plain)
}
