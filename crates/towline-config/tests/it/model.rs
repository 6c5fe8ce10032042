//! `LLM_MODEL=provider/model`, the older form.

use crate::{env, llm, llm_fault};
use towline_config::{Format, Loader};

#[test]
fn a_spec_is_cut_at_the_first_slash_and_its_prefix_may_be_in_any_case() {
    let provider = llm(env(&[
        ("LLM_MODEL", "  OpenRouter/openai/gpt-4o "),
        ("OPENROUTER_API_KEY", "or-key"),
    ]));
    assert_eq!(provider.vendor(), "openrouter");
    assert_eq!(provider.model(), "openai/gpt-4o");
    assert_eq!(provider.name(), "openrouter");
    assert_eq!(provider.base_url(), Some("https://openrouter.ai/api/v1"));
}

#[test]
fn google_is_gemini() {
    let provider = llm(env(&[
        ("LLM_MODEL", "google/gemini-2.5-pro"),
        ("GEMINI_API_KEY", "second"),
    ]));
    assert_eq!(provider.vendor(), "gemini");
    assert_eq!(provider.api_key().unwrap().expose(), "second");
    let both = [
        ("LLM_MODEL", "gemini/x"),
        ("GEMINI_API_KEY", "second"),
        ("GOOGLE_API_KEY", "first"),
    ];
    assert_eq!(llm(env(&both)).api_key().unwrap().expose(), "first");
}

#[test]
fn a_spec_without_prefix_is_of_openai_or_of_openrouter_by_the_base_url() {
    let provider = llm(env(&[("LLM_MODEL", "gpt-4o"), ("OPENAI_API_KEY", "k")]));
    assert_eq!(
        (provider.vendor().as_str(), provider.model()),
        ("openai", "gpt-4o")
    );
    let provider = llm(env(&[
        ("LLM_MODEL", "gpt-4o"),
        ("OPENAI_API_KEY", "k"),
        ("OPENAI_BASE_URL", "https://openrouter.ai/api/v1"),
    ]));
    assert_eq!(provider.vendor(), "openrouter");
    assert_eq!(provider.api_key().unwrap().expose(), "k");
}

#[test]
fn openrouter_reads_its_own_section_then_that_of_openai_and_says_so() {
    let variables = [
        ("LLM_MODEL", "openrouter/x"),
        ("OPENAI_API_KEY", "oa"),
        ("OPENROUTER_API_KEY", "or"),
    ];
    assert_eq!(llm(env(&variables)).api_key().unwrap().expose(), "or");
    let settings = env(&[("LLM_MODEL", "openrouter/x"), ("OPENAI_API_KEY", "oa")])
        .load()
        .unwrap();
    let provider = settings.llm().unwrap().unwrap();
    assert_eq!(provider.api_key().unwrap().expose(), "oa");
    assert_eq!(provider.base_url(), Some("https://openrouter.ai/api/v1"));
    assert!(crate::warnings(&settings).contains("set OPENROUTER_API_KEY"));
}

#[test]
fn a_provider_that_is_nearly_right_is_suggested() {
    let fault = llm_fault(env(&[
        ("LLM_MODEL", "opnai/gpt-4o"),
        ("OPENAI_API_KEY", "k"),
    ]));
    assert!(fault.contains("did you mean openai/gpt-4o?"), "{fault}");
}

#[test]
fn wrong_specs_are_told_with_key_and_variable() {
    for (spec, expected) in [
        (
            "meta-llama/Llama-3",
            "Unknown provider prefix: meta-llama in 'meta-llama/Llama-3'",
        ),
        ("/gpt-4o", "Unable to infer provider for model '/gpt-4o'"),
        ("openai/", "Missing model name in 'openai/'"),
        ("openai/  ", "Missing model name in 'openai/'"),
    ] {
        let fault = llm_fault(env(&[("LLM_MODEL", spec), ("OPENAI_API_KEY", "k")]));
        assert!(fault.starts_with(expected), "{fault}");
        assert!(
            fault.contains("(towline.llm.model / LLM_MODEL), from environment LLM_MODEL"),
            "{fault}"
        );
    }
}

