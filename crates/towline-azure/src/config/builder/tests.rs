use super::{AzureConfig, Surface, resource, wire_version};
use towline_core::{ErrorKind, Secret};

#[test]
fn a_version_is_taken_in_both_spellings() {
    for (written, wire) in [
        ("2025-01-01-preview", "2025-01-01-preview"),
        ("V2025_01_01_PREVIEW", "2025-01-01-preview"),
        ("V2024_10_21", "2024-10-21"),
        (" 2024-02-01 ", "2024-02-01"),
        ("preview", "preview"),
    ] {
        assert_eq!(wire_version(written).unwrap(), wire, "{written}");
    }
    for bad in ["", " ", "2024-02-01&x=y", "2024/02/01"] {
        let error = wire_version(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.message().unwrap().contains("2025-01-01-preview"),
            "{error}"
        );
    }
}

#[test]
fn the_end_of_an_endpoint_tells_the_surface() {
    for (endpoint, base, surface) in [
        (
            "https://r.openai.azure.com/",
            "https://r.openai.azure.com",
            None,
        ),
        (
            "https://r.openai.azure.com/openai",
            "https://r.openai.azure.com",
            None,
        ),
        (
            "https://r.services.ai.azure.com/models",
            "https://r.services.ai.azure.com",
            Some(Surface::Models),
        ),
        (
            "https://r.openai.azure.com/openai/v1/",
            "https://r.openai.azure.com",
            Some(Surface::V1),
        ),
        ("https://proxy.test/azure", "https://proxy.test/azure", None),
    ] {
        assert_eq!(resource(endpoint).unwrap(), (base, surface), "{endpoint}");
    }
    let whole = "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1";
    let error = resource(whole).unwrap_err();
    assert!(error.message().unwrap().contains("as the model"), "{error}");
}

#[test]
fn a_key_and_a_token_at_once_are_refused() {
    let both = AzureConfig::builder("https://r.openai.azure.com")
        .api_key(Secret::new("planted-key"))
        .token(Secret::new("planted-token"));
    let error = both.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!format!("{error} {error:?}").contains("planted"));
}

#[test]
fn an_endpoint_that_is_none_is_named() {
    let error = AzureConfig::builder("not a url").build().unwrap_err();
    assert!(error.message().unwrap().contains("base URL"), "{error}");
}

#[test]
fn nothing_shows_a_secret() {
    let builder = AzureConfig::builder("https://r.openai.azure.com")
        .api_key(Secret::new("planted-key"))
        .header("x-extra", "planted-extra");
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains("planted"), "{shown}");
}
