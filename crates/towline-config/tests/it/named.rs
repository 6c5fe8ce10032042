//! Named providers, the newer form.

use crate::{env, llm, llm_fault, warnings};
use towline_config::Loader;

fn main_provider() -> Loader {
    Loader::new()
        .set("towline.providers.provider=main")
        .set("towline.providers.main.provider=openai")
        .set("towline.providers.main.model=gpt-4o")
        .set("towline.providers.main.api_key=own")
}

#[test]
fn the_default_named_provider_is_selected() {
    let provider = llm(main_provider());
    assert_eq!(provider.name(), "main");
    assert_eq!(provider.vendor(), "openai");
    assert_eq!(provider.model(), "gpt-4o");
    assert_eq!(provider.base_url(), Some("https://api.openai.com/v1"));
}

#[test]
fn its_own_key_goes_before_the_shared_one_and_that_of_the_vendor() {
    let shared = |loader: Loader| loader.set("towline.credentials.openai.api_key=shared");
    let vendor = [("OPENAI_API_KEY", "vendor")];
    assert_eq!(
        llm(shared(main_provider()).env(vendor))
            .api_key()
            .unwrap()
            .expose(),
        "own"
    );
    let without = Loader::new().set("towline.llm.model=main").env([
        ("TOWLINE_PROVIDERS_MAIN_PROVIDER", "openai"),
        ("TOWLINE_PROVIDERS_MAIN_MODEL", "gpt-4o"),
    ]);
    assert_eq!(
        llm(shared(without.clone()).env(vendor))
            .api_key()
            .unwrap()
            .expose(),
        "shared"
    );
    assert_eq!(
        llm(without.clone().env(vendor)).api_key().unwrap().expose(),
        "vendor"
    );
    let fault = llm_fault(without);
    assert!(
        fault.starts_with(
            "Missing OpenAI API key (towline.providers.main.api_key / TOWLINE_PROVIDERS_MAIN_API_KEY)"
        ),
        "{fault}"
    );
}

#[test]
fn a_shared_key_serves_the_older_form_too_and_the_higher_layer_wins() {
    let loader = env(&[("LLM_MODEL", "groq/m"), ("GROQ_API_KEY", "env")]);
    assert_eq!(llm(loader.clone()).api_key().unwrap().expose(), "env");
    let set = loader.set("towline.credentials.groq.api_key=set");
    assert_eq!(llm(set).api_key().unwrap().expose(), "set");
}

#[test]
fn variables_set_the_fields_of_a_named_provider() {
    let provider = llm(env(&[
        ("TOWLINE_PROVIDERS_PROVIDER", "my-main"),
        ("TOWLINE_PROVIDERS_MY_MAIN_PROVIDER", "groq"),
        ("TOWLINE_PROVIDERS_MY_MAIN_MODEL", "llama"),
        ("TOWLINE_PROVIDERS_MY_MAIN_API_KEY", "k"),
        ("TOWLINE_PROVIDERS_MY_MAIN_TIMEOUTS_REQUEST", "7 s"),
        ("TOWLINE_PROVIDERS_MY_MAIN_HEADERS", "X-Title=mine"),
    ]));
    assert_eq!(provider.vendor(), "groq");
    assert_eq!(provider.timeouts().request().as_secs(), 7);
    assert_eq!(provider.headers().len(), 1);
}

#[test]
fn what_a_section_lacks_is_told() {
    for (text, expected) in [
        (
            "provider=openai",
            "Configured provider 'main' is missing required field 'model'",
        ),
        (
            "model=x",
            "Configured provider 'main' is missing required field 'provider'",
        ),
    ] {
        let loader = Loader::new()
            .set("towline.providers.provider=main")
            .set(format!("towline.providers.main.{text}"));
        assert!(
            llm_fault(loader.clone()).starts_with(expected),
            "{}",
            llm_fault(loader)
        );
    }
    let fault = llm_fault(main_provider().set("towline.providers.main.provider=opanai"));
    assert!(
        fault.starts_with(
            "Configured provider 'main' has unknown provider 'opanai' (towline.providers.main.provider"
        ),
        "{fault}"
    );
    assert!(fault.contains("did you mean openai?"), "{fault}");
}

