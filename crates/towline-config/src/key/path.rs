//! From a key as somebody wrote it to the key of the table.

use super::{Kind, all, find, named_fields};
use crate::vendor::Vendor;
use std::fmt;

/// A key without its root, in snake case, segment by segment: `openai`, `api_key`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Path(Vec<String>);

/// A key that is not in the table.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Unknown {
    /// How many segments, as written, are enough to see that it is wrong.
    pub(crate) depth: usize,
    /// Whether it is not a key but a section that holds some.
    pub(crate) section: bool,
    /// The nearest key, with its root.
    pub(crate) nearest: Option<String>,
}

/// How alike two keys must be before one is offered for the other.
const ALIKE: f64 = 0.75;

/// The canonical form of the key that `written` spells in kebab, camel or snake case, root left out.
pub(crate) fn canonical(written: &[String]) -> Result<Path, Unknown> {
    let mut segments: Vec<String> = written.iter().map(|segment| snake(segment)).collect();
    rename(&mut segments);
    // Header names keep their hyphens; their case means nothing.
    if is_header(&segments) {
        segments.pop();
        segments.extend(written.last().map(|name| name.trim().to_lowercase()));
    }
    let path = Path(segments);
    if find(&path).is_some() {
        Ok(path)
    } else {
        Err(unknown(&path))
    }
}

/// `apiKey`, `api-key` and `api_key` are one.
pub(crate) fn snake(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len() + 4);
    let mut after_small = false;
    for c in segment.trim().chars() {
        if c.is_uppercase() && after_small {
            text.push('_');
        }
        after_small = c.is_lowercase() || c.is_ascii_digit();
        match c {
            '-' => text.push('_'),
            c => text.extend(c.to_lowercase()),
        }
    }
    text
}

/// Older names and other names of vendors.
fn rename(segments: &mut Vec<String>) {
    if segments.join(".") == "model_metadata.file" {
        *segments = vec!["model_registry".to_owned(), "file_path".to_owned()];
        return;
    }
    let vendor_at = match segments.first().map(String::as_str) {
        Some("credentials" | "embeddings") => 1,
        _ => 0,
    };
    if let Some(segment) = segments.get_mut(vendor_at)
        && let Some(vendor) = Vendor::find(segment)
    {
        *segment = vendor.section();
    }
}

/// Whether the last segment is the name of a header: it stands behind a key that holds headers.
fn is_header(segments: &[String]) -> bool {
    matches!(segments, [.., map, _] if map == "headers")
}

fn unknown(path: &Path) -> Unknown {
    let known: Vec<String> = neighbours(path);
    let text = path.to_string();
    let nearest = known
        .iter()
        .map(|key| (strsim::normalized_damerau_levenshtein(key, &text), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key.clone());
    let nearest = of_program(path).or(nearest);
    // The first segment at which no known key goes on.
    let depth = (1..=path.0.len())
        .find(|depth| {
            let prefix = path.0.get(..*depth).unwrap_or_default().join(".");
            !known
                .iter()
                .any(|key| *key == prefix || key.starts_with(&format!("{prefix}.")))
        })
        .unwrap_or(path.0.len());
    let inside = format!("{text}.");
    Unknown {
        depth,
        section: known.iter().any(|key| key.starts_with(&inside)),
        nearest: nearest.map(|key| format!("towline.{key}")),
    }
}

/// The key of the whole program that somebody put into a provider section, which has none of it.
fn of_program(path: &Path) -> Option<String> {
    let rest = match path.0.as_slice() {
        [first, _, rest @ ..] if first == "providers" => rest,
        [vendor, rest @ ..] if Vendor::find(vendor).is_some() => rest,
        _ => return None,
    };
    let name = rest.join(".");
    all().contains_key(&name).then_some(name)
}

/// All keys that could have been meant: the table, and the fields of the provider that is named.
fn neighbours(path: &Path) -> Vec<String> {
    let mut known: Vec<String> = all().keys().cloned().collect();
    if let [first, name, ..] = path.0.as_slice()
        && first == "providers"
    {
        known.extend(named_fields().map(|field| format!("providers.{name}.{field}")));
    }
    known
}

// === impl Path ===

impl Path {
    /// The path of a key of the table.
    pub(crate) fn of(name: &str) -> Self {
        Self(name.split('.').map(str::to_owned).collect())
    }

    pub(crate) fn from_segments(segments: Vec<String>) -> Self {
        Self(segments)
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.0
    }

    /// The path of `field` in this section.
    pub(crate) fn join(&self, field: &str) -> Self {
        let mut segments = self.0.clone();
        segments.extend(field.split('.').map(str::to_owned));
        Self(segments)
    }

    /// This path with one more segment, taken as it is.
    pub(crate) fn push(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }

    /// The map of headers and the name of one of them.
    pub(crate) fn split_header(&self) -> Option<(Self, &str)> {
        let (header, map) = self.0.split_last()?;
        (map.last()? == "headers").then(|| (Self(map.to_vec()), header.as_str()))
    }

    /// The name of a named provider and the field in it.
    pub(crate) fn split_named(&self) -> Option<(&str, String)> {
        match self.0.as_slice() {
            [first, name, field @ ..] if first == "providers" && !field.is_empty() => {
                Some((name, field.join(".")))
            }
            _ => None,
        }
    }

    /// Whether the path, or everything below it, is a map of headers.
    pub(crate) fn holds_headers(&self) -> bool {
        find(self).is_some_and(|key| key.kind == Kind::Headers)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests;
