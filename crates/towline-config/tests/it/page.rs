//! The reference page.

#[test]
fn the_page_in_docs_is_that_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == towline_config::reference(),
        "docs/configuration.md is not up to date: run \
         `cargo run -q -p towline-config --all-features --example reference > docs/configuration.md`"
    );
}

#[test]
fn the_page_names_every_variable_of_the_guide() {
    let page = towline_config::reference();
    for name in [
        "LLM_MODEL",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_ORGANIZATION",
        "AZURE_API_BASE",
        "AZURE_API_KEY",
        "AZURE_API_VERSION",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "OLLAMA_BASE_URL",
        "ZAI_API_KEY",
        "COHERE_API_KEY",
        "GOOGLE_API_KEY",
        "DEEPSEEK_API_KEY",
        "MISTRAL_API_KEY",
        "OPENROUTER_API_KEY",
        "REQUESTY_API_KEY",
        "WATSONX_API_KEY",
        "VOYAGE_API_KEY",
        "JINA_API_KEY",
        "TRACING_MODE",
        "LANGFUSE_URL",
        "LANGFUSE_PUBLIC_KEY",
        "LANGFUSE_SECRET_KEY",
        "LANGFUSE_ENV",
        "LANGFUSE_RELEASE",
        "LANGFUSE_VERSION",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "EMBEDDING_MODEL",
        "EMBEDDING_PROVIDER",
        "CHUNK_SIZE",
        "CHUNK_OVERLAP",
        "CHUNKING_ENABLED",
        "WORKSPACE_DIR",
        "WORKSPACE_IMAGE",
        "WORKSPACE_PORT",
        "WORKSPACE_TRACE_LOG",
        "WORKSPACE_PATH",
        "WORKSPACE_SANDBOX_PROFILE",
        "LLM4S_MODEL_REGISTRY_RESOURCE",
        "LLM4S_MODEL_REGISTRY_FILE",
        "LLM4S_MODEL_REGISTRY_URL",
        "LLM4S_MODEL_METADATA_FILE",
        "LLM4S_EXCHANGE_LOGGING_ENABLED",
        "LLM4S_EXCHANGE_LOGGING_DIR",
        "OPENAI_EMBEDDING_BASE_URL",
        "OPENAI_EMBEDDING_MODEL",
    ] {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
