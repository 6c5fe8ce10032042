//! `towline completions` and `towline man`.

use crate::{args::Args, failure::Failure, output::Output};
use clap::CommandFactory;

pub(crate) async fn completions(
    shell: clap_complete::Shell,
    output: &Output,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "towline", &mut script);
    output.write(&script).await
}

/// The page of the program, or of one of its commands.
pub(crate) async fn man(name: Option<&str>, output: &Output) -> Result<(), Failure> {
    let mut program = Args::command();
    program.build();
    let command = match name {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| Failure::usage(unknown(&program)))?
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::output)?;
    output.write(&page).await
}

/// The name is not shown: it may be a key in the wrong place.
fn unknown(program: &clap::Command) -> String {
    let names: Vec<&str> = program
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    format!(
        "there is no command of this name; the commands are {}",
        names.join(", ")
    )
}
