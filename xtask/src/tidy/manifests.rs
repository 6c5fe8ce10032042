//! Manifests: everything inherited, every feature explained, nothing declared in vain.

use super::{Fault, File, find};
use crate::context::Context;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// What each member takes over from the workspace.
const INHERITED: &[&str] = &[
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
];

const DEPENDENCY_TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(context: &Context, files: &[File]) -> Result<Vec<Fault>, Fault> {
    let root = parse(find(files, "Cargo.toml")?)?;
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for package in &context.packages {
        let path = context.relative(&package.manifest_path);
        let file = find(files, &path.to_string_lossy())?;
        let manifest = parse(file)?;
        faults.extend(package_section(file, &manifest));
        faults.extend(features_explained(file, &manifest));
        for (name, value) in dependencies(&manifest) {
            if !inherits(value) {
                let text = format!("{name}: write `{name}.workspace = true`");
                faults.push(Fault::new(&file.path, text));
            }
            used.insert(name.to_owned());
        }
    }
    let unused = declared(&root).filter(|(name, _)| !used.contains(*name));
    faults.extend(unused.map(|(name, _)| {
        let text = format!("[workspace.dependencies] {name}: no member uses it");
        Fault::new("Cargo.toml", text)
    }));
    Ok(faults)
}

/// Names of the dependencies that are not our own crates, as the root manifest declares them.
pub(super) fn foreign(files: &[File]) -> Result<BTreeSet<String>, Fault> {
    let root = parse(find(files, "Cargo.toml")?)?;
    let foreign = declared(&root).filter(|(_, value)| value.get("path").is_none());
    Ok(foreign.map(|(name, _)| name.to_owned()).collect())
}

fn parse(file: &File) -> Result<Table, Fault> {
    file.text
        .parse()
        .map_err(|error| Fault::new(&file.path, format!("cannot be read: {error}")))
}

fn declared(root: &Table) -> impl Iterator<Item = (&str, &Value)> {
    let table = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    entries(table)
}

/// All dependencies of a member: normal, dev and build, also those of one target alone.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&str, &Value)> {
    let of_targets = manifest.get("target").and_then(Value::as_table);
    let of_targets = entries(of_targets).filter_map(|(_, target)| target.as_table());
    std::iter::once(manifest)
        .chain(of_targets)
        .flat_map(|table| {
            DEPENDENCY_TABLES
                .iter()
                .flat_map(|name| entries(table.get(*name).and_then(Value::as_table)))
        })
}

fn entries(table: Option<&Table>) -> impl Iterator<Item = (&str, &Value)> {
    table
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn package_section(file: &File, manifest: &Table) -> Vec<Fault> {
    let package = manifest.get("package").and_then(Value::as_table);
    let get = |key: &str| package.and_then(|package| package.get(key));
    let spelled_out = INHERITED
        .iter()
        .filter(|key| !get(key).is_some_and(inherits))
        .map(|key| format!("write `{key}.workspace = true`"));
    let mut texts: Vec<String> = spelled_out.collect();
    if !manifest.get("lints").is_some_and(inherits) {
        texts.push("write `[lints]` with `workspace = true`".to_owned());
    }
    if get("description").is_none() {
        texts.push("has no description".to_owned());
    }
    texts
        .into_iter()
        .map(|text| Fault::new(&file.path, text))
        .collect()
}

/// A comment on the feature's line, or right above it. `default` only names others.
fn features_explained(file: &File, manifest: &Table) -> Vec<Fault> {
    let features = manifest.get("features").and_then(Value::as_table);
    let names = entries(features).filter(|(name, _)| *name != "default");
    let silent = names.filter(|(name, _)| !is_explained(&file.text, name));
    silent
        .map(|(name, _)| {
            let text = format!("feature {name}: say in a comment what it turns on");
            Fault::new(&file.path, text)
        })
        .collect()
}

fn is_explained(manifest: &str, feature: &str) -> bool {
    let mut section = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[features]");
    let mut above = section.next().unwrap_or_default();
    for line in section {
        let name = line.split('=').next().unwrap_or_default().trim();
        if name.trim_matches('"') == feature {
            return above.starts_with('#') || line.contains('#');
        }
        above = line;
    }
    false
}

#[cfg(test)]
mod tests;
