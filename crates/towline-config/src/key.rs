//! The keys: which exist, what each holds, which variables set it.

mod kind;
mod path;
pub(crate) mod table;

pub(crate) use self::{
    kind::{Kind, Mismatch, PriceEntry, Typed, check},
    path::{Path, canonical, snake},
};

use self::table::{EMBEDDING, Field, program_fields, section_fields};
use crate::vendor::{Home, Vendor};
use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

/// The fields that prove who calls. One of them is used.
pub(crate) const SECRETS: [&str; 4] = ["api_key", "api_key_file", "token", "token_file"];

/// One key of the table, without its root: `openai.api_key`.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) default: Option<Cow<'static, str>>,
    /// Names of the guide or the vendor. The generic `TOWLINE_` name outranks them.
    pub(crate) guide: Vec<String>,
    /// Whether anything in this version acts on it.
    pub(crate) used: bool,
    /// The provider section it belongs to.
    pub(crate) section: Option<String>,
}

static KEYS: LazyLock<BTreeMap<String, Key>> = LazyLock::new(expand);

/// Every key with a fixed name, by name. Named providers are not among them.
pub(crate) fn all() -> &'static BTreeMap<String, Key> {
    &KEYS
}

/// The key of a canonical path, named providers and single headers included.
pub(crate) fn find(path: &Path) -> Option<Key> {
    if let Some(key) = KEYS.get(&path.to_string()) {
        return Some(key.clone());
    }
    if let Some((map, header)) = path.split_header() {
        let key = find(&map)?;
        return (key.kind == Kind::Headers).then(|| Key {
            name: format!("{}.{header}", key.name),
            kind: Kind::Secret,
            guide: Vec::new(),
            ..key
        });
    }
    let (name, field) = path.split_named()?;
    named(name, &field)
}

/// Whether a variable is one of ours: all that begin with `TOWLINE_`, and the other names of keys.
pub(crate) fn is_variable(name: &str) -> bool {
    name.starts_with("TOWLINE_")
        || KEYS
            .values()
            .any(|key| key.guide.iter().any(|guide| guide == name))
}

/// The key that a variable sets.
pub(crate) fn of_variable(name: &str) -> Option<&'static Key> {
    let mut keys = KEYS.values();
    keys.find(|key| key.variables().any(|variable| variable == name))
}

/// The key of a field of the named provider `name`.
pub(crate) fn named(name: &str, field: &str) -> Option<Key> {
    let section = format!("providers.{name}");
    table_fields(section_fields())
        .find(|candidate| candidate.name == field)
        .map(|field| Key::of(&section, &field, Vec::new(), None))
}

/// The names of all fields that a named provider may have.
pub(crate) fn named_fields() -> impl Iterator<Item = String> {
    table_fields(section_fields()).map(|field| field.name.into_owned())
}

/// A field, or the `_file` twin that each secret has.
struct Twin {
    name: Cow<'static, str>,
    kind: Kind,
    field: &'static Field,
    file: bool,
}

/// The fields of a table with the `_file` twins of its secrets.
fn table_fields(fields: impl Iterator<Item = &'static Field>) -> impl Iterator<Item = Twin> {
    fields.flat_map(|field| {
        let plain = Twin {
            name: Cow::Borrowed(field.name),
            kind: field.kind,
            field,
            file: false,
        };
        let twin = (field.kind == Kind::Secret).then(|| Twin {
            name: Cow::Owned(format!("{}_file", field.name)),
            kind: Kind::SecretFile,
            field,
            file: true,
        });
        std::iter::once(plain).chain(twin)
    })
}