#[test]
fn a_key_without_model_is_a_missing_spec() {
    assert_eq!(
        llm_fault(env(&[("OPENAI_API_KEY", "k")])),
        "Missing model spec: set LLM_MODEL (towline.llm.model / LLM_MODEL): for example LLM_MODEL=openai/gpt-4o"
    );
    let fault = llm_fault(env(&[("ANTHROPIC_API_KEY", "k")]));
    assert!(fault.contains("LLM_MODEL=anthropic/<model>"), "{fault}");
    let blank = env(&[("OPENAI_API_KEY", "k"), ("LLM_MODEL", "  ")]);
    assert!(llm_fault(blank).starts_with("Missing model spec"));
}

#[test]
fn a_model_without_key_is_a_missing_key() {
    for (vendor, expected) in [
        (
            "openai",
            "Missing OpenAI API key (towline.openai.api_key / OPENAI_API_KEY)",
        ),
        (
            "deepseek",
            "Missing DeepSeek API key (towline.deepseek.api_key / DEEPSEEK_API_KEY)",
        ),
        (
            "gemini",
            "Missing Gemini API key (towline.gemini.api_key / GOOGLE_API_KEY or GEMINI_API_KEY)",
        ),
    ] {
        let fault = llm_fault(Loader::new().set(format!("towline.llm.model={vendor}/m")));
        assert!(fault.starts_with(expected), "{fault}");
        assert!(fault.contains("_FILE"), "no remedy: {fault}");
    }
}

#[test]
fn an_empty_key_is_a_missing_key() {
    let fault = llm_fault(env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "   ")]));
    assert!(fault.starts_with("Missing OpenAI API key"), "{fault}");
}

#[test]
fn a_server_of_ones_own_needs_no_key() {
    let provider = llm(env(&[
        ("LLM_MODEL", "openai/tiny"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1/"),
    ]));
    assert_eq!(provider.base_url(), Some("http://127.0.0.1:8080/v1"));
    assert!(provider.api_key().is_none());
    // The vendor's own host is the vendor's own, however it is written.
    let own = env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_BASE_URL", "https://API.openai.com:443/v1/"),
    ]);
    assert!(llm_fault(own).starts_with("Missing OpenAI API key"));
}

#[test]
fn vendors_without_an_address_of_their_own_ask_for_one() {
    for (vendor, expected, remedy) in [
        (
            "ollama",
            "Missing Ollama base URL (towline.ollama.base_url / OLLAMA_BASE_URL)",
            "OLLAMA_BASE_URL=http://localhost:11434",
        ),
        (
            "vllm",
            "Missing vLLM base URL (towline.vllm.base_url / VLLM_BASE_URL)",
            "VLLM_BASE_URL=http://",
        ),
        (
            "azure",
            "Missing Azure OpenAI endpoint (towline.azure.endpoint / AZURE_API_BASE or AZURE_OPENAI_ENDPOINT)",
            "AZURE_API_BASE=https://",
        ),
    ] {
        let fault = llm_fault(env(&[
            ("LLM_MODEL", &format!("{vendor}/m")),
            ("AZURE_API_KEY", "k"),
        ]));
        assert!(fault.starts_with(expected), "{fault}");
        assert!(fault.contains(remedy), "{fault}");
    }
}

