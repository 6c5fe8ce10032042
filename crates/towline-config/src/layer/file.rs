//! What a file says, under canonical keys.

use super::{Entry, Origin};
use crate::{
    error::Fault,
    key::{Key, Kind, Path, canonical, find},
};
use figment::value::{Dict, Value};
use std::collections::BTreeMap;

/// What to do about a key that resembles none.
const SEE_LIST: &str = "see the list of keys in docs/configuration.md";

/// The sections that hold our keys.
const ROOTS: [&str; 2] = ["towline", "llm4s"];

/// Gathers entries and faults of one source.
pub(super) struct Sink<'a> {
    origin: &'a Origin,
    root: String,
    entries: BTreeMap<Path, (String, Entry)>,
    faults: Vec<Fault>,
    unknown: Vec<Vec<String>>,
}

/// Whether a top-level name is one of our roots.
pub(crate) fn is_root(name: &str) -> bool {
    ROOTS.contains(&name)
}

/// The entries of a parsed file. In a file that is `shared` with other programs, other top-level
/// sections are theirs; else they are faults.
pub(crate) fn from_tree(origin: &Origin, tree: Dict, shared: bool) -> (Vec<Entry>, Vec<Fault>) {
    let mut sink = Sink::new(origin, "towline");
    for (name, value) in tree {
        if is_root(&name) {
            sink.root.clone_from(&name);
            sink.walk(&[], value);
        } else if !shared {
            sink.foreign(&name);
        }
    }
    sink.finish()
}

// === impl Sink ===

