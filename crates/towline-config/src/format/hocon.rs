//! HOCON. Substitution is the format's own, and sees our variables, never the process environment.

use super::{Text, malformed, wide};
use crate::error::Fault;
use ::hocon::{HoconError, HoconValue, ParseOptions, ScalarType};
use figment::value::{Dict, Empty, Tag, Value};
use std::collections::{BTreeMap, HashMap};

/// Stands for a variable that is not set, so that one pass finds all of them and their keys.
const HOLE: &str = "\u{1}unset\u{1}";

/// How many unset variables one file may have before we stop looking for more.
const MOST_HOLES: usize = 64;

pub(super) fn parse(text: &Text<'_>, variables: &BTreeMap<String, String>) -> (Dict, Vec<Fault>) {
    let mut env: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for _ in 0..MOST_HOLES {
        match attempt(text, &env) {
            Ok(mut tree) => {
                let mut faults = Vec::new();
                take_holes(text.name, &mut tree, &mut Vec::new(), &mut faults);
                return (tree, faults);
            }
            Err(HoconError::Resolve(error)) if fills(&error.path, &env) => {
                env.insert(error.path.clone(), format!("{HOLE}{}{HOLE}", error.path));
            }
            Err(error) => return (Dict::new(), vec![fault(text, &error)]),
        }
    }
    (
        Dict::new(),
        vec![malformed(text, None, "too many unset variables")],
    )
}

fn attempt(text: &Text<'_>, env: &HashMap<String, String>) -> Result<Dict, HoconError> {
    let mut options = ParseOptions::defaults().with_env(env.clone());
    if let Some(folder) = text.folder {
        options = options.with_base_dir(folder.to_path_buf());
    }
    let config = ::hocon::parse_string_with_options(text.contents, options)?;
    let keys: Vec<String> = config.keys().into_iter().map(str::to_owned).collect();
    Ok(keys
        .into_iter()
        .filter_map(|key| {
            // The getter reads a path: a name with dots must be quoted.
            let value = config.get(&format!("\"{key}\""))?;
            Some((key, convert(value)))
        })
        .collect())
}

/// Whether an unresolved path is a variable that we have not filled in yet.
fn fills(path: &str, env: &HashMap<String, String>) -> bool {
    crate::substitute::is_name(path) && !env.contains_key(path)
}

/// All scalars but switches stay as they were written: `1.10` is not `1.1`.
fn convert(value: &HoconValue) -> Value {
    match value {
        HoconValue::Object(fields) => {
            let dict: Dict = fields
                .iter()
                .map(|(name, value)| (name.clone(), convert(value)))
                .collect();
            Value::from(dict)
        }
        HoconValue::Array(items) => Value::Array(Tag::Default, items.iter().map(convert).collect()),
        HoconValue::Scalar(scalar) => match scalar.value_type {
            ScalarType::Null => Value::Empty(Tag::Default, Empty::None),
            _ => Value::from(scalar.raw.as_str()),
        },
        _ => Value::Empty(Tag::Default, Empty::None),
    }
}

/// Takes the values with holes out and makes a fault of each.
fn take_holes(name: &str, dict: &mut Dict, at: &mut Vec<String>, faults: &mut Vec<Fault>) {
    let mut holed = Vec::new();
    for (key, value) in dict.iter_mut() {
        at.push(key.clone());
        match value {
            Value::Dict(_, inner) => take_holes(name, inner, at, faults),
            value => {
                let missing = holes(value);
                // Holes in other programs' sections are no concern of ours.
                let ours = at.first().is_some_and(|root| crate::layer::is_root(root));
                if !missing.is_empty() && ours {
                    faults.push(crate::substitute::unset(name, at, &missing));
                    holed.push(key.clone());
                }
            }
        }
        at.pop();
    }
    for key in holed {
        dict.remove(&key);
    }
}

/// The variables whose holes a value holds.
fn holes(value: &Value) -> Vec<String> {
    match value {
        Value::String(_, text) => text
            .split(HOLE)
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect(),
        Value::Array(_, items) => items.iter().flat_map(holes).collect(),
        _ => Vec::new(),
    }
}

fn fault(text: &Text<'_>, error: &HoconError) -> Fault {
    match error {
        // Messages may quote what was read; only the place is safe.
        HoconError::Parse(error) => malformed(text, Some((wide(error.line), wide(error.col))), ""),
        HoconError::Resolve(error) => malformed(
            text,
            Some((wide(error.line), wide(error.col))),
            &format!("'{}' cannot be resolved", error.path),
        ),
        _ => malformed(text, None, "the top level must be an object"),
    }
}
