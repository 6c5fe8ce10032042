//! A client of the built-in simulator.

use crate::{Client, Registry};
use towline_config::Loader;
use towline_core::Error;
use towline_sim::{DEFAULT_EMBEDDING_MODEL, DEFAULT_MODEL, Simulator};

/// Starts a provider simulator on a free loopback port, and makes a client of it: for trying things
/// out where nothing is configured. It goes through everything that a client of a real provider
/// goes through, HTTP included. The simulator stops with the last clone of the client.
///
/// # Errors
///
/// [`ErrorKind::Config`](towline_core::ErrorKind::Config) when no loopback port can be listened on.
///
/// # Cancel safety
///
/// Nothing is left running when the future is dropped.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), towline_core::Error> {
/// let client = towline::simulated().await?;
/// assert!(!client.complete("Say hello").await?.text().is_empty());
/// # Ok(())
/// # }
/// ```
pub async fn simulated() -> Result<Client, Error> {
    let simulator = Simulator::start().await?;
    // Nothing of the surroundings is read: no proxy stands between this client and its simulator.
    let settings = Loader::new()
        .set("towline.providers.simulator.provider=openai-compatible")
        .set(format!("towline.providers.simulator.model={DEFAULT_MODEL}"))
        .set(format!(
            "towline.providers.simulator.base_url={}",
            simulator.base_url()
        ))
        .set("towline.llm.model=simulator")
        .set(format!(
            "towline.embeddings.model=simulator/{DEFAULT_EMBEDDING_MODEL}"
        ))
        .load()?;
    let client = Registry::builtin().prepare(&settings).await?;
    Ok(client.hold(simulator).build())
}