impl<'a> Sink<'a> {
    pub(super) fn new(origin: &'a Origin, root: &str) -> Self {
        Self {
            origin,
            root: root.to_owned(),
            entries: BTreeMap::new(),
            faults: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Entry>, Vec<Fault>) {
        let entries = self.entries.into_values().map(|(_, entry)| entry).collect();
        (entries, self.faults)
    }

    fn walk(&mut self, at: &[String], value: Value) {
        match value {
            Value::Dict(_, dict) => {
                for (name, value) in dict {
                    let mut below = at.to_vec();
                    below.push(name);
                    self.walk(&below, value);
                }
            }
            value => self.leaf(at, value),
        }
    }

    /// Takes in one value. Blank text and null count as missing.
    pub(super) fn leaf(&mut self, written: &[String], value: Value) {
        let blank = match &value {
            Value::String(_, text) => text.trim().is_empty(),
            Value::Empty(..) => true,
            _ => false,
        };
        if written.is_empty() {
            self.not_a_value(&self.root.clone());
            return;
        }
        if let Some(map) = misnamed_header(written) {
            self.fault_of_headers(&map, "a name here cannot be that of a header".to_owned());
            return;
        }
        match canonical(written) {
            Ok(path) if blank => drop(path),
            Ok(path) if path.holds_headers() => self.headers(written, &path, &value),
            Ok(path) => self.add(written, path, value),
            Err(unknown) if unknown.section => {
                self.not_a_value(&format!("{}.{}", self.root, written.join(".")));
            }
            Err(unknown) => self.unknown(written, unknown.depth, unknown.nearest),
        }
    }

    /// Takes in a value under a key that is canonical already.
    pub(super) fn exact(&mut self, path: Path, value: Value) {
        let written = path.segments().to_vec();
        self.add(&written, path, value);
    }

    /// Headers written as one text.
    fn headers(&mut self, written: &[String], path: &Path, value: &Value) {
        let Some(text) = value.as_str() else {
            self.fault_of_headers(path, format!("expected {}", Kind::Headers.expected()));
            return;
        };
        match pairs(text) {
            Ok(pairs) => {
                for (name, value) in pairs {
                    self.add(written, path.push(&name), Value::from(value));
                }
            }
            Err(number) => {
                let problem = format!("entry {number} is not of the form name=value");
                self.fault_of_headers(path, problem);
            }
        }
    }

    /// Nothing that was written is shown: where the form is wrong, a value may stand for a name.
    fn fault_of_headers(&mut self, path: &Path, problem: String) {
        self.faults.push(
            Fault::new(problem, Kind::Headers.remedy())
                .with_key(format!("towline.{path}"))
                .with_variables(find(path).iter().flat_map(Key::shown_variables))
                .with_origin(self.origin.name.clone()),
        );
    }

    fn add(&mut self, written: &[String], path: Path, value: Value) {
        let spelled = format!("{}.{}", self.root, written.join("."));
        if let Some((other, entry)) = self.entries.get(&path) {
            if entry.value != value {
                let problem = format!("{other} and {spelled} are one key with two values");
                self.faults.push(
                    Fault::new(problem, "keep one of them")
                        .with_key(format!("towline.{path}"))
                        .with_variables(find(&path).iter().flat_map(Key::shown_variables))
                        .with_origin(self.origin.name.clone()),
                );
            }
            return;
        }
        let entry = Entry {
            path: path.clone(),
            value,
            origin: self.origin.clone(),
            spelled: path.split_named().and_then(|_| written.get(1).cloned()),
        };
        self.entries.insert(path, (spelled, entry));
    }

    fn not_a_value(&mut self, key: &str) {
        self.faults.push(
            Fault::new(format!("{key} is a section, not a value"), SEE_LIST)
                .with_origin(self.origin.name.clone()),
        );
    }

    fn unknown(&mut self, written: &[String], depth: usize, nearest: Option<String>) {
        let shown = written.get(..depth).unwrap_or(written);
        // One fault for a whole unknown section, unless its keys have suggestions of their own.
        if nearest.is_none() && self.unknown.iter().any(|seen| seen == shown) {
            return;
        }
        self.unknown.push(shown.to_vec());
        let full = nearest.as_ref().map_or(shown, |_| written);
        let key = format!("{}.{}", self.root, full.join("."));
        // Tied to no section: a slip of the pen may be why a section is not the selected one.
        let remedy = match nearest {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => SEE_LIST.to_owned(),
        };
        self.faults.push(
            Fault::new(format!("unknown key '{key}'"), remedy)
                .with_origin(self.origin.name.clone()),
        );
    }

    fn foreign(&mut self, name: &str) {
        self.faults.push(
            Fault::new(
                format!("unknown section '{name}'"),
                format!("settings live under 'towline': write towline.{name}"),
            )
            .with_origin(self.origin.name.clone()),
        );
    }
}

/// The provider section that a key, known or not, belongs to.
pub(crate) fn section_of(written: &[String]) -> Option<String> {
    let mut probe = Path::from_segments(Vec::new());
    for segment in written {
        probe = probe.push(&crate::key::snake(segment));
        let key = find(&probe.join("api_key")).or_else(|| find(&probe.join("model")));
        if let Some(section) = key.and_then(|key| key.section) {
            return Some(section);
        }
    }
    None
}

/// The map of headers in which `written` names one that cannot be a header.
fn misnamed_header(written: &[String]) -> Option<Path> {
    let maps = written
        .iter()
        .enumerate()
        .filter(|(_, segment)| segment.trim().eq_ignore_ascii_case("headers"));
    let (at, map) = maps.into_iter().find_map(|(at, _)| {
        let map = canonical(written.get(..=at)?).ok()?;
        map.holds_headers().then_some((at, map))
    })?;
    match written.get(at + 1..)? {
        [] => None,
        [name] if is_token(name.trim()) => None,
        _ => Some(map),
    }
}

/// `name=value,name=value`, values percent-decoded, as OpenTelemetry writes headers. Blank values
/// count as missing. Fails with the number of the entry that is something else.
fn pairs(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut pairs = Vec::new();
    let entries = text.split(',').map(str::trim).zip(1..);
    for (entry, number) in entries.filter(|(entry, _)| !entry.is_empty()) {
        let (name, value) = entry.split_once('=').ok_or(number)?;
        let (name, value) = (name.trim(), value.trim());
        // The end of a key in base64, and no name before it.
        let padding = !value.is_empty() && value.chars().all(|c| c == '=');
        if !is_token(name) || padding {
            return Err(number);
        }
        if !value.is_empty() {
            pairs.push((name.to_lowercase(), percent_decoded(value)));
        }
    }
    Ok(pairs)
}

/// Whether a text can be the name of a header: a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(sign)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
