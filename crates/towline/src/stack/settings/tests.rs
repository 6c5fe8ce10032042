use super::adaptive;
use towline_config::Loader;

/// Where an adaptive limit begins, with these settings of `concurrency`.
fn begins_at(settings: &[&str]) -> usize {
    let loader = Loader::new().env([
        ("LLM_MODEL", "openai/gpt-4o"),
        ("OPENAI_API_KEY", "sk-test"),
    ]);
    let loader = settings.iter().fold(loader, |loader, setting| {
        loader.set(format!("towline.concurrency.{setting}"))
    });
    let settings = loader.load().unwrap();
    let provider = settings.llm().unwrap().unwrap();
    adaptive(provider, None).unwrap().handle().limit()
}

#[test]
fn an_adaptive_limit_is_one_whatever_is_left_unset() {
    assert_eq!(begins_at(&["adaptive=true"]), 20);
    assert_eq!(begins_at(&["adaptive=true", "max=10"]), 10);
    assert_eq!(begins_at(&["adaptive=true", "min=30"]), 30);
    assert_eq!(begins_at(&["adaptive=true", "initial=300"]), 300);
}
