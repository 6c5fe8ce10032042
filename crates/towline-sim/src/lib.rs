//! A model provider simulator with scripted faults, real HTTP on loopback.

mod assistant;
mod call;
mod dialect;
mod fault;
mod journal;
mod plan;
mod reply;
mod rule;
mod script;
mod seed;
mod server;
mod simulator;

pub use self::{
    fault::{Fault, Stall},
    journal::{Exchange, Outcome, Stats},
    reply::{Reply, SseEvent, TokenUsage, ToolCall},
    rule::Rule,
    script::Script,
    simulator::{Simulator, SimulatorBuilder},
};

/// The chat model that the simulator lists when it was given no names.
pub const DEFAULT_MODEL: &str = "sim-chat";

/// The embedding model that the simulator lists when it was given no names.
pub const DEFAULT_EMBEDDING_MODEL: &str = "sim-embedding";
