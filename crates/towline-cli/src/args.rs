//! What can be said on the command line.

use clap::{ArgAction, Parser, Subcommand, ValueHint};
use std::{
    io::{IsTerminal, stdin, stdout},
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
};

/// Ask large language models through Towline's runtime.
///
/// Settings come from the command line, the environment (LLM_MODEL, OPENAI_API_KEY, TOWLINE_...),
/// .env, and towline.toml or one of its siblings, in this order.
///
/// Exit codes: 0 fine, 1 the provider or the network failed, 2 usage or configuration, 130
/// cancelled.
#[expect(
    clippy::doc_markdown,
    reason = "it is the help text, where backticks would be seen"
)]
#[derive(Debug, Parser)]
#[command(
    name = "towline",
    version,
    max_term_width = 100,
    propagate_version = true
)]
pub(crate) struct Args {
    /// Read this settings file instead of looking for one.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// Override a setting, such as towline.timeouts.request=30s. May be repeated.
    #[arg(long = "set", short = 'D', global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Show provider, model, request id, times, usage and limits; twice: settings and headers too.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model. Without a prompt: a conversation on a terminal, else standard input is the prompt.
    Chat(ChatArgs),
    /// Check key, address and model with one call that costs nothing.
    Validate(ListArgs),
    /// List the models that the provider offers.
    Models(ListArgs),
    /// Turn texts into vectors.
    Embed(EmbedArgs),
    /// Look at the settings.
    Config(ConfigArgs),
    /// Run a provider simulator on this machine.
    Simulate(SimulateArgs),
    /// Print the completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man {
        /// The page of this command.
        command: Option<String>,
    },
}

#[derive(Debug, Parser)]
pub(crate) struct ChatArgs {
    /// The prompt. Words are joined; `-` stands for standard input.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,

    /// The model, as provider/model or the name of a named provider.
    #[arg(long, short)]
    pub(crate) model: Option<String>,

    /// Instructions that stand before the conversation.
    #[arg(long, short)]
    pub(crate) system: Option<String>,

    /// Sampling temperature.
    #[arg(long, short, value_parser = finite)]
    pub(crate) temperature: Option<f64>,

    /// The most tokens to generate.
    #[arg(long, value_name = "N", value_parser = count::<u64>)]
    pub(crate) max_tokens: Option<u64>,

    /// Show the model an image: a file, or an http(s) address that the provider fetches. May be
    /// repeated.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub(crate) image: Vec<String>,

    /// Wait for the whole answer.
    #[arg(long)]
    pub(crate) no_stream: bool,

    /// Print one JSON object: the answer, or the error.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Parser)]
pub(crate) struct ListArgs {
    /// Ask every provider that is configured, and not only the selected one. Each line says which;
    /// the exit code is 1 if any fails.
    #[arg(long)]
    pub(crate) all: bool,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Parser)]
pub(crate) struct EmbedArgs {
    /// The texts. Without any, standard input is one text.
    #[arg(value_name = "TEXT")]
    pub(crate) texts: Vec<String>,

    /// The embedding model, as provider/model.
    #[arg(long, short)]
    pub(crate) model: Option<String>,

    /// How long the vectors shall be.
    #[arg(long, value_name = "N", value_parser = count::<u32>)]
    pub(crate) dimensions: Option<u32>,

    /// Take each line of standard input as a text.
    #[arg(long, conflicts_with = "texts")]
    pub(crate) lines: bool,

    /// Print one JSON object instead of a vector per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Parser)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings in force. Secrets are shown as ***.
    Show {
        /// Say where each value comes from.
        #[arg(long)]
        sources: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look for faults, without a call.
    Check,
}

#[derive(Debug, Parser)]
pub(crate) struct SimulateArgs {
    /// What to answer and which faults to make, as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) script: Option<PathBuf>,

    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Accept only this key. May be repeated.
    #[arg(long)]
    pub(crate) key: Vec<String>,
}

// === impl Args ===

impl Args {
    /// Whether errors are printed as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match &self.command {
            Command::Chat(chat) => chat.json,
            Command::Validate(args) | Command::Models(args) => args.json,
            Command::Embed(embed) => embed.json,
            Command::Config(config) => {
                matches!(config.command, ConfigCommand::Show { json: true, .. })
            }
            Command::Simulate(_) | Command::Completions { .. } | Command::Man { .. } => false,
        }
    }

    /// Whether every configured provider is asked.
    pub(crate) const fn wants_all(&self) -> bool {
        match &self.command {
            Command::Validate(args) | Command::Models(args) => args.all,
            _ => false,
        }
    }

    /// Whether Ctrl-C ends the program. A conversation lives on, only the call ends.
    pub(crate) fn ctrl_c_ends(&self) -> bool {
        self.signals_end() && !matches!(&self.command, Command::Chat(chat) if chat.is_interactive())
    }

    /// Whether signals break the command off. For the simulator they are the proper end.
    pub(crate) const fn signals_end(&self) -> bool {
        !matches!(self.command, Command::Simulate(_))
    }
}

// === impl ChatArgs ===

impl ChatArgs {
    /// Whether a conversation is held on the terminal.
    pub(crate) fn is_interactive(&self) -> bool {
        self.prompt.is_empty() && !self.json && stdin().is_terminal() && stdout().is_terminal()
    }
}

// What these say is printed: it never holds what was given, which may be a key.

fn finite(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("not a number of at least 0"),
    }
}

fn count<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, &'static str> {
    match text.parse::<N>() {
        Ok(number) if number != N::default() => Ok(number),
        _ => Err("not a whole number of at least 1, or too large"),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let wrong = |_| "not an address with a port, such as 127.0.0.1:4010";
    text.parse().map_err(wrong)
}
