use super::reasons;

#[test]
fn models_that_think_are_known_by_their_names() {
    for name in [
        "o3-mini",
        "openai/gpt-5.1",
        "DeepSeek-Reasoner",
        "qwen3-235b-thinking",
    ] {
        assert!(reasons(name), "{name}");
    }
    for name in [
        "gpt-4o",
        "gpt-5-chat-latest",
        "llama3.3",
        "grok-4-fast-non-reasoning",
    ] {
        assert!(!reasons(name), "{name}");
    }
}
