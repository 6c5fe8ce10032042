//! Reading the fields of a provider through its sections: its own, its vendor's, the general one.

use super::book::{Book, Held, of_key};
use crate::{
    edge,
    error::Fault,
    key::{Key, Path, SECRETS, Typed, all, check, find},
    layer::Origin,
};
use figment::value::Value;
use std::{path::PathBuf, time::Duration};
use towline_core::Secret;

/// The sections of one provider, nearest first, and the faults found while reading.
pub(super) struct Sections<'a> {
    book: &'a Book,
    /// Sections that are asked in turn.
    scopes: Vec<Path>,
    /// Where a key may come from. Within a group the higher layer wins, between groups the earlier.
    key_groups: Vec<Vec<Path>>,
    faults: Vec<Fault>,
    incomplete: bool,
}

// === impl Sections ===

impl<'a> Sections<'a> {
    pub(super) fn new(book: &'a Book, scopes: &[String], key_groups: &[Vec<String>]) -> Self {
        Self {
            book,
            scopes: scopes.iter().map(|scope| Path::of(scope)).collect(),
            key_groups: key_groups
                .iter()
                .map(|group| group.iter().map(|scope| Path::of(scope)).collect())
                .collect(),
            faults: Vec::new(),
            incomplete: false,
        }
    }

    /// The names of all sections that are read.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .scopes
            .iter()
            .chain(self.key_groups.iter().flatten())
            .map(ToString::to_string)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// Whether a field is set to something that did not pass its check. That is a fault already, and
    /// no reason to call the field missing.
    pub(super) fn is_bad(&self, field: &str) -> bool {
        self.scopes
            .iter()
            .any(|scope| self.book.is_bad(&scope.join(field)))
    }

    /// As [`is_bad`](Self::is_bad), the key of the whole program included.
    pub(super) fn is_bad_in_force(&self, field: &str) -> bool {
        self.is_bad(field) || self.book.is_bad(&Path::of(field))
    }

    /// The key of a field in the nearest section that can have it.
    pub(super) fn key(&self, field: &str) -> Key {
        self.scopes
            .iter()
            .find_map(|scope| find(&scope.join(field)))
            .unwrap_or_else(|| Key::unlisted(field))
    }

