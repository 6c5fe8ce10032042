//! Which crate may depend on which: the arrows point one way.

use super::Fault;
use crate::context::{Dependency, Package};

/// A crate, and the siblings that it may use. Changing this table takes an ADR.
const ALLOWED: &[(&str, &[&str])] = &[
    ("towline-core", &[]),
    ("towline-transport", &["towline-core"]),
    ("towline-config", &["towline-core"]),
    ("towline-sim", &["towline-core"]),
    ("towline-layers", &["towline-core"]),
    ("towline-anthropic", &["towline-core", "towline-transport"]),
    ("towline-ollama", &["towline-core", "towline-transport"]),
    ("towline-openai", &["towline-core", "towline-transport"]),
    // The same dialect under other paths: docs/adr/0010.
    (
        "towline-azure",
        &["towline-core", "towline-openai", "towline-transport"],
    ),
    (
        "towline",
        &[
            "towline-anthropic",
            "towline-azure",
            "towline-core",
            "towline-config",
            "towline-layers",
            "towline-ollama",
            "towline-openai",
            "towline-sim",
            "towline-transport",
        ],
    ),
    (
        "towline-cli",
        &["towline", "towline-config", "towline-core", "towline-sim"],
    ),
    (
        "towline-testkit",
        &["towline-core", "towline-sim", "towline-transport"],
    ),
    ("xtask", &[]),
];

/// Siblings that the tests of every crate may use.
const FOR_TESTS: &[&str] = &["towline-testkit", "towline-sim"];

/// Edges that exist only behind a feature.
const OPTIONAL: &[(&str, &str)] = &[
    ("towline", "towline-anthropic"),
    ("towline", "towline-azure"),
    ("towline", "towline-ollama"),
    ("towline", "towline-openai"),
    ("towline", "towline-sim"),
];

pub(super) fn check(packages: &[Package]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            let text = "not in the table of edges (xtask/src/tidy/edges.rs): add it, with an ADR";
            faults.push(Fault::new(&package.name, text));
            continue;
        };
        let siblings = package.dependencies.iter().filter(|dependency| {
            packages
                .iter()
                .any(|sibling| sibling.name == dependency.name)
        });
        faults.extend(siblings.filter_map(|sibling| edge(&package.name, sibling, allowed)));
    }
    faults.extend(stale(packages));
    faults
}

/// What is wrong with the edge from `package` to `sibling`, if anything.
fn edge(package: &str, sibling: &Dependency, allowed: &[&str]) -> Option<Fault> {
    let to = sibling.name.as_str();
    let in_tests = sibling.kind.as_deref() == Some("dev");
    let may = allowed.contains(&to) || (in_tests && FOR_TESTS.contains(&to));
    if !may {
        let kind = if in_tests {
            "dev-dependency"
        } else {
            "dependency"
        };
        return Some(Fault::new(
            package,
            format!("{kind} on {to}: this edge is not in the table (docs/ARCHITECTURE.md)"),
        ));
    }
    let behind_feature = OPTIONAL.contains(&(package, to));
    if behind_feature && !in_tests && !sibling.optional {
        return Some(Fault::new(
            package,
            format!("dependency on {to} has to be optional, behind a feature"),
        ));
    }
    None
}

/// Rows of the table whose crate is gone.
fn stale(packages: &[Package]) -> impl Iterator<Item = Fault> {
    let gone = |name: &str| !packages.iter().any(|package| package.name == name);
    ALLOWED
        .iter()
        .filter(move |(name, _)| gone(name))
        .map(|(name, _)| Fault::new(*name, "in the table of edges, but not in the workspace"))
}

#[cfg(test)]
mod tests;
