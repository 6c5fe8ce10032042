use super::{Headroom, known_reserve, known_window, window_by_name};
use proptest::prelude::*;
use towline_core::ErrorKind;

#[test]
fn the_first_part_of_the_table_that_the_name_holds_decides() {
    let rows = [
        ("openai", "gpt-4o-mini", 128_000, 4_096),
        ("openai", "gpt-4-turbo-2024-04-09", 128_000, 4_096),
        ("openai", "o1-preview", 128_000, 4_096),
        ("azure", "gpt-4", 8_192, 4_096),
        ("openai", "gpt-3.5-turbo", 16_384, 4_096),
        ("openai", "text-davinci-003", 8_192, 4_096),
        ("openrouter", "openai/gpt-4o", 128_000, 4_096),
        ("anthropic", "claude-sonnet-4-5", 200_000, 4_096),
        ("anthropic", "claude-instant-1.2", 100_000, 4_096),
        ("ollama", "llama2:13b", 4_096, 4_096),
        ("ollama", "llama3.2", 8_192, 4_096),
        ("ollama", "codellama", 16_384, 4_096),
        ("ollama", "mistral:7b", 32_768, 4_096),
        ("gemini", "gemini-2.5-flash", 1_048_576, 8_192),
        ("vertexai", "gemini-1.0-pro", 32_768, 8_192),
        ("deepseek", "deepseek-chat", 128_000, 8_192),
        ("cohere", "command-r", 128_000, 4_096),
        ("mistral", "mistral-large-latest", 128_000, 4_096),
        ("zai", "GLM-4.7", 200_000, 4_096),
        ("zai", "GLM-4.5-Air", 128_000, 4_096),
        ("vllm", "Qwen3-8B", 8_192, 2_048),
        ("unheard-of", "x", 8_192, 2_048),
    ];
    for (vendor, model, window, reserve) in rows {
        assert_eq!(known_window(vendor, model), window, "{vendor}/{model}");
        assert_eq!(known_reserve(vendor, window), reserve, "{vendor}/{model}");
    }
    assert_eq!(
        known_reserve("vllm", 4_096),
        1_024,
        "a quarter of a small window"
    );
}

#[test]
fn a_window_is_known_by_name_where_it_is_no_guess() {
    let rows = [
        ("openai", "gpt-4o-mini", Some(128_000)),
        ("openai", "GPT-4o-2024-11-20", Some(128_000)),
        ("azure", "gpt-4", Some(8_192)),
        ("openai", "gpt-4-0613", Some(8_192)),
        ("openai", "gpt-4-turbo-2024-04-09", Some(128_000)),
        ("anthropic", "claude-3-5-sonnet-20241022", Some(200_000)),
        ("anthropic", "claude-3-7-sonnet-latest", Some(200_000)),
        // Other models, whose names begin alike, and those that no row knows.
        ("openai", "gpt-4-32k", None),
        ("openai", "gpt-4-0125-preview", None),
        ("openai", "gpt-4-vision-preview", None),
        ("openai", "gpt-4.1", None),
        ("openai", "gpt-4o-audio-preview", None),
        ("openai", "o1-2024-12-17", None),
        ("openai", "gpt-5", None),
        ("anthropic", "claude-sonnet-4-5", None),
        ("anthropic", "claude-opus-4-5", None),
        ("ollama", "llama3:8b", None),
        ("gemini", "gemini-2.5-flash", None),
        ("openrouter", "openai/gpt-4o", None),
        ("vllm", "gpt-4o", None),
    ];
    for (vendor, model, window) in rows {
        assert_eq!(window_by_name(vendor, model), window, "{vendor}/{model}");
        let known = known_window(vendor, model);
        assert!(window.is_none_or(|window| window == known), "{model}");
    }
}

#[test]
fn headrooms_are_those_of_the_guide() {
    let shares = [
        (Headroom::None, 8_192),
        (Headroom::Light, 7_782),
        (Headroom::Standard, 7_536),
        (Headroom::Conservative, 6_963),
    ];
    for (headroom, budget) in shares {
        assert_eq!(headroom.budget(12_288, 4_096), budget, "{headroom:?}");
    }
    assert_eq!(Headroom::default(), Headroom::Standard);
}

#[test]
fn a_reserve_as_large_as_the_window_leaves_nothing() {
    assert_eq!(Headroom::None.budget(4_096, 4_096), 0);
    assert_eq!(Headroom::Standard.budget(4_096, 8_192), 0);
}

#[test]
fn a_share_outside_the_range_is_refused() {
    for share in [-0.01, 1.0, 8.0, f64::NAN, f64::INFINITY] {
        let error = Headroom::custom(share).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains("headroom"), "{error}");
    }
}

proptest! {
    #[test]
    fn a_budget_never_exceeds_what_is_free(
        window in 0..=u64::from(u32::MAX),
        reserve in 0..=u64::from(u32::MAX),
        share in 0.0..1.0_f64,
    ) {
        let headroom = Headroom::custom(share).unwrap();
        let budget = headroom.budget(window, reserve);
        prop_assert!(budget <= window.saturating_sub(reserve));
        prop_assert!(budget <= Headroom::None.budget(window, reserve));
    }
}