#[test]
fn a_required_field_of_the_wrong_type_is_not_called_missing() {
    let loader = main_provider().set("towline.providers.main.api=x");
    let error = loader.load().unwrap_err();
    assert_eq!(error.faults().len(), 1, "{error}");
    if cfg!(feature = "toml") {
        let text = "[towline.providers]\nprovider='main'\n[towline.providers.main]\nprovider='openai'\nmodel=['x']";
        let loader = Loader::new().text(towline_config::Format::Toml, "t.toml", text);
        let error = loader.load().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("expected text, found a list (towline.providers.main.model"),
            "{error}"
        );
    }
}

#[test]
fn a_default_that_does_not_exist_and_a_default_that_is_not_named_are_told() {
    let fault = llm_fault(main_provider().set("towline.providers.provider=other"));
    assert!(
        fault.starts_with("Configured provider 'other' was not found (towline.providers.provider"),
        "{fault}"
    );
    assert!(fault.contains("named providers are main"), "{fault}");
    let fault = llm_fault(
        Loader::new()
            .set("towline.providers.a.provider=openai")
            .set("towline.providers.a.model=m"),
    );
    assert!(
        fault.starts_with("No default provider configured under towline.providers.provider"),
        "{fault}"
    );
}

#[test]
fn the_higher_layer_decides_between_the_two_forms() {
    let providers = [
        ("TOWLINE_PROVIDERS_PROVIDER", "main"),
        ("TOWLINE_PROVIDERS_MAIN_PROVIDER", "openai"),
        ("TOWLINE_PROVIDERS_MAIN_MODEL", "gpt-4o"),
        ("OPENAI_API_KEY", "k"),
        ("GROQ_API_KEY", "k"),
    ];
    let spec_above = env(&providers).set("towline.llm.model=groq/m");
    assert_eq!(llm(spec_above).vendor(), "groq");
    let name_above = env(&providers)
        .env([("LLM_MODEL", "groq/m")])
        .set("towline.providers.provider=main");
    assert_eq!(llm(name_above).name(), "main");
}

#[test]
fn both_forms_in_one_layer_must_agree() {
    let providers = [
        ("TOWLINE_PROVIDERS_PROVIDER", "main"),
        ("TOWLINE_PROVIDERS_MAIN_PROVIDER", "openai"),
        ("TOWLINE_PROVIDERS_MAIN_MODEL", "gpt-4o"),
        ("OPENAI_API_KEY", "k"),
    ];
    assert_eq!(
        llm(env(&providers).env([("LLM_MODEL", "openai/gpt-4o")])).name(),
        "main"
    );
    let fault = llm_fault(env(&providers).env([("LLM_MODEL", "openai/other")]));
    assert!(
        fault
            .contains("towline.llm.model and towline.providers.provider point to different models"),
        "{fault}"
    );
    assert!(
        fault.contains("environment LLM_MODEL and environment TOWLINE_PROVIDERS_PROVIDER"),
        "{fault}"
    );
}

#[test]
fn only_the_section_in_use_must_be_right() {
    let loader = main_provider()
        .set("towline.providers.broken.provider=openai")
        .set("towline.groq.timeouts.request=30");
    let settings = loader.load().unwrap();
    assert_eq!(settings.llm().unwrap().unwrap().name(), "main");
    let warnings = warnings(&settings);
    for part in [
        "'broken' is missing required field 'model'",
        "towline.groq.timeouts.request",
    ] {
        assert!(warnings.contains(part), "{part} is not in {warnings}");
    }
    assert!(
        settings
            .for_model("groq/x")
            .unwrap_err()
            .to_string()
            .contains("found a bare number")
    );
    assert!(settings.provider("broken").is_none());
    let names: Vec<&str> = settings
        .providers()
        .map(|provider| provider.name())
        .collect();
    assert_eq!(names, ["main"]);
}

#[test]
fn a_named_provider_can_be_asked_for_another_model() {
    let settings = main_provider().load().unwrap();
    let provider = settings.for_model("main/gpt-4o-mini").unwrap();
    assert_eq!((provider.name(), provider.model()), ("main", "gpt-4o-mini"));
    assert_eq!(settings.for_model("main").unwrap().model(), "gpt-4o");
}
