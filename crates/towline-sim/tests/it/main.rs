#![cfg(test)]
//! The simulator as a client sees it, over real sockets.

mod openai;
mod raw;

use serde_json::{Value, json};
use towline_sim::{Rule, Simulator};

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A simulator with one rule.
pub(crate) async fn with(rule: Rule) -> Simulator {
    let sim = Simulator::start().await.unwrap();
    sim.on(rule);
    sim
}

pub(crate) fn ask(question: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": question}]})
}

pub(crate) fn ask_streamed(question: &str) -> Value {
    let mut body = ask(question);
    body["stream"] = json!(true);
    body
}