fn expand() -> BTreeMap<String, Key> {
    let mut keys = BTreeMap::new();
    let mut add = |key: Key| {
        keys.insert(key.name.clone(), key);
    };
    for twin in table_fields(program_fields()) {
        let guide = twin.names(twin.field.env);
        add(Key::of("", &twin, guide, twin.field.default));
    }
    for vendor in Vendor::all() {
        let section = vendor.section();
        for twin in table_fields(section_fields()).filter(|twin| twin.suits(vendor)) {
            add(Key::of(
                &section,
                &twin,
                twin.vendor_names(vendor),
                twin.vendor_default(vendor),
            ));
        }
        for twin in table_fields(EMBEDDING.iter()) {
            let guide = twin.embedding_names(vendor);
            let default = twin.embedding_default(vendor);
            add(Key::of(
                &format!("embeddings.{section}"),
                &twin,
                guide,
                default,
            ));
        }
        for twin in table_fields(section_fields()).filter(|twin| twin.field.name == "api_key") {
            add(Key::of(
                &format!("credentials.{section}"),
                &twin,
                Vec::new(),
                None,
            ));
        }
    }
    keys
}

// === impl Key ===

impl Key {
    fn of(section: &str, twin: &Twin, guide: Vec<String>, default: Option<&'static str>) -> Self {
        let name = match section {
            "" => twin.name.clone().into_owned(),
            section => format!("{section}.{}", twin.name),
        };
        Self {
            name,
            kind: twin.kind,
            default: default.filter(|_| !twin.file).map(Cow::Borrowed),
            guide,
            used: twin.field.used,
            section: (!section.is_empty()).then(|| section.to_owned()),
        }
    }

    /// A key that only messages know.
    pub(crate) fn unlisted(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Text,
            default: None,
            guide: Vec::new(),
            used: true,
            section: None,
        }
    }

    /// Whether the key alone says that somebody wants to reach the vendor.
    pub(crate) fn is_access(&self) -> bool {
        let field = self.name.rsplit('.').next().unwrap_or_default();
        SECRETS.contains(&field) || matches!(field, "base_url" | "endpoint")
    }

    /// The key with its root, as messages show it.
    pub(crate) fn full(&self) -> String {
        format!("towline.{}", self.name)
    }

    /// The generic variable: `TOWLINE_OPENAI_API_KEY`.
    pub(crate) fn generic(&self) -> String {
        format!(
            "TOWLINE_{}",
            self.name.to_uppercase().replace(['.', '-'], "_")
        )
    }

    /// All variables, first wins.
    pub(crate) fn variables(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.generic()).chain(self.guide.iter().cloned())
    }

    /// The variables worth naming in a message: those of the guide, else the generic one.
    pub(crate) fn shown_variables(&self) -> Vec<String> {
        if self.guide.is_empty() {
            vec![self.generic()]
        } else {
            self.guide.clone()
        }
    }
}

// === impl Twin ===

impl Twin {
    fn suits(&self, vendor: Vendor) -> bool {
        let only = self.field.vendors;
        !self.field.named_only && (only.is_empty() || only.contains(&vendor.as_str()))
    }

    fn names(&self, names: &[&str]) -> Vec<String> {
        let suffix = if self.file { "_FILE" } else { "" };
        names.iter().map(|name| format!("{name}{suffix}")).collect()
    }

    fn vendor_names(&self, vendor: Vendor) -> Vec<String> {
        let row = vendor
            .row()
            .env
            .iter()
            .find(|(field, _)| *field == self.field.name);
        row.map(|(_, names)| self.names(names)).unwrap_or_default()
    }

    fn vendor_default(&self, vendor: Vendor) -> Option<&'static str> {
        match (self.field.name, vendor.row().home) {
            ("base_url", Home::At(url)) => Some(url),
            ("timeouts.request", _) => Some(vendor.row().request),
            ("location", _) => Some("us-central1"),
            ("api_version", _) => Some("2025-01-01-preview"),
            _ => None,
        }
    }

    fn embedding_names(&self, vendor: Vendor) -> Vec<String> {
        if !matches!(vendor.as_str(), "openai" | "voyage" | "ollama") {
            return Vec::new();
        }
        let field = self.name.to_uppercase();
        vec![format!(
            "{}_EMBEDDING_{field}",
            vendor.as_str().to_uppercase()
        )]
    }

    fn embedding_default(&self, vendor: Vendor) -> Option<&'static str> {
        match (vendor.as_str(), self.field.name) {
            ("ollama", "base_url") => Some("http://localhost:11434"),
            ("ollama", "model") => Some("nomic-embed-text"),
            _ => None,
        }
    }
}
