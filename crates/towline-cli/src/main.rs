//! The program `towline`: ask a model, look at the settings, simulate a provider.

mod args;
mod chat;
mod config;
mod embed;
mod failure;
mod models;
mod output;
mod pages;
mod session;
mod signal;
mod simulate;
mod usage;
mod validate;

use crate::{
    args::{Args, Command},
    failure::Failure,
    output::Output,
};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.wants_json(), args.verbose);
    let code = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(supervise(&args, &output));
            // A thread may still wait for the terminal: nobody waits for it.
            runtime.shutdown_background();
            code
        }
        Err(error) => Failure::usage(format!("the runtime does not start: {error}")).code(),
    };
    ExitCode::from(code)
}

/// Runs the command until it ends or a signal ends it, and tells what went wrong.
async fn supervise(args: &Args, output: &Output) -> u8 {
    let result = tokio::select! {
        biased;
        // Polled first, so that the signals are listened to before anything is sent.
        () = signal::ended(args.ctrl_c_ends(), args.signals_end()) => Err(Failure::Cancelled),
        result = run(args, output) => result,
    };
    // Whatever was running is gone: the exchange with the provider is closed.
    match result {
        Ok(()) => 0,
        Err(failure) => {
            failure.report(output).await;
            failure.code()
        }
    }
}

async fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    match &args.command {
        Command::Chat(chat) => chat::run(args, chat, output).await,
        Command::Validate(_) => validate::run(args, output).await,
        Command::Models(_) => models::run(args, output).await,
        Command::Embed(embed) => embed::run(args, embed, output).await,
        Command::Config(config) => config::run(args, config, output).await,
        Command::Simulate(simulate) => simulate::run(simulate, output).await,
        Command::Completions { shell } => pages::completions(*shell, output).await,
        Command::Man { command } => pages::man(command.as_deref(), output).await,
    }
}
