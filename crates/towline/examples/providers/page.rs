//! The page `docs/providers.md`.

use towline_config::Vendor;
use towline_core::{Capabilities, Capability};
use towline_openai::Flavor;

const INTRODUCTION: &str = "# Providers

This page is written from the data in the provider crates (`CAPABILITIES`, `Flavor::capabilities`). Do
not edit it; run
`cargo run -q -p towline --features full --example providers > docs/providers.md`.

What a provider can do through its crate here, as far as known in November 2026. A model may do less. An option that a provider cannot do is an error before anything is sent, or is left out
and reported where the caller is lenient. In a program, `Client::capabilities` says the same.

";

const NOTES: &str = "
- *Parallel tools* means that several may be called in one turn, and that the model can be told not to.
- *Files* means a PDF by value at least; of which other kinds and from where, the crates' docs say.
- *Prompt cache* means that cached input is reported, or can be asked for.
- *Reasoning replay* of OpenAI and Azure goes through the Responses API.
- The rows below Ollama speak OpenAI's dialect, with the feature `openai`; *OpenAI-compatible* is a server
  of which nothing is known, taken at the word of the dialect.
- `ollama/...` always goes through Ollama's own API. Its OpenAI dialect is reached as
  `openai-compatible`, at its address with `/v1`.
";

pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let names: Vec<&str> = Capability::ALL.iter().map(|one| one.as_str()).collect();
    page.push_str(&format!("| provider | {} |\n|---", names.join(" | ")));
    page.push_str(&"|:-:".repeat(names.len()));
    page.push_str("|\n");
    for (name, can) in rows() {
        let cells = Capability::ALL.map(|one| if can.has(one) { "yes" } else { "" });
        page.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
    page.push_str(NOTES);
    page
}

fn rows() -> Vec<(String, Capabilities)> {
    let own = [
        ("OpenAI", Flavor::OPENAI.capabilities()),
        ("Azure OpenAI", towline_azure::CAPABILITIES),
        ("Anthropic", towline_anthropic::CAPABILITIES),
        ("Ollama", towline_ollama::CAPABILITIES),
    ];
    let own = own.map(|(name, can)| (name.to_owned(), can));
    let above = ["openai", "azure", "ollama"];
    let others = Flavor::all().filter(|flavor| !above.contains(&flavor.name()));
    let others = others.map(|flavor| {
        let vendor = Vendor::find(flavor.name());
        let name = vendor.map_or_else(|| flavor.name(), |vendor| vendor.title());
        (name.to_owned(), flavor.capabilities())
    });
    own.into_iter().chain(others).collect()
}
