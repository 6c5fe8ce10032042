//! What a production team wraps around a model call, as tower layers.
//!
//! Each layer is a module and a feature of its own. They know no provider and, with few exceptions
//! that their docs name, not each other: they compose in any order, though not every order makes
//! sense. Each module's docs say where its layer goes and why.
//!
//! All of them hold under streams: what a call takes, it keeps until its answer has ended, failed or
//! was dropped. And all of them admit inside the future of `call`, where tenant, priority and cost
//! are known; `poll_ready` only passes through.
//!
//! | module | the layer |
//! |---|---|
//! | `timeout` | ends a call when a clock runs out: first token, idle, progress, attempt, total |
//! | `retry` | tries again, within a budget in tokens, never after the first delivered content |
//! | `limit` | admits by requests and tokens per minute and by slots, in one step, fairly |
//! | `concurrency` | bounds calls under way, streams included; fixed or adaptive |
//! | `breaker` | stops asking a target that fails |
//! | `fallback` | asks other targets in order |
//! | `hedge` | asks twice when the first answer is slow to begin |
//! | `balance` | spreads calls over deployments of a model |
//! | `shed` | turns calls away when the queue grows old |
//! | `coalesce` | makes one call of equal calls |
//! | `guard` | checks prompts before they are sent |
//! | `drain` | lets calls end and no new ones in |
//! | `journey` | writes down what happened to each call |
//!
//! Beside the layers stand what several of them share: `adaptive` finds out how many calls a target
//! bears, `overload` bounds the age of a queue, `health` says whether a deployment takes calls,
//! `erased` makes one type of any stack, and `ask` calls a stack that somebody keeps without cloning it.

#![expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice, which makes the future of a stack a quarter larger"
)]

#[cfg(any(feature = "limit", feature = "concurrency"))]
pub mod adaptive;
pub mod ask;
#[cfg(feature = "balance")]
pub mod balance;
#[cfg(any(
    feature = "fallback",
    feature = "hedge",
    feature = "retry",
    feature = "timeout"
))]
mod begun;
#[cfg(feature = "breaker")]
pub mod breaker;
#[cfg(any(feature = "fallback", feature = "hedge", feature = "retry"))]
pub mod budget;
#[cfg(feature = "coalesce")]
pub mod coalesce;
#[cfg(feature = "concurrency")]
pub mod concurrency;
#[cfg(feature = "drain")]
pub mod drain;
pub mod erased;
#[cfg(feature = "fallback")]
pub mod fallback;
#[cfg(feature = "guard")]
pub mod guard;
#[cfg(any(
    feature = "balance",
    feature = "breaker",
    feature = "drain",
    feature = "limit",
    feature = "retry"
))]
mod handle;
#[cfg(any(feature = "balance", feature = "breaker"))]
pub mod health;
#[cfg(feature = "hedge")]
pub mod hedge;
#[cfg(feature = "journey")]
pub mod journey;
#[cfg(feature = "limit")]
pub mod limit;
#[cfg(any(feature = "limit", feature = "concurrency", feature = "shed"))]
pub mod overload;
#[cfg(any(feature = "limit", feature = "concurrency"))]
mod queue;
#[cfg(any(
    feature = "balance",
    feature = "breaker",
    feature = "concurrency",
    feature = "drain",
    feature = "fallback",
    feature = "guard",
    feature = "limit",
    feature = "retry",
    feature = "shed",
    feature = "timeout"
))]
mod refused;
#[cfg(feature = "retry")]
pub mod retry;
#[cfg(any(feature = "balance", feature = "breaker", feature = "retry"))]
mod seed;
#[cfg(feature = "shed")]
pub mod shed;
#[cfg(any(
    feature = "breaker",
    feature = "fallback",
    feature = "hedge",
    feature = "limit",
    feature = "retry"
))]
mod sync;
#[cfg(feature = "timeout")]
pub mod timeout;
#[cfg(any(feature = "balance", feature = "breaker"))]
mod verdict;
