#![cfg(test)]
//! The simulator as a client sees it, over real sockets.

mod anthropic;
mod assistant;
mod azure;
mod embeddings;
mod fault;
mod http2;
mod journal;
mod ollama;
mod openai;
mod raw;
mod responses;
mod rule;
mod validation;

use self::raw::{Raw, Seen};
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

/// Sends one request on a connection of its own.
pub(crate) async fn post(sim: &Simulator, path: &str, body: &Value) -> Seen {
    Raw::connect(sim.addr()).await.post(path, body).await
}

/// The content of the first choice.
pub(crate) fn content(seen: &Seen) -> String {
    let body = seen.json();
    let content = &body["choices"][0]["message"]["content"];
    content
        .as_str()
        .unwrap_or_else(|| panic!("{body}"))
        .to_owned()
}
