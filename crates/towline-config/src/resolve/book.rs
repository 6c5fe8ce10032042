//! The checked values of all keys.

use crate::{
    error::Fault,
    key::{Key, Kind, Mismatch, Path, Typed, check, find, table::RETRY_PRESETS},
    layer::{Found, Layer, Merged, Origin},
};
use figment::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The checked values, the faults by section, and the warnings so far.
#[derive(Clone)]
pub(crate) struct Book {
    held: BTreeMap<Path, Held>,
    /// Keys whose value did not pass: set, and of no use.
    bad: BTreeSet<Path>,
    /// Proxies from the usual variables that did not pass: faults once they would be used.
    bad_proxies: BTreeMap<Path, (Origin, Fault)>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

/// A value that passed its check.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) value: Typed,
    pub(super) origin: Origin,
    /// The name of the named provider as it was written.
    pub(super) spelled: Option<String>,
}

// === impl Book ===

impl Book {
    pub(super) fn new(merged: Merged, faults: Vec<Fault>, warnings: Vec<String>) -> Self {
        let mut book = Self {
            held: BTreeMap::new(),
            bad: BTreeSet::new(),
            bad_proxies: BTreeMap::new(),
            faults,
            warnings,
        };
        for (path, found) in merged.into_found() {
            book.enter(path, found);
        }
        book.apply_presets();
        book
    }

    /// Puts the values of a preset under their keys: where the key is not set beside it, or only by a
    /// lower layer.
    fn apply_presets(&mut self) {
        let mut added = Vec::new();
        for (path, preset) in &self.held {
            let [scope @ .., group, last] = path.segments() else {
                continue;
            };
            let Typed::Text(word) = &preset.value else {
                continue;
            };
            let chosen = RETRY_PRESETS.iter().find(|(name, _)| name == word);
            let (("retry", "preset"), Some((_, values))) = ((&**group, &**last), chosen) else {
                continue;
            };
            let scope = Path::from_segments(scope.to_vec()).push("retry");
            for (field, text) in *values {
                added.extend(self.of_preset(&scope.push(field), text, preset));
            }
        }
        self.held.extend(added);
    }

    /// The value of a preset for one key, unless that is set in the same layer or a higher one.
    fn of_preset(&self, path: &Path, text: &str, preset: &Held) -> Option<(Path, Held)> {
        let rank = preset.origin.place();
        let own = self.held.get(path).map(|own| own.origin.place());
        if own.is_some_and(|own| own >= rank) || self.bad.contains(path) {
            return None;
        }
        let key = find(path)?;
        let value = check(key.kind, &Value::from(text)).ok()?;
        let origin = Origin {
            name: format!("{} of {}", preset.key.full(), preset.origin),
            ..preset.origin.clone()
        };
        let held = Held {
            key,
            value,
            origin,
            spelled: preset.spelled.clone(),
        };
        Some((path.clone(), held))
    }

    fn enter(&mut self, path: Path, found: Found) {
        match check(found.key.kind, &found.value) {
            Ok(value) => {
                let held = Held {
                    key: found.key,
                    value,
                    origin: found.origin,
                    spelled: found.spelled,
                };
                self.held.insert(path, held);
            }
            Err(mismatch) => {
                let fault = mismatched(&found.key, found.key.kind, mismatch)
                    .with_origin(found.origin.name.clone());
                self.bad.insert(path.clone());
                match (found.key.used, found.origin.meant) {
                    (_, true) => self.faults.push(fault),
                    // A SOCKS proxy in ALL_PROXY is no fault where HTTPS_PROXY outranks it.
                    (true, false) if found.key.kind == Kind::Proxy => {
                        self.bad_proxies.insert(path, (found.origin, fault));
                    }
                    (true, false) => self.faults.push(fault),
                    // A variable such as CHUNK_SIZE may be another program's.
                    (false, false) => self.warnings.push(fault.to_string()),
                }
            }
        }
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Held> {
        self.held.get(path)
    }

    pub(super) fn is_bad(&self, path: &Path) -> bool {
        self.bad.contains(path)
    }

    pub(super) fn bad_proxy(&self, path: &Path) -> Option<&(Origin, Fault)> {
        self.bad_proxies.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Path, &Held)> {
        self.held.iter()
    }

    /// The text of a key.
    pub(super) fn text(&self, name: &str) -> Option<(&str, &Origin)> {
        match self.get(&Path::of(name)) {
            Some(Held {
                value: Typed::Text(text),
                origin,
                ..
            }) => Some((text, origin)),
            _ => None,
        }
    }

    /// The names of the named providers, canonical and as written.
    pub(super) fn provider_names(&self) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for path in self.held.keys().chain(&self.bad) {
            let Some((name, _)) = path.split_named() else {
                continue;
            };
            let spelled = self.get(path).and_then(|held| held.spelled.clone());
            let known = names
                .entry(name.to_owned())
                .or_insert_with(|| name.to_owned());
            if let Some(spelled) = spelled.filter(|spelled| spelled != name) {
                *known = spelled;
            }
        }
        names
    }

