//! Lets the model call a tool, as often as it wants, and prints what it makes of the results.
//!
//! `cargo run -p towline --example tools --features full`, with `LLM_MODEL` and a key in the
//! environment; without them the built-in simulator answers.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use serde_json::{Value, json};
use std::{error::Error, sync::Arc};
use towline::{Client, Prompt, config::Loader};
use towline_core::{CompletionOptions, Conversation, Message, ToolCall, ToolResult, ToolSpec};

/// More rounds than any question here needs.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect().await?;
    let weather = ToolSpec::new(
        "weather",
        "The weather in a city, now.",
        &json!({
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": false
        }),
    );
    let options = Arc::new(CompletionOptions::new().with_tools([weather]));
    let mut conversation = Conversation::from(
        "What is the weather in Paris? Use the tool weather, then say it in one sentence.",
    );
    for _ in 0..ROUNDS {
        let prompt = Prompt::from(&conversation).with_options(Arc::clone(&options));
        let answer = client.complete(prompt).await?;
        let calls: Vec<ToolCall> = answer.tool_calls().cloned().collect();
        if calls.is_empty() {
            println!("{}", answer.text());
            break;
        }
        // The model's turn goes back as it came, each call followed by its result.
        conversation.push(answer.into_message());
        conversation.extend(calls.iter().map(run).map(Message::from));
    }
    client.close().await?;
    Ok(())
}

/// Runs a call. What went wrong is told to the model, which can do better next time.
fn run(call: &ToolCall) -> ToolResult {
    println!("[{}({})]", call.name(), call.arguments());
    match (call.name(), call.parse_arguments()) {
        ("weather", Ok(arguments)) => ToolResult::new(call.id(), weather(&arguments)),
        (_, Err(error)) => ToolResult::error(call.id(), error.to_string()),
        (name, Ok(_)) => ToolResult::error(call.id(), format!("there is no tool {name}")),
    }
}

fn weather(arguments: &Value) -> String {
    let city = arguments
        .get("city")
        .and_then(Value::as_str)
        .unwrap_or("nowhere");
    format!("sunny in {city}, 21 °C")
}

/// The configured model, or the simulator where nothing is configured.
async fn connect() -> Result<Client, Box<dyn Error>> {
    let settings = Loader::new().process_env().discover().load()?;
    Ok(match settings.llm()? {
        Some(_) => towline::connect(&settings).await?,
        None => towline::simulated().await?,
    })
}
