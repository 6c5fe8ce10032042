//! The layers through their faces. The name of an invariant's test begins with the invariant's id.
#![cfg(test)]

#[cfg(feature = "full")]
mod across;
#[cfg(feature = "full")]
mod ask;
#[cfg(feature = "balance")]
mod balance;
#[cfg(feature = "breaker")]
mod breaker;
#[cfg(feature = "coalesce")]
mod coalesce;
#[cfg(feature = "concurrency")]
mod concurrency;
#[cfg(feature = "drain")]
mod drain;
#[cfg(feature = "fallback")]
mod fallback;
#[cfg(feature = "guard")]
mod guard;
#[cfg(feature = "hedge")]
mod hedge;
#[cfg(feature = "journey")]
mod journey;
#[cfg(feature = "limit")]
mod limit;
#[cfg(any(feature = "hedge", feature = "retry"))]
mod probe;
#[cfg(feature = "retry")]
mod retry;
#[cfg(feature = "shed")]
mod shed;
mod support;
#[cfg(feature = "timeout")]
mod timeout;
