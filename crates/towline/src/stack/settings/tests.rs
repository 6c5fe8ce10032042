use super::adaptive;
use towline_config::Loader;
use towline_layers::concurrency::ConcurrencyLayer;

/// The adaptive limit of these settings of `concurrency`.
fn made_of(settings: &[&str]) -> ConcurrencyLayer {
    let loader = Loader::new().env([
        ("LLM_MODEL", "openai/gpt-4o"),
        ("OPENAI_API_KEY", "sk-test"),
    ]);
    let loader = settings.iter().fold(loader, |loader, setting| {
        loader.set(format!("towline.concurrency.{setting}"))
    });
    let settings = loader.load().unwrap();
    let provider = settings.llm().unwrap().unwrap();
    adaptive(provider, None).unwrap()
}

/// Where it begins.
fn begins_at(settings: &[&str]) -> usize {
    made_of(settings).handle().limit()
}

#[test]
fn an_adaptive_limit_is_one_whatever_is_left_unset() {
    assert_eq!(begins_at(&["adaptive=true"]), 20);
    assert_eq!(begins_at(&["adaptive=true", "max=10"]), 10);
    assert_eq!(begins_at(&["adaptive=true", "min=30"]), 30);
    assert_eq!(begins_at(&["adaptive=true", "initial=300"]), 300);
}

#[test]
fn an_adaptive_limit_goes_by_first_tokens_where_the_settings_say_so() {
    let by = |signal| format!("{:?}", made_of(&["adaptive=true", signal]));
    assert!(by("signal=loss").contains("gradient: None"));
    assert!(by("signal=first_token").contains("gradient: Some"));
}