    /// The value of a field in the nearest section that sets it.
    fn held(&self, field: &str) -> Option<&'a Held> {
        self.scopes
            .iter()
            .find_map(|scope| self.book.get(&scope.join(field)))
    }

    /// The default of a field in the nearest section that has one.
    fn default(&self, field: &str) -> Option<Typed> {
        let general = std::iter::once(field.to_owned());
        self.scopes
            .iter()
            .map(|scope| scope.join(field).to_string())
            .chain(general)
            .find_map(|name| {
                let key = all().get(&name)?;
                check(key.kind, &Value::from(key.default.as_deref()?)).ok()
            })
    }

    /// The value of a field, the general key of the same name, or the default.
    pub(super) fn value(&self, field: &str) -> Option<Typed> {
        self.set_value(field).or_else(|| self.default(field))
    }

    /// The value of a field, or the general key of the same name, without defaults.
    pub(super) fn set_value(&self, field: &str) -> Option<Typed> {
        let general = || self.book.get(&Path::of(field));
        self.held(field)
            .or_else(general)
            .map(|held| held.value.clone())
    }

    pub(super) fn text(&self, field: &str) -> Option<String> {
        match self.value(field)? {
            Typed::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a field and the layer that set it, without defaults.
    pub(super) fn set_text(&self, field: &str) -> Option<(&'a str, &'a Origin)> {
        match self.held(field)? {
            Held {
                value: Typed::Text(text),
                origin,
                ..
            } => Some((text, origin)),
            _ => None,
        }
    }

    /// The text of a key outside these sections.
    pub(super) fn general_text(&self, name: &str) -> Option<&'a str> {
        self.book.text(name).map(|(text, _)| text)
    }

    pub(super) fn count(&self, field: &str) -> Option<u64> {
        match self.value(field)? {
            Typed::Count(count) => Some(count),
            _ => None,
        }
    }

    pub(super) fn flag(&self, field: &str) -> Option<bool> {
        match self.value(field)? {
            Typed::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    pub(super) fn duration(&self, field: &str) -> Option<Duration> {
        match self.value(field)? {
            Typed::Duration(duration) => Some(duration),
            _ => None,
        }
    }

    pub(super) fn list(&self, field: &str) -> Vec<String> {
        match self.value(field) {
            Some(Typed::List(items)) => items,
            _ => Vec::new(),
        }
    }

    /// The headers of all sections; the nearest one's win.
    pub(super) fn headers(&self) -> Vec<(String, Secret)> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        for scope in &self.scopes {
            let map = scope.join("headers");
            for (path, held) in self.book.iter() {
                let Some((at, name)) = path.split_header() else {
                    continue;
                };
                let fresh = headers.iter().all(|(known, _)| known != name);
                if let (true, true, Typed::Secret(value)) = (at == map, fresh, &held.value) {
                    headers.push((name.to_owned(), value.clone()));
                }
            }
        }
        headers
    }

    /// The vendor's key or token, or the content of the file that holds it.
    pub(super) fn api_key(&mut self) -> Option<Secret> {
        let chosen = self.chosen_key()?;
        self.check_twin(chosen);
        match chosen {
            Held {
                value: Typed::Secret(secret),
                ..
            } => Some(secret.clone()),
            held => self.secret_file(held),
        }
    }

    /// The file that the vendor's key comes from.
    pub(super) fn key_file(&self) -> Option<PathBuf> {
        match &self.chosen_key()?.value {
            Typed::Text(path) => Some(PathBuf::from(path)),
            _ => None,
        }
    }

    /// Whether a key is set, of whatever use.
    pub(super) fn has_bad_key(&self) -> bool {
        let mut scopes = self.key_groups.iter().flatten();
        scopes.any(|scope| {
            let mut fields = SECRETS.iter();
            fields.any(|field| self.book.is_bad(&scope.join(field)))
        })
    }

    /// Whether what is used is a token, and no key.
    pub(super) fn has_token(&self) -> bool {
        let chosen = self.chosen_key().map(|held| held.key.name.as_str());
        let field = chosen.and_then(|name| name.rsplit('.').next());
        field.is_some_and(|field| field.starts_with("token"))
    }

    /// The section that the key comes from.
    pub(super) fn key_section(&self) -> Option<String> {
        self.chosen_key()?.key.section.clone()
    }

    /// Where the key comes from, such as `environment OPENAI_API_KEY`.
    pub(super) fn key_origin(&self) -> Option<String> {
        Some(self.chosen_key()?.origin.name.clone())
    }

    /// The key, or its file, that is used.
    fn chosen_key(&self) -> Option<&'a Held> {
        self.key_groups.iter().find_map(|group| self.highest(group))
    }

    /// The key of the highest layer in a group of sections; among equals the first section's.
    fn highest(&self, group: &[Path]) -> Option<&'a Held> {
        let mut best: Option<&'a Held> = None;
        for scope in group {
            for field in SECRETS {
                let Some(held) = self.book.get(&scope.join(field)) else {
                    continue;
                };
                if best.is_none_or(|best| held.origin.rank() > best.origin.rank()) {
                    best = Some(held);
                }
            }
        }
        best
    }

    /// Two of key, token and the files of either in one layer: nobody can say which was meant.
    fn check_twin(&mut self, held: &Held) {
        let section = Path::of(held.key.section.as_deref().unwrap_or_default());
        let others = SECRETS.iter().map(|field| section.join(field));
        let mut others = others.filter_map(|path| self.book.get(&path));
        if let Some(twin) = others.find(|other| {
            other.key.name != held.key.name && other.origin.rank() == held.origin.rank()
        }) {
            let (full, other) = (held.key.full(), twin.key.full());
            let problem = format!("both {full} and {other} are set");
            let fault = of_key(&held.key, problem, "keep one of them")
                .with_origin(format!("{} and {}", held.origin, twin.origin));
            self.faults.push(fault);
        }
    }

    fn secret_file(&mut self, held: &Held) -> Option<Secret> {
        let Typed::Text(path) = &held.value else {
            return None;
        };
        let unread = match edge::read_secret(std::path::Path::new(path)) {
            Ok(secret) => return Some(secret),
            Err(unread) => unread,
        };
        let fault = if edge::is_path(path) {
            let fault = unread.at(std::path::Path::new(path));
            of_key(&held.key, fault.problem(), fault.remedy())
        } else {
            // It may be the key itself, under the name that ends in _FILE.
            of_key(
                &held.key,
                unread.unnamed(),
                "write a path that begins with / or ./, such as /run/secrets/key; the key itself \
                 belongs under the name without the ending _file",
            )
        };
        let fault = fault.with_origin(held.origin.name.clone());
        self.unreadable(fault);
        None
    }

    /// The bytes of the file that a field names.
    pub(super) fn file(&mut self, field: &str) -> Option<Vec<u8>> {
        let path = self.text(field)?;
        match edge::read_bytes(std::path::Path::new(&path)) {
            Ok(bytes) => Some(bytes),
            Err(fault) => {
                let mut named = of_key(&self.key_of(field), fault.problem(), fault.remedy());
                if let Some(origin) = self.origin_of(field) {
                    named = named.with_origin(origin);
                }
                self.unreadable(named);
                None
            }
        }
    }

    fn unreadable(&mut self, fault: Fault) {
        self.incomplete = true;
        self.faults.push(fault);
    }

    /// Whether a file that is named could not be read: the value is not missing then.
    pub(super) const fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    pub(super) fn origin_of(&self, field: &str) -> Option<String> {
        let held = self
            .held(field)
            .or_else(|| self.book.get(&Path::of(field)))?;
        Some(held.origin.name.clone())
    }

    /// The key that sets a field, else the nearest that could.
    pub(super) fn key_of(&self, field: &str) -> Key {
        let held = self.held(field).or_else(|| self.book.get(&Path::of(field)));
        held.map_or_else(|| self.key(field), |held| held.key.clone())
    }

    /// The proxy for addresses of `scheme`. The nearest section that names one wins; in it the
    /// higher layer, and among equals the key of the scheme over the key for all.
    pub(super) fn proxy(&mut self, scheme: &str) -> Option<Secret> {
        let own = format!("transport.{scheme}_proxy");
        let mut pairs: Vec<[Path; 2]> = self
            .scopes
            .iter()
            .map(|scope| [scope.join(&own), scope.join("transport.proxy")])
            .collect();
        pairs.push([Path::of(&own), Path::of("transport.proxy")]);
        match pairs.iter().find_map(|pair| self.chosen_proxy(pair))? {
            Ok(held) => match &held.value {
                Typed::Secret(url) if url.expose() != "none" => Some(url.clone()),
                _ => None,
            },
            Err(fault) => {
                self.faults.push(fault.clone());
                None
            }
        }
    }

    /// The higher layer's of two proxies; among equals the first.
    fn chosen_proxy(&self, pair: &[Path; 2]) -> Option<Result<&'a Held, &'a Fault>> {
        let book = self.book;
        let candidates = pair.each_ref().map(|path| {
            let good = book.get(path).map(|held| (held.origin.rank(), Ok(held)));
            let bad = || {
                book.bad_proxy(path)
                    .map(|(origin, fault)| (origin.rank(), Err(fault)))
            };
            good.or_else(bad)
        });
        match candidates {
            [Some(own), Some(all)] if all.0 > own.0 => Some(all.1),
            [own, all] => own.or(all).map(|(_, outcome)| outcome),
        }
    }
}