#[test]
fn azure_takes_both_forms_of_its_version_and_tells_all_it_lacks() {
    let base = [
        ("LLM_MODEL", "azure/dep"),
        ("AZURE_API_KEY", "k"),
        ("AZURE_API_BASE", "https://r.test/"),
    ];
    let provider = llm(env(&base));
    assert_eq!(provider.api_version(), Some("2025-01-01-preview"));
    assert_eq!(provider.endpoint(), Some("https://r.test"));
    let older = env(&base).env([("AZURE_API_VERSION", "V2025_03_01_PREVIEW")]);
    assert_eq!(llm(older).api_version(), Some("2025-03-01-preview"));
    let wrong = env(&base).env([("AZURE_API_BASE", "my-resource")]);
    assert!(llm_fault(wrong).starts_with(
        "expected an http or https address, found text that does not begin with http:// or https:// (towline.azure.endpoint"
    ));
    let settings = env(&[("LLM_MODEL", "azure/dep")]).load().unwrap();
    assert_eq!(settings.llm().unwrap_err().faults().len(), 2);
}

#[test]
fn azure_takes_a_token_in_the_place_of_a_key() {
    let base = || {
        env(&[
            ("LLM_MODEL", "azure/dep"),
            ("AZURE_API_BASE", "https://r.test"),
        ])
    };
    let provider = llm(base().env([("AZURE_OPENAI_AD_TOKEN", "planted-token")]));
    assert!(provider.key_is_token());
    assert_eq!(provider.api_key().unwrap().expose(), "planted-token");
    assert_eq!(
        provider.api_key_origin(),
        Some("environment AZURE_OPENAI_AD_TOKEN")
    );
    assert!(!format!("{provider:?}").contains("planted-token"));
    let keyed = llm(base().env([("AZURE_API_KEY", "k")]));
    assert!(!keyed.key_is_token());

    let both = base().env([("AZURE_API_KEY", "k"), ("AZURE_OPENAI_AD_TOKEN", "t")]);
    let fault = llm_fault(both);
    assert!(
        fault.starts_with("both towline.azure.api_key and towline.azure.token are set"),
        "{fault}"
    );
    let of_others = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")]);
    assert!(!llm(of_others).key_is_token());
}

#[test]
fn azure_can_be_told_the_model_behind_a_deployment() {
    let base = [
        ("LLM_MODEL", "azure/dep"),
        ("AZURE_API_KEY", "k"),
        ("AZURE_API_BASE", "https://r.test"),
    ];
    assert_eq!(llm(env(&base)).base_model(), None);
    let told = env(&base).env([("TOWLINE_AZURE_BASE_MODEL", "gpt-5-mini")]);
    assert_eq!(llm(told).base_model(), Some("gpt-5-mini"));
}

#[test]
fn nothing_configured_is_no_provider_and_no_fault() {
    for variables in [
        &[][..],
        &[
            ("PATH", "/bin"),
            ("AWS_REGION", "eu-west-1"),
            ("HTTPS_PROXY", "http://p:1"),
        ],
        &[
            ("OPENAI_API_KEY", ""),
            ("VOYAGE_API_KEY", "v"),
            ("TRACING_MODE", "none"),
        ],
    ] {
        let settings = env(variables).load().unwrap();
        assert!(settings.llm().unwrap().is_none(), "{variables:?}");
        assert!(settings.embedding().unwrap().is_none());
    }
    let file = Loader::new().text(
        Format::Toml,
        "towline.toml",
        "[towline.openai]\nstream_usage = true",
    );
    if cfg!(feature = "toml") {
        assert!(llm_fault(file).starts_with("Missing model spec"));
    }
}

#[test]
fn another_model_can_be_asked_for_after_loading() {
    let settings = env(&[("OPENAI_API_KEY", "k"), ("LLM_MODEL", "openai/a")])
        .load()
        .unwrap();
    assert_eq!(settings.for_model("openai/b").unwrap().model(), "b");
    assert_eq!(settings.for_model("b").unwrap().vendor(), "openai");
    let fault = settings.for_model("groq/b").unwrap_err().to_string();
    assert!(fault.starts_with("Missing Groq API key"), "{fault}");
    assert!(
        settings
            .for_model(" ")
            .unwrap_err()
            .to_string()
            .starts_with("Missing model spec")
    );
}
