//! Two providers, of which the first is in trouble: the second answers, and the record of the call
//! says what happened.
//!
//! `cargo run -p towline --example fallback --features full`. Both providers are simulators on
//! loopback; with real ones the settings are the same without the addresses.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use towline::{config::Loader, core::Step};
use towline_sim::{Fault, Rule, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (openai, anthropic) = (Simulator::start().await?, Simulator::start().await?);
    openai.on(Rule::any().fault(Fault::status(503)));

    let settings = Loader::new()
        .set("towline.llm.model=openai/gpt-4o-mini")
        .set("towline.fallback=anthropic/claude-sonnet-4-5")
        .set("towline.retry.max_attempts=2")
        .set("towline.openai.api_key=sk-example")
        .set(format!("towline.openai.base_url={}", openai.base_url()))
        .set("towline.anthropic.api_key=sk-example")
        .set(format!("towline.anthropic.base_url={}", anthropic.origin()))
        .load()?;
    let client = towline::connect(&settings).await?;

    let mut answer = client.stream("Which of you answers?").await?;
    println!("{} answers:", answer.head().provider());
    while let Some(event) = answer.body_mut().next().await {
        if let Some(text) = event?.as_text() {
            print!("{text}");
        }
    }
    println!("\n\nWhat happened:");
    let journey = answer.head().journey();
    for step in journey.map(|journey| journey.steps()).unwrap_or_default() {
        match step {
            Step::Attempt(attempt) => {
                let (provider, outcome) = (attempt.provider(), attempt.outcome());
                println!("- asked {provider} for {}: {outcome:?}", attempt.model());
            }
            other => println!("- {other:?}"),
        }
    }
    client.close().await?;
    Ok(())
}
