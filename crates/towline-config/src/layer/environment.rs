//! What the environment, or a `.env` file, says.

use super::{Entry, Layer, Origin, file::Sink};
use crate::{
    error::Fault,
    key::{Key, Kind, Path, all, named, named_fields},
};
use figment::value::Value;
use std::collections::BTreeMap;

/// How alike a `TOWLINE_` variable and a known one must be to count as a slip of the pen.
const ALIKE: f64 = 0.85;

/// What came of reading the environment.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) entries: Vec<Entry>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<String>,
}

/// The entries of a map of variables. `label` is what origins begin with.
pub(crate) fn from_environment(
    layer: Layer,
    label: &str,
    variables: &BTreeMap<String, String>,
) -> Reading {
    let mut reading = Reading::default();
    let mut claimed = Vec::new();
    // Most keys have no other name than the generic one: thousands of them need not be made.
    let any_generic = variables.keys().any(|name| name.starts_with("TOWLINE_"));
    let sought = |key: &&Key| any_generic || !key.guide.is_empty();
    for key in all().values().filter(sought) {
        let names: Vec<String> = key.variables().collect();
        reading.take(layer, label, key, &names, variables);
        claimed.extend(names);
    }
    let ours = variables
        .iter()
        .filter(|(name, _)| name.starts_with("TOWLINE_") && !claimed.contains(name));
    for (name, value) in ours {
        if let Some(key) = named_key(name) {
            reading.take(layer, label, &key, std::slice::from_ref(name), variables);
        } else if !is_service_link(name, value) && !RESERVED.contains(&name.as_str()) {
            reading.unknown(label, name, &claimed);
        }
    }
    reading
}

/// Names that are read elsewhere.
const RESERVED: [&str; 1] = ["TOWLINE_CONFIG"];

/// `TOWLINE_PROVIDERS_MAIN_API_KEY` is `providers.main.api_key`. The longest field wins.
fn named_key(variable: &str) -> Option<Key> {
    let rest = variable.strip_prefix("TOWLINE_PROVIDERS_")?.to_lowercase();
    named_fields()
        .filter_map(|field| {
            let suffix = format!("_{}", field.replace('.', "_"));
            let name = rest.strip_suffix(&suffix)?;
            (!name.is_empty()).then(|| (suffix.len(), name.to_owned(), field))
        })
        .max_by_key(|(length, _, _)| *length)
        .and_then(|(_, name, field)| named(&name, &field))
}

/// Kubernetes puts the address of each service into every pod: a service called `towline` makes
/// `TOWLINE_PORT=tcp://10.0.0.7:8080` and more.
pub(crate) fn is_service_link(name: &str, value: &str) -> bool {
    value.starts_with("tcp://")
        || value.starts_with("udp://")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || [
            "_TCP_ADDR",
            "_TCP_PORT",
            "_TCP_PROTO",
            "_UDP_ADDR",
            "_UDP_PORT",
            "_UDP_PROTO",
        ]
        .iter()
        .any(|end| name.ends_with(end))
}

// === impl Reading ===

impl Reading {
    /// Takes the first of the key's variables that holds something.
    fn take(
        &mut self,
        layer: Layer,
        label: &str,
        key: &Key,
        names: &[String],
        variables: &BTreeMap<String, String>,
    ) {
        let filled = names.iter().find_map(|name| {
            let value = variables.get(name)?.trim();
            let usable = !value.is_empty()
                && !is_service_link(name, value)
                && !is_foreign_proxy(name, variables);
            usable.then_some((name, value))
        });
        let Some((name, value)) = filled else { return };
        let origin = Origin {
            layer,
            order: 0,
            name: format!("{label} {name}"),
            meant: name.starts_with("TOWLINE_"),
        };
        let mut sink = Sink::new(&origin, "towline");
        let path = Path::of(&key.name);
        if key.kind == Kind::Headers {
            sink.leaf(path.segments(), Value::from(value));
        } else {
            sink.exact(path, Value::from(value));
        }
        let (entries, faults) = sink.finish();
        self.entries.extend(entries);
        self.faults.extend(faults);
    }

    fn unknown(&mut self, label: &str, name: &str, known: &[String]) {
        let nearest = known
            .iter()
            .map(|known| (strsim::normalized_damerau_levenshtein(known, name), known))
            .filter(|(alike, _)| *alike >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        match nearest {
            Some((_, nearest)) => self.faults.push(
                Fault::new(
                    format!("unknown variable {name}"),
                    format!("did you mean {nearest}?"),
                )
                .with_origin(label),
            ),
            // It may be another program's.
            None => self
                .warnings
                .push(format!("{label} {name} is not a setting; it is ignored")),
        }
    }
}

/// In a CGI program `HTTP_PROXY` is the header `Proxy` of whoever sent the request.
fn is_foreign_proxy(name: &str, variables: &BTreeMap<String, String>) -> bool {
    name == "HTTP_PROXY" && variables.contains_key("REQUEST_METHOD")
}
