//! Embedding providers.

use crate::env;

#[test]
fn the_embedding_model_reads_its_own_section_then_the_vendors() {
    let settings = env(&[
        ("EMBEDDING_MODEL", "openai/text-embedding-3-small"),
        ("OPENAI_API_KEY", "k"),
        ("OPENAI_EMBEDDING_BASE_URL", "http://localhost:9/v1"),
    ])
    .load()
    .unwrap();
    let provider = settings.embedding().unwrap().unwrap();
    assert_eq!(provider.model(), "text-embedding-3-small");
    assert_eq!(provider.base_url(), Some("http://localhost:9/v1"));
    assert_eq!(provider.api_key().unwrap().expose(), "k");
    let chat = settings.for_model("openai/gpt-4o").unwrap();
    assert_eq!(chat.base_url(), Some("https://api.openai.com/v1"));
    let other = settings
        .for_embedding_model("openai/text-embedding-3-large")
        .unwrap();
    assert_eq!(other.base_url(), Some("http://localhost:9/v1"));
}

#[test]
fn the_older_form_takes_the_model_from_the_section_or_its_default() {
    let settings = env(&[("EMBEDDING_PROVIDER", "ollama")]).load().unwrap();
    let provider = settings.embedding().unwrap().unwrap();
    assert_eq!(provider.model(), "nomic-embed-text");
    assert_eq!(provider.base_url(), Some("http://localhost:11434"));
    let settings = env(&[
        ("EMBEDDING_PROVIDER", "voyage"),
        ("VOYAGE_API_KEY", "k"),
        ("VOYAGE_EMBEDDING_MODEL", "voyage-3"),
    ])
    .load()
    .unwrap();
    assert_eq!(settings.embedding().unwrap().unwrap().model(), "voyage-3");
    let fault = env(&[("EMBEDDING_PROVIDER", "voyage")])
        .load()
        .unwrap()
        .embedding()
        .unwrap_err();
    assert!(fault.to_string().starts_with("Missing embedding model of Voyage AI (towline.embeddings.voyage.model / VOYAGE_EMBEDDING_MODEL)"), "{fault}");
}

#[test]
fn an_embedding_model_that_cannot_be_used_is_a_fault_and_leaves_the_chat_model_alone() {
    let settings = env(&[
        ("LLM_MODEL", "groq/m"),
        ("GROQ_API_KEY", "k"),
        ("EMBEDDING_MODEL", "voyage/voyage-3"),
    ])
    .load()
    .unwrap();
    assert!(settings.llm().unwrap().is_some());
    let fault = settings.embedding().unwrap_err().to_string();
    assert!(fault.starts_with("Missing Voyage AI API key"), "{fault}");
}

#[test]
fn an_embedding_model_is_of_the_same_account_where_name_address_key_and_limit_are_the_same() {
    let provider = |more: &[(&str, &str)]| {
        let set = [
            ("OPENAI_API_KEY", "k"),
            ("EMBEDDING_MODEL", "openai/m"),
            ("LLM_MODEL", "openai/m"),
        ];
        let settings = env(&[&set[..], more].concat()).load().unwrap();
        let chat = settings.llm().unwrap().unwrap().clone();
        (chat, settings.embedding().unwrap().unwrap().clone())
    };
    let (chat, vectors) = provider(&[]);
    assert!(chat.is_same_target(&vectors));
    for other in [
        ("OPENAI_EMBEDDING_BASE_URL", "http://localhost:9/v1"),
        ("TOWLINE_EMBEDDINGS_OPENAI_API_KEY", "other"),
    ] {
        let (chat, vectors) = provider(&[other]);
        assert!(!chat.is_same_provider(&vectors), "{other:?}");
        assert!(!chat.is_same_target(&vectors), "{other:?}");
    }
}
