//! What is told when the command line is not understood.

use crate::{failure::Failure, output::Output};
use std::process::ExitCode;

/// Prints the help that was asked for, or what is wrong with the command line.
pub(crate) fn tell(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help that nobody reads is no failure.
        let _printed = error.print();
        return ExitCode::SUCCESS;
    }
    let rendered = error.render().to_string();
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
