//! What must not stand in a file.

use super::{Fault, File};

/// Folders at the root of a file system: a path into one of them is true on one machine only.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "tmp", "home", "Users"];

/// Hosts of package registries, each cut before the dot so that this file does not name one.
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("crates", "io"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("debian", "org"),
];

/// Who may read the environment: the crate made for it; the build commands; and, for the place of
/// recorded exchanges that no setting could name, one file of the test kit.
const READS_ENVIRONMENT: &[&str] = &[
    "crates/towline-config/",
    "crates/towline-testkit/src/setting.rs",
    "xtask/",
];

pub(super) fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            let texts = [
                machine_path(line),
                registry_host(&file.path, line),
                file.is_rust()
                    .then(|| rust_line(&file.path, line))
                    .flatten(),
            ];
            let texts = texts.into_iter().flatten();
            faults.extend(texts.map(|text| Fault::at_line(&file.path, number, text)));
        }
    }
    faults
}

fn rust_line(path: &str, line: &str) -> Option<String> {
    let code = line.trim_start();
    let skips = ["#[ignore", "#[should_panic"];
    if let Some(skip) = skips.iter().find(|skip| code.starts_with(**skip)) {
        return Some(format!("`{skip}]`: a test runs, and asserts what it means"));
    }
    let may_read = READS_ENVIRONMENT
        .iter()
        .any(|prefix| path.starts_with(prefix));
    if !may_read && reads_environment(code) {
        return Some("reads the environment: only towline-config may".to_owned());
    }
    unfinished(code)
}

/// A call of `std::env` that reads or changes variables. Its other functions, and the macro, are fine.
fn reads_environment(code: &str) -> bool {
    let calls = ["var", "vars", "var_os", "vars_os", "set_var", "remove_var"];
    let is_comment = code.starts_with("//");
    !is_comment
        && calls
            .iter()
            .any(|call| code.contains(&format!("env::{call}(")))
}

/// A macro that stands for missing code, or a mark in a comment that names no issue.
fn unfinished(code: &str) -> Option<String> {
    let macros = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    if let Some(name) = macros.iter().find(|name| code.contains(name.as_str())) {
        return Some(format!("`{name})`: nothing half done is merged"));
    }
    let (_, comment) = code.split_once("//")?;
    let marks = ["TODO", "FIXME", "XXX"];
    let mark = marks.iter().find(|mark| {
        let mut words = comment.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == **mark)
    })?;
    let names_issue = comment
        .split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (!names_issue).then(|| format!("{mark} without an issue: write `{mark}(#12)`"))
}

/// An absolute path into a folder that only the writer's machine has.
fn machine_path(line: &str) -> Option<String> {
    let folder = MACHINE_FOLDERS.iter().find(|folder| {
        let needle = format!("/{folder}/");
        let mut before = line.match_indices(&needle).map(|(at, _)| line.get(..at));
        // Part of a longer path, relative or below a host, is fine.
        before.any(|text| {
            let last = text.and_then(|text| text.chars().next_back());
            !last.is_some_and(|c| c.is_alphanumeric() || "._-~*/})>$".contains(c))
        })
    })?;
    Some(format!(
        "a path of one machine (`/{folder}/...`): derive it, or use a name that stands for it"
    ))
}

/// The lock file names the registry by design, and cargo-deny checks it.
fn registry_host(path: &str, line: &str) -> Option<String> {
    if path.ends_with("Cargo.lock") {
        return None;
    }
    let hosts = REGISTRY_HOSTS
        .iter()
        .map(|(name, end)| format!("{name}.{end}"));
    let host = hosts
        .into_iter()
        .find(|host| line.contains(host.as_str()))?;
    Some(format!(
        "names the registry host {host}: name the package instead"
    ))
}

#[cfg(test)]
mod tests;
