//! What is told when the command line is not understood.
//!
//! What was given is never shown: a key in the wrong place looks like any other word. What is shown are
//! the program's own words, and where on the command line the wrong one stands.

#[cfg(test)]
mod tests;

use crate::{failure::Failure, output::Output};
use clap::{
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::process::ExitCode;

/// Stands for what was given.
const MASK: &str = "***";

/// Prints the help that was asked for, or what is wrong with the command line.
pub(crate) fn tell(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help that nobody reads is no failure.
        let _printed = error.print();
        return ExitCode::SUCCESS;
    }
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let rendered = masked(error, &words).render().to_string();
    let failure = Failure::usage(brief(&rendered));
    let output = Output::new(asks_for_json(std::env::args_os()), 0);
    if output.json() {
        failure.report_at_once(&output);
    } else {
        output.notice(rendered.trim_end());
    }
    ExitCode::from(failure.code())
}

/// Whether `--json` is among the arguments. What follows `--` is no option.
fn asks_for_json(args: impl Iterator<Item = std::ffi::OsString>) -> bool {
    args.skip(1)
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json" || arg.as_encoded_bytes().starts_with(b"--json="))
}

/// The error without what was given, with the place of a word that is nothing known.
fn masked(mut error: clap::Error, words: &[String]) -> clap::Error {
    // Clap's own tips repeat what was given.
    error.remove(ContextKind::Suggested);
    if given(&error, ContextKind::InvalidValue).is_some_and(|value| !value.is_empty()) {
        mask(&mut error, ContextKind::InvalidValue);
    }
    let unknown = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return error,
    };
    if let Some(word) = mask(&mut error, unknown) {
        let tips = tips(&word, words).into_iter().map(StyledStr::from);
        let tips = ContextValue::StyledStrs(tips.collect());
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

fn given(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// What was given, which the error no longer shows.
fn mask(error: &mut clap::Error, kind: ContextKind) -> Option<String> {
    match error.insert(kind, ContextValue::String(MASK.to_owned())) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// Where the unknown `word` stands, and what it may have been meant for.
fn tips(word: &str, words: &[String]) -> Vec<String> {
    let is_it = |given: &String| match given.strip_prefix(word) {
        // Clap names `--name` of `--name=value`, and `-n` of `-nvalue`.
        Some(rest) => rest.is_empty() || rest.starts_with('=') || is_short(word),
        None => false,
    };
    // The first word is the program's name. Where the word stands twice, one of them may be right.
    let places = words.iter().enumerate().skip(1);
    let mut places = places.filter(|(_, given)| is_it(given));
    let (Some((place, _)), None) = (places.next(), places.next()) else {
        return Vec::new();
    };
    let mut tips = vec![format!(
        "it is word {place} after the program's name, and not shown since it may be a secret"
    )];
    let before = words.get(..place).unwrap_or_default();
    if let [.., option, key] = before
        && matches!(option.as_str(), "-D" | "--set")
        && !key.contains('=')
    {
        tips.push("-D takes KEY=VALUE as one word".to_owned());
    }
    tips
}

fn is_short(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|name| name.chars().count() == 1)
}

/// What is wrong, and the tip, on one line; without the usage.
fn brief(rendered: &str) -> String {
    let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
    let told = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more ");
    let lines = text.lines().map(str::trim).take_while(told);
    let mut brief = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if !brief.is_empty() {
            brief.push_str(if brief.ends_with(':') { " " } else { "; " });
        }
        brief.push_str(line);
    }
    brief
}
