//! Settings and clients of a simulator.

use towline::Client;
use towline_config::{Loader, Settings};
use towline_sim::Simulator;

/// Settings of one provider at `base_url`, with more overrides.
pub(crate) fn settings(base_url: &str, more: &[&str]) -> Settings {
    let loader = Loader::new()
        .set("towline.llm.model=openai/sim-chat")
        .set(format!("towline.openai.base_url={base_url}"));
    let loader = more.iter().fold(loader, |loader, set| loader.set(*set));
    loader.load().unwrap()
}

/// Settings of one vendor at `address`, with the model `m` and the key `k-VENDOR`.
pub(crate) fn vendor_settings(vendor: &str, address: &str) -> Settings {
    let section = vendor.replace('-', "_");
    let field = match vendor {
        "azure" => "endpoint",
        _ => "base_url",
    };
    Loader::new()
        .set(format!("towline.llm.model={vendor}/m"))
        .set(format!("towline.{section}.api_key=k-{vendor}"))
        .set(format!("towline.{section}.{field}={address}"))
        .load()
        .unwrap()
}

pub(crate) async fn client(sim: &Simulator) -> Client {
    client_with(sim, &[]).await
}

pub(crate) async fn client_with(sim: &Simulator, more: &[&str]) -> Client {
    towline::connect(&settings(&sim.base_url(), more))
        .await
        .unwrap()
}
