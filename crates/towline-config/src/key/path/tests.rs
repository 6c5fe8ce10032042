use super::{Path, canonical, snake};
use proptest::prelude::*;

fn written(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}

#[test]
fn segments_become_snake_case() {
    for (text, expected) in [
        ("apiKey", "api_key"),
        ("api-key", "api_key"),
        ("api_key", "api_key"),
        ("baseURL", "base_url"),
        ("http2", "http2"),
        ("llm4s", "llm4s"),
    ] {
        assert_eq!(snake(text), expected);
    }
}

#[test]
fn other_names_lead_to_the_key() {
    for (text, expected) in [
        ("google.apiKey", "gemini.api_key"),
        (
            "credentials.openaiCompatible.api-key",
            "credentials.openai_compatible.api_key",
        ),
        ("openai-compatible.base-url", "openai_compatible.base_url"),
        ("lm-studio.base-url", "lmstudio.base_url"),
        ("modelMetadata.file", "model_registry.file_path"),
        (
            "providers.myMain.timeouts.request",
            "providers.my_main.timeouts.request",
        ),
    ] {
        assert_eq!(canonical(&written(text)), Ok(Path::of(expected)), "{text}");
    }
}

#[test]
fn names_of_headers_stay_but_for_their_case() {
    let path = canonical(&written("openai.headers.X-Title")).unwrap();
    assert_eq!(path.to_string(), "openai.headers.x-title");
    let path = canonical(&written("providers.main.headers.X-Api-Key")).unwrap();
    assert_eq!(path.to_string(), "providers.main.headers.x-api-key");
    assert!(canonical(&written("headers.X-Title")).is_err());
}

proptest! {
    // An unknown key is compared with all known ones, which takes its time in a debug build.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn snake_case_is_reached_in_one_step(text in "[A-Za-z0-9_-]{0,20}") {
        let once = snake(&text);
        let twice = snake(&once);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn no_key_makes_it_panic(segments in prop::collection::vec("\\PC{0,8}", 0..5)) {
        drop(canonical(&segments));
    }
}
