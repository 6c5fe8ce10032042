//! The page of providers.

#[path = "../../examples/providers/page.rs"]
mod built;

#[test]
fn the_page_of_providers_says_what_their_crates_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers.md");
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == built::page(),
        "docs/providers.md is not up to date: run \
         `cargo run -q -p towline --features full --example providers > docs/providers.md`"
    );
}
