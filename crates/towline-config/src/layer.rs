//! Where values come from, and the merge of all sources into one tree.

mod environment;
mod file;
mod overriding;

pub(crate) use self::{
    environment::from_environment,
    file::{from_tree, is_root, section_of},
    overriding::from_override,
};

use crate::key::{Key, Path, find};
use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use std::{collections::BTreeMap, fmt};

/// The layers, lowest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Layer {
    File,
    DotEnv,
    Environment,
    Override,
}

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    pub(crate) layer: Layer,
    /// Among files: a later one outranks an earlier one.
    pub(crate) order: usize,
    /// For people: `environment OPENAI_API_KEY`, `towline.toml`, `--set`.
    pub(crate) name: String,
    /// Whether somebody meant Towline, and not just any program, when writing it.
    pub(crate) meant: bool,
}

/// A value of one source, under its canonical key. Has no `Debug`: the value may be a secret.
pub(crate) struct Entry {
    pub(crate) path: Path,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// The name of a named provider as it was written.
    pub(crate) spelled: Option<String>,
}

/// The winner for a key. Has no `Debug`: the value may be a secret.
pub(crate) struct Found {
    pub(crate) key: Key,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    pub(crate) spelled: Option<String>,
}

/// The winners of all keys that anybody set.
#[derive(Default)]
pub(crate) struct Merged {
    found: BTreeMap<Path, Found>,
}

/// One entry as a provider of figment's.
struct Single<'a> {
    entry: &'a Entry,
    index: usize,
}

/// Merges the entries. A higher layer wins, within the files the later one, and figment tells for
/// each value which entry it was.
pub(crate) fn merge(mut entries: Vec<Entry>) -> Merged {
    entries.sort_by_key(|entry| entry.origin.rank());
    let figment = entries
        .iter()
        .enumerate()
        .fold(Figment::new(), |figment, (index, entry)| {
            figment.merge(Single { entry, index })
        });
    let mut merged = Merged::default();
    if let Ok(mut profiles) = figment.data() {
        let root = profiles.remove(&Profile::Default).unwrap_or_default();
        merged.collect(&figment, &entries, &Path::from_segments(Vec::new()), root);
    }
    merged
}

// === impl Origin ===

impl Origin {
    /// Sources with the same rank are one source: neither of them outranks the other.
    pub(crate) const fn rank(&self) -> (Layer, usize) {
        (self.layer, self.order)
    }

    /// As [`rank`](Self::rank), with all overrides of a command line as one: their order means nothing
    /// to keys that only bear on each other.
    pub(crate) const fn place(&self) -> (Layer, usize) {
        match self.layer {
            Layer::Override => (self.layer, 0),
            Layer::File | Layer::DotEnv | Layer::Environment => self.rank(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

// === impl Merged ===

impl Merged {
    pub(crate) fn into_found(self) -> impl Iterator<Item = (Path, Found)> {
        self.found.into_iter()
    }

    fn collect(&mut self, figment: &Figment, entries: &[Entry], at: &Path, dict: Dict) {
        for (segment, value) in dict {
            let path = at.push(&segment);
            match value {
                Value::Dict(_, inner) => self.collect(figment, entries, &path, inner),
                value => self.keep(figment, entries, path, value),
            }
        }
    }

    fn keep(&mut self, figment: &Figment, entries: &[Entry], path: Path, value: Value) {
        let entry = figment
            .get_metadata(value.tag())
            .and_then(|metadata| metadata.source.as_ref()?.custom()?.parse::<usize>().ok())
            .and_then(|index| entries.get(index));
        if let (Some(entry), Some(key)) = (entry, find(&path)) {
            let found = Found {
                key,
                value,
                origin: entry.origin.clone(),
                spelled: entry.spelled.clone(),
            };
            self.found.insert(path, found);
        }
    }
}

// === impl Single ===

impl Provider for Single<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::from(self.entry.origin.name.clone(), self.index.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut segments = self.entry.path.segments().iter().rev();
        let last = segments.next().cloned().unwrap_or_default();
        let leaf = Dict::from([(last, self.entry.value.clone())]);
        let dict = segments.fold(leaf, |inner, segment| {
            Dict::from([(segment.clone(), Value::from(inner))])
        });
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

#[cfg(test)]
mod tests;
