//! `${NAME}`, `${?NAME}` and `$${` in texts.

use crate::{error::Fault, layer::section_of};
use figment::value::{Dict, Value};
use std::collections::BTreeMap;

/// What became of a text.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Substituted {
    Text(String),
    /// The whole text was an optional variable that is not set.
    Absent,
    /// These variables are required and not set.
    Missing(Vec<String>),
}

/// Whether a text can be the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Replaces the variables of one text. What does not read as a variable stays as it is.
pub(crate) fn in_text(text: &str, look: impl Fn(&str) -> Option<String>) -> Substituted {
    let mut out = String::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, here) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = here.get(2..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let Some((optional, name, after)) = variable(here) else {
            out.push_str("${");
            rest = here.get(2..).unwrap_or_default();
            continue;
        };
        match look(name) {
            Some(value) => out.push_str(&value),
            None if optional && at == 0 && after.is_empty() && out.is_empty() => {
                return Substituted::Absent;
            }
            None if optional => {}
            None => missing.push(name.to_owned()),
        }
        rest = after;
    }
    out.push_str(rest);
    if missing.is_empty() {
        Substituted::Text(out)
    } else {
        Substituted::Missing(missing)
    }
}

/// Takes apart a text that begins with `${NAME}` or `${?NAME}`.
fn variable(text: &str) -> Option<(bool, &str, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let name = inside.strip_prefix('?').unwrap_or(inside);
    is_name(name).then_some((inside.starts_with('?'), name, after))
}

/// Replaces the variables in all texts of a tree. Keys with unset ones are left out.
pub(crate) fn in_tree(
    name: &str,
    tree: Dict,
    variables: &BTreeMap<String, String>,
) -> (Dict, Vec<Fault>) {
    let mut walk = Walk {
        name,
        variables,
        faults: Vec::new(),
    };
    let tree = walk.dict(&mut Vec::new(), tree);
    (tree, walk.faults)
}

/// The fault of a variable that is not set.
pub(crate) fn unset(file: &str, at: &[String], missing: &[String]) -> Fault {
    let names: Vec<String> = missing.iter().map(|name| format!("${{{name}}}")).collect();
    let first = missing.first().map_or("", String::as_str);
    let problem = format!("{} is not set", names.join(" and "));
    let remedy =
        format!("set the variable, or write ${{?{first}}} to leave the key out without it");
    let fault = Fault::new(problem, remedy)
        .with_key(at.join("."))
        .with_origin(file);
    match at.split_first().and_then(|(_, key)| section_of(key)) {
        Some(section) => fault.in_section(section),
        None => fault,
    }
}

struct Walk<'a> {
    name: &'a str,
    variables: &'a BTreeMap<String, String>,
    faults: Vec<Fault>,
}

// === impl Walk ===

impl Walk<'_> {
    fn dict(&mut self, at: &mut Vec<String>, dict: Dict) -> Dict {
        let mut kept = Dict::new();
        for (key, value) in dict {
            at.push(key.clone());
            if let Some(value) = self.value(at, value) {
                kept.insert(key, value);
            }
            at.pop();
        }
        kept
    }

    fn value(&mut self, at: &mut Vec<String>, value: Value) -> Option<Value> {
        match value {
            Value::String(tag, text) => {
                match in_text(&text, |name| self.variables.get(name).cloned()) {
                    Substituted::Text(text) => Some(Value::String(tag, text)),
                    Substituted::Absent => None,
                    Substituted::Missing(names) => {
                        self.faults.push(unset(self.name, at, &names));
                        None
                    }
                }
            }
            Value::Dict(tag, dict) => Some(Value::Dict(tag, self.dict(at, dict))),
            Value::Array(tag, items) => {
                let items = items
                    .into_iter()
                    .filter_map(|item| self.value(at, item))
                    .collect();
                Some(Value::Array(tag, items))
            }
            value => Some(value),
        }
    }
}

#[cfg(test)]
mod tests;
