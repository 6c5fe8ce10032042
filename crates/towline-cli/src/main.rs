//! The program `towline`: ask a model, look at the settings, simulate a provider.

mod args;
mod chat;
mod config;
mod embed;
mod failure;
mod journey;
mod misuse;
mod models;
mod output;
mod pages;
mod session;
mod signal;
mod simulate;
mod terminal;
mod usage;
mod validate;

use crate::{
    args::{Args, Command},
    failure::Failure,
    output::Output,
    terminal::Terminal,
};
use clap::Parser;
use std::{io, process::ExitCode, thread, time::Duration};
use tokio::runtime::{self, Runtime};
use towline_core::task;

/// How long a command may take to tell that it was cancelled. Whoever should read it may not.
const PARTING: Duration = Duration::from_secs(1);

/// What Rust's own programs end with.
const PANICKED: u8 = 101;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return misuse::tell(error),
    };
    // Ctrl-C ends anything but the simulator and a conversation.
    let is_conversation = args.signals_end() && !args.ctrl_c_ends();
    let terminal = Terminal::remember(is_conversation);
    let output = Output::new(args.wants_json(), args.verbose);
    let code = match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(command(args, output, !is_conversation));
            // A thread may still wait for the terminal: nobody waits for it.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            let failure = Failure::usage(format!("the runtime does not start: {error}"));
            failure.report_at_once(&output);
            failure.code()
        }
    };
    terminal.restore();
    ExitCode::from(code)
}

/// With a thread that hears the signals while another one is at work.
fn runtime() -> io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(2, |count| count.get().max(2));
    runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
}

/// Runs the command in a task of its own, so that signals end it wherever it is stuck.
async fn command(args: Args, output: Output, ctrl_c_counts: bool) -> u8 {
    let parting = args.signals_end().then_some(PARTING);
    let running = task::spawn(async move { supervise(&args, &output).await });
    tokio::select! {
        biased;
        code = running => code.unwrap_or(PANICKED),
        () = signal::insisted(ctrl_c_counts, parting) => Failure::Cancelled.code(),
    }
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
        // Connecting to every provider takes much room: it has its own.
        Command::Validate(_) => Box::pin(validate::run(args, output)).await,
        Command::Models(_) => Box::pin(models::run(args, output)).await,
        Command::Embed(embed) => embed::run(args, embed, output).await,
        Command::Config(config) => config::run(args, config, output).await,
        Command::Simulate(simulate) => simulate::run(simulate, output).await,
        Command::Completions { shell } => pages::completions(*shell, output).await,
        Command::Man { command } => pages::man(command.as_deref(), output).await,
    }
}
