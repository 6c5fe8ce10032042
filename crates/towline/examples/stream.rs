//! Prints an answer as it arrives, and what it cost.
//!
//! `cargo run -p towline --example stream --features full -- "Why is the sky blue?"`, with
//! `LLM_MODEL` and a key in the environment; without them the built-in simulator answers.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, io::Write};
use towline::{Accumulator, Client, config::Loader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let question = if words.is_empty() {
        "Say hello.".to_owned()
    } else {
        words.join(" ")
    };

    let mut answer = client.stream(question).await?;
    let mut whole = Accumulator::new(answer.head());
    while let Some(event) = answer.body_mut().next().await {
        let event = event?;
        print!("{}", event.as_text().unwrap_or_default());
        std::io::stdout().flush()?;
        whole.push(event);
    }
    let whole = whole.finish()?;
    let tokens = whole.usage().and_then(|usage| usage.total());
    println!(
        "\n[{} of {}, {tokens:?} tokens]",
        whole.model(),
        whole.provider()
    );
    client.close().await?;
    Ok(())
}

/// The configured model, or the simulator where nothing is configured.
async fn connect() -> Result<Client, Box<dyn Error>> {
    let settings = Loader::new().process_env().discover().load()?;
    Ok(match settings.llm()? {
        Some(_) => towline::connect(&settings).await?,
        None => towline::simulated().await?,
    })
}
