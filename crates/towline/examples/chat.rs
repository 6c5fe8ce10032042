//! A conversation: each line that is typed is asked, and the model remembers what was said before.
//!
//! `cargo run -p towline --example chat --features full`, with `LLM_MODEL` and a key in the
//! environment; without them the built-in simulator answers.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, io::BufRead};
use towline::{Client, config::Loader};
use towline_core::{Conversation, Message};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?;
    let mut conversation = Conversation::from(Message::system("Answer in one sentence."));
    for line in std::io::stdin().lock().lines() {
        conversation.push(Message::user(line?));
        let answer = client.complete(&conversation).await?;
        println!("{}", answer.text());
        conversation.push(answer.into_message());
    }
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