    /// Whether anything says that a provider is wanted.
    pub(super) fn any_provider(&self) -> bool {
        let bad = self
            .bad
            .iter()
            .any(|path| find(path).is_some_and(|key| is_provider_section(&key)));
        bad || self.held.values().any(|held| {
            is_provider_section(&held.key) && (held.origin.meant || held.key.is_access())
        })
    }

    /// The faults of no section, and those of the sections in use.
    pub(super) fn hard_faults(&self, used: &[String]) -> Vec<Fault> {
        let in_use = |fault: &&Fault| {
            fault
                .section()
                .is_none_or(|section| is_among(section, used))
        };
        self.faults.iter().filter(in_use).cloned().collect()
    }

    /// The faults of these sections.
    pub(super) fn faults_in(&self, sections: &[String]) -> Vec<Fault> {
        let inside = |fault: &&Fault| {
            fault
                .section()
                .is_some_and(|section| is_among(section, sections))
        };
        self.faults.iter().filter(inside).cloned().collect()
    }

    pub(super) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    pub(super) fn warn_of_unused_faults(&mut self, used: &[String]) {
        let idle: Vec<String> = self
            .faults
            .iter()
            .filter(|fault| {
                !fault
                    .section()
                    .is_some_and(|section| is_among(section, used))
            })
            .map(ToString::to_string)
            .collect();
        for text in idle {
            self.warn(text);
        }
    }

    /// The keys that are set and nothing acts on yet, all in one line: those that were meant for this
    /// program, or those of variables that other programs read too.
    pub(crate) fn idle_keys(&self, meant: bool) -> Option<String> {
        let idle = self
            .held
            .values()
            .filter(|held| !held.key.used && held.origin.meant == meant);
        let names: Vec<String> = idle
            .map(|held| match meant {
                true => held.key.full(),
                false => format!("{} (from {})", held.key.full(), held.origin),
            })
            .collect();
        (!names.is_empty()).then(|| format!("no effect in this version: {}", names.join(", ")))
    }

    pub(super) fn warn_of_idle_keys(&mut self) {
        for meant in [true, false] {
            if let Some(text) = self.idle_keys(meant) {
                self.warn(text);
            }
        }
    }

    /// A secret that stands in a file, and in no variable, was written there.
    pub(super) fn warn_of_literal_secrets(&mut self, variables: &BTreeMap<String, String>) {
        let literal: Vec<String> = self
            .held
            .values()
            .filter(|held| held.origin.layer == Layer::File)
            .filter_map(|held| match &held.value {
                Typed::Secret(secret) if held.key.kind == Kind::Secret => {
                    let known = variables
                        .values()
                        .any(|value| value.trim() == secret.expose());
                    (!known).then(|| {
                        format!(
                            "{} is written out in {}: use ${{NAME}}, or {}_file",
                            held.key.full(),
                            held.origin,
                            held.key.full()
                        )
                    })
                }
                _ => None,
            })
            .collect();
        for text in literal {
            self.warn(text);
        }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// The fault of a value that is not what its key takes.
pub(super) fn mismatched(key: &Key, kind: Kind, mismatch: Mismatch) -> Fault {
    let problem = format!("expected {}, found {}", kind.expected(), mismatch.found);
    of_key(key, problem, mismatch.hint.unwrap_or_else(|| kind.remedy()))
}

/// A fault with the key and its variables.
pub(super) fn of_key(key: &Key, problem: impl Into<String>, remedy: impl Into<String>) -> Fault {
    let fault = Fault::new(problem, remedy)
        .with_key(key.full())
        .with_variables(key.shown_variables());
    match &key.section {
        Some(section) => fault.in_section(section.clone()),
        None => fault,
    }
}

/// Whether a key belongs to a provider that could answer a chat.
fn is_provider_section(key: &Key) -> bool {
    key.name == "providers.provider"
        || key.section.as_deref().is_some_and(|section| {
            let vendor = section.strip_prefix("credentials.").unwrap_or(section);
            !section.starts_with("embeddings.") && !matches!(vendor, "voyage" | "jina")
        })
}

fn is_among(section: &str, sections: &[String]) -> bool {
    sections.iter().any(|other| other == section)
}

#[cfg(test)]
mod tests;
