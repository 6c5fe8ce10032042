//! Documents that say the same as the tree: README, table of dependencies, decisions, links.

use super::{Fault, File, find, manifests, or_fault};
use crate::{context::Context, steps};
use std::collections::BTreeSet;

/// Stands above the README's example and names the file that holds the same lines.
const EXAMPLE: &str = "<!-- the same lines as in the docs of crates/towline/src/lib.rs -->";

const FACADE: &str = "crates/towline/src/lib.rs";

/// The README's second command is `cargo xtask` with this word.
const TEST_COMMAND: &str = "cargo xtask test";

pub(super) fn check(context: &Context, files: &[File]) -> Vec<Fault> {
    let checks = [
        find(files, "README.md").map(|readme| crates_listed(context, readme)),
        dependencies_listed(files),
        find(files, "README.md").and_then(|readme| example(readme, find(files, FACADE)?)),
        find(files, "README.md").and_then(|readme| commands(readme, find(files, ".ci/run")?)),
        Ok(decisions(files)),
        Ok(dead_links(files)),
    ];
    checks.into_iter().flat_map(or_fault).collect()
}

fn crates_listed(context: &Context, readme: &File) -> Vec<Fault> {
    let section = section(&readme.text, "## Crates");
    let listed = first_cells(section);
    let members = context.libraries().map(|package| package.name.clone());
    differences(&readme.path, "crate", &listed, &members.collect())
}

fn dependencies_listed(files: &[File]) -> Result<Vec<Fault>, Fault> {
    let document = find(files, "docs/DEPENDENCIES.md")?;
    let listed = first_cells(&document.text);
    let declared = manifests::foreign(files)?;
    Ok(differences(
        &document.path,
        "dependency",
        &listed,
        &declared,
    ))
}

/// What a table has too much or too little.
fn differences(
    path: &str,
    what: &str,
    listed: &BTreeSet<String>,
    real: &BTreeSet<String>,
) -> Vec<Fault> {
    let missing = real.difference(listed);
    let missing = missing.map(|name| format!("{what} {name} has no line in the table"));
    let extra = listed.difference(real);
    let extra =
        extra.map(|name| format!("{what} {name} is in the table, but not in the workspace"));
    missing
        .chain(extra)
        .map(|text| Fault::new(path, text))
        .collect()
}

/// The name in code style that opens each row of a Markdown table.
fn first_cells(markdown: &str) -> BTreeSet<String> {
    let rows = markdown.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split('|').next());
    cells
        .filter_map(|cell| cell.split('`').nth(1))
        .map(str::to_owned)
        .collect()
}

/// From the heading to the next one of its rank.
fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let from = markdown.split_once(&format!("\n{heading}\n"));
    let text = from.map_or("", |(_, text)| text);
    text.split_once("\n## ")
        .map_or(text, |(section, _)| section)
}

/// The README's example and the crate docs' are one: the latter is compiled and run.
fn example(readme: &File, facade: &File) -> Result<Vec<Fault>, Fault> {
    let fault = |file: &File, text: &str| Fault::new(&file.path, text);
    let gone = || fault(readme, "the comment above the example is gone");
    let (_, rest) = readme.text.split_once(EXAMPLE).ok_or_else(gone)?;
    let no_code = || fault(readme, "no code follows the comment above the example");
    let shown = blocks(rest).into_iter().next().ok_or_else(no_code)?;
    let docs: Vec<&str> = facade
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    if blocks(&docs.join("\n")).contains(&shown) {
        return Ok(Vec::new());
    }
    let text = "no example in the crate docs equals the README's";
    Err(fault(facade, text))
}

/// The Rust code blocks of a text, without the lines that rustdoc hides.
fn blocks(markdown: &str) -> Vec<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in markdown.lines() {
        match &mut open {
            None if line.starts_with("```rust") || line == "```" => open = Some(Vec::new()),
            Some(_) if line.starts_with("```") => blocks.extend(open.take()),
            Some(block) if line != "#" && !line.starts_with("# ") => block.push(line),
            _ => {}
        }
    }
    blocks
}

/// The README's commands are what CI runs: the first word for word, the second as steps of `ci`.
fn commands(readme: &File, ci: &File) -> Result<Vec<Fault>, Fault> {
    let mut shown = readme
        .text
        .lines()
        .filter(|line| line.starts_with("cargo "));
    let (Some(first), Some(second)) = (shown.next(), shown.next()) else {
        return Err(Fault::new(
            &readme.path,
            "shows fewer than two cargo commands",
        ));
    };
    let has_line = |text: &str| ci.text.lines().any(|line| line == text);
    let mut faults = Vec::new();
    if !has_line(first) {
        faults.push(Fault::new(&ci.path, format!("does not run `{first}`")));
    }
    if second != TEST_COMMAND {
        let text = format!("its second command is `{second}`, not `{TEST_COMMAND}`");
        faults.push(Fault::new(&readme.path, text));
    }
    let in_ci = |step: &steps::Step| steps::CI.iter().any(|other| other.name == step.name);
    if !has_line("cargo xtask ci") || !steps::TEST.iter().all(in_ci) {
        let text = format!("does not run all steps of `{TEST_COMMAND}` through `cargo xtask ci`");
        faults.push(Fault::new(&ci.path, text));
    }
    Ok(faults)
}

/// Decisions are numbered without a gap, dated, and say where they stand.
fn decisions(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let in_folder = files.iter().filter_map(|file| {
        let name = file.path.strip_prefix("docs/adr/")?;
        Some((file, name))
    });
    for (number, (file, name)) in in_folder.enumerate() {
        if !name.starts_with(&format!("{number:04}-")) {
            let text = format!("decisions are numbered without a gap: this one is {number:04}");
            faults.push(Fault::new(&file.path, text));
        }
        for key in ["Status: ", "Date: "] {
            if !file.text.lines().any(|line| line.starts_with(key)) {
                faults.push(Fault::new(&file.path, format!("has no line `{key}...`")));
            }
        }
    }
    faults
}

/// Links of the documents to files that are not there.
fn dead_links(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let is_document = |file: &&File| {
        let path = std::path::Path::new(&file.path);
        path.extension().is_some_and(|end| end == "md")
    };
    for file in files.iter().filter(is_document) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in file.lines() {
            let dead = links(line).filter(|link| !exists(files, folder, link));
            faults.extend(dead.map(|link| {
                Fault::at_line(
                    &file.path,
                    number,
                    format!("link to `{link}`, which is not there"),
                )
            }));
        }
    }
    faults
}

/// The targets of Markdown links, without those to the web and within the page.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
}

/// Whether `link`, seen from `folder`, is a file of the tree or a folder with one.
fn exists(files: &[File], folder: &str, link: &str) -> bool {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let path = parts.join("/");
    let below = format!("{path}/");
    files
        .iter()
        .any(|file| file.path == path || file.path.starts_with(&below))
}

#[cfg(test)]
mod tests;
