//! What `config show --sources` shows.

use super::book::{Book, Held};
use crate::{
    edge,
    key::{Key, Kind, Typed, all},
    provider::ProviderSettings,
    source::{Source, without_secrets},
};
use std::collections::BTreeMap;

impl Book {
    /// What is set, and the defaults of the general keys and of the vendors in use. A default that
    /// nothing acts on yet is left out.
    pub(super) fn sources<E>(
        &self,
        selected: [Result<&Option<ProviderSettings>, E>; 2],
    ) -> Vec<Source> {
        let mut sources: BTreeMap<String, Source> = self
            .iter()
            .map(|(_, held)| (held.key.full(), of(held)))
            .collect();
        let mut sections: Vec<String> = self
            .iter()
            .filter_map(|(_, held)| held.key.section.clone())
            .collect();
        for provider in selected.into_iter().flatten().flatten() {
            sections.push(provider.vendor().section());
        }
        for key in all().values() {
            let Some(text) = &key.default else { continue };
            let in_use = key
                .section
                .as_ref()
                .is_none_or(|section| sections.contains(section));
            if in_use && key.used {
                sources
                    .entry(key.full())
                    .or_insert_with(|| of_default(key, text));
            }
        }
        sources.into_values().collect()
    }
}

fn of(held: &Held) -> Source {
    Source {
        key: held.key.full(),
        shown: shown(&held.key, &held.value),
        origin: held.origin.name.clone(),
    }
}

fn of_default(key: &Key, text: &str) -> Source {
    Source {
        key: key.full(),
        shown: text.to_owned(),
        origin: "default".to_owned(),
    }
}

fn shown(key: &Key, value: &Typed) -> String {
    match value {
        // A proxy is secret for its user and password.
        Typed::Secret(url) if key.kind == Kind::Proxy => without_secrets(url.expose()).into_owned(),
        Typed::Secret(_) => "***".to_owned(),
        Typed::Text(text) if key.kind == Kind::SecretFile && !edge::is_path(text) => {
            "***".to_owned()
        }
        Typed::Text(text) => without_secrets(text).into_owned(),
        Typed::Bool(flag) => flag.to_string(),
        Typed::Count(count) => count.to_string(),
        Typed::Duration(duration) => format!("{duration:?}"),
        Typed::Ratio(ratio) => ratio.to_string(),
        Typed::Off => "off".to_owned(),
        Typed::List(items) => items.join(", "),
        Typed::Prices(entries) => {
            let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
            entries.join("; ")
        }
    }
}
