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
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::usage(format!("there is no command `{name}`")))?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::output)?;
    output.write(&page).await
}
