//! Settings files: formats, discovery, substitution.
#![cfg(all(
    feature = "toml",
    feature = "yaml",
    feature = "json",
    feature = "hocon"
))]

use crate::{env, llm, load_fault, warnings, write};
use towline_config::{Format, Loader, Settings};

const TOML: &str = "
[towline.llm]
model = 'openai/m'
[towline.openai]
api-key = '${KEY}'
organization = '${?ORG}'
context_window = 1000
stream_usage = true
[towline.openai.headers]
X-Title = 'a $${b}'
[towline.timeouts]
request = '30 s'
[towline.transport]
no_proxy = ['a', 'b']
";

const YAML: &str = "
towline:
  llm: { model: openai/m }
  openai:
    apiKey: ${KEY}
    organization: ${?ORG}
    contextWindow: 1000
    streamUsage: true
    headers:
      X-Title: a $${b}
  timeouts: { request: 30 s }
  transport:
    noProxy: [a, b]
";

const JSON: &str = r#"{"towline": {
  "llm": {"model": "openai/m"},
  "openai": {"api_key": "${KEY}", "organization": "${?ORG}", "context_window": 1000,
             "stream_usage": true, "headers": {"X-Title": "a $${b}"}},
  "timeouts": {"request": "30 s"},
  "transport": {"no_proxy": ["a", "b"]}
}}"#;

const HOCON: &str = r#"
other-program { port = 1 }
llm4s {
  llm.model = openai/m
  openai {
    apiKey = ${KEY}
    organization = ${?ORG}
    contextWindow = 1000
    streamUsage = true
    headers { X-Title = "a ${b}" }
  }
  timeouts.request = 30 s
  transport.noProxy = [a, b]
}
"#;

/// The origin of a key.
fn origin<'a>(settings: &'a Settings, key: &str) -> Option<&'a str> {
    settings
        .sources()
        .find(|source| source.key() == key)
        .map(|source| source.origin())
}

#[test]
fn every_format_gives_the_same_settings() {
    for (format, name, text) in [
        (Format::Toml, "towline.toml", TOML),
        (Format::Yaml, "towline.yaml", YAML),
        (Format::Json, "towline.json", JSON),
        (Format::Hocon, "application.conf", HOCON),
    ] {
        let provider = llm(env(&[("KEY", "k")]).text(format, name, text));
        assert_eq!(provider.api_key().unwrap().expose(), "k", "{name}");
        assert_eq!(provider.organization(), None, "{name}");
        assert_eq!(provider.context_window(), Some(1000), "{name}");
        assert_eq!(provider.stream_usage(), Some(true), "{name}");
        assert_eq!(provider.headers()[0].1.expose(), "a ${b}", "{name}");
        assert_eq!(provider.timeouts().request().as_secs(), 30, "{name}");
        assert_eq!(provider.transport().no_proxy(), ["a", "b"], "{name}");
        let error = load_fault(Loader::new().text(format, name, text)).to_string();
        assert!(error.contains("${KEY} is not set"), "{name}: {error}");
        assert!(error.contains(&format!("from {name}")), "{name}: {error}");
        assert!(
            error
                .to_lowercase()
                .replace(['_', '-'], "")
                .contains("openai.apikey"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_bare_number_for_a_duration_is_refused_in_every_format() {
    for (format, text) in [
        (Format::Toml, "[towline.timeouts]\nrequest = 30"),
        (Format::Yaml, "towline: { timeouts: { request: 30 } }"),
        (
            Format::Json,
            r#"{"towline": {"timeouts": {"request": 30}}}"#,
        ),
        (Format::Hocon, "towline.timeouts.request = 30"),
    ] {
        let error = load_fault(Loader::new().text(format, "f", text)).to_string();
        assert!(error.contains("found a bare number"), "{format}: {error}");
    }
}

#[test]
fn a_malformed_file_is_told_with_its_place() {
    for (format, text, place) in [
        (Format::Toml, "[towline.llm]\nmodel = = 1", "line 2"),
        (Format::Yaml, "towline:\n  llm: [", "line "),
        (Format::Json, "{\n\"towline\": }", "line 2"),
        (Format::Hocon, "towline {\n llm = [1\n}", "line "),
    ] {
        let error = load_fault(Loader::new().text(format, "broken", text)).to_string();
        assert!(
            error.starts_with(&format!("not valid {format} at {place}")),
            "{error}"
        );
        assert!(error.contains("from broken"), "{error}");
    }
}

#[test]
fn all_unset_variables_of_a_file_are_told_and_other_programs_sections_are_not() {
    let toml = "[towline.openai]\napi_key='${A}'\nbase_url='http://${B}:${C}/'\n[towline.llm]\nmodel='openai/m'";
    let hocon = "akka.x = ${AKKA}\ntowline { openai { apiKey = ${A}, baseUrl = \"http://\"${B}\":\"${C} }, llm.model = openai/m }";
    for (format, text) in [(Format::Toml, toml), (Format::Hocon, hocon)] {
        let error = load_fault(Loader::new().text(format, "f", text)).to_string();
        assert!(error.contains("${A} is not set"), "{error}");
        assert!(error.contains("${B} and ${C} is not set"), "{error}");
        assert!(!error.contains("AKKA"), "{error}");
    }
}

#[test]
fn hocon_sees_our_variables_and_its_own_keys_and_never_the_process_environment() {
    // Every test process has PATH.
    let text = "llm4s { llm.model = openai/m, openai { apiKey = key, organization = ${?PATH} }, groq.apiKey = ${llm4s.openai.apiKey} }";
    let settings = Loader::new()
        .text(Format::Hocon, "application.conf", text)
        .load()
        .unwrap();
    assert_eq!(settings.llm().unwrap().unwrap().organization(), None);
    assert_eq!(
        settings
            .for_model("groq/m")
            .unwrap()
            .api_key()
            .unwrap()
            .expose(),
        "key"
    );
    let required = Loader::new().text(Format::Hocon, "a.conf", "towline.llm.model = ${PATH}");
    assert!(
        load_fault(required)
            .to_string()
            .contains("${PATH} is not set")
    );
}

#[test]
fn hocon_includes_are_relative_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "keys.conf", "llm4s.openai.apiKey = included");
    let path = write(
        folder.path(),
        "my.conf",
        "include \"keys.conf\"\nllm4s.llm.model = openai/m",
    );
    assert_eq!(
        llm(Loader::new().file(path)).api_key().unwrap().expose(),
        "included"
    );
}

#[test]
fn the_guides_file_loads() {
    let text = r#"
llm4s {
  llm { model = ${?LLM_MODEL} }
  openai { api-key = ${?OPENAI_API_KEY}, base-url = "https://api.openai.com/v1", organization = ${?OPENAI_ORGANIZATION} }
  azure { endpoint = ${?AZURE_API_BASE}, api-key = ${?AZURE_API_KEY}, api-version = ${?AZURE_API_VERSION} }
  anthropic { api-key = ${?ANTHROPIC_API_KEY}, base-url = "https://api.anthropic.com" }
  ollama { base-url = ${?OLLAMA_BASE_URL} }
  tracing {
    mode = ${?TRACING_MODE}
    langfuse { url = "https://cloud.langfuse.com", public-key = ${?LANGFUSE_PUBLIC_KEY}, secret-key = ${?LANGFUSE_SECRET_KEY}, env = production }
    opentelemetry { service-name = app, endpoint = "http://localhost:4317", headers { } }
  }
  embeddings { model = ${?EMBEDDING_MODEL}, chunking { size = 800, overlap = 150, enabled = true } }
  workspace { dir = "/srv", image = "llm4s/workspace-runner", port = 8080, sandbox.profile = locked }
  model-metadata { file = "models.json" }
}
"#;
    let variables = [
        ("LLM_MODEL", "openai/gpt-4o"),
        ("OPENAI_API_KEY", "k"),
        ("TRACING_MODE", "langfuse"),
    ];
    let settings = env(&variables)
        .text(Format::Hocon, "application.conf", text)
        .load()
        .unwrap();
    assert_eq!(settings.llm().unwrap().unwrap().model(), "gpt-4o");
    assert_eq!(
        origin(&settings, "towline.model_registry.file_path"),
        Some("application.conf")
    );
    assert_eq!(
        origin(&settings, "towline.openai.base_url"),
        Some("application.conf")
    );
    assert_eq!(
        origin(&settings, "towline.openai.api_key"),
        Some("environment OPENAI_API_KEY")
    );
}

#[test]
fn named_providers_of_a_file_keep_their_spelling() {
    let text = r#"
llm4s.providers {
  provider = "openai-main"
  openai-main { provider = openai, model = gpt-4o, apiKey = ${?OPENAI_API_KEY}, timeouts { request = 20 s, stream = 5 minutes } }
  backupClaude { provider = anthropic, model = claude, headers { X-Team = a } }
}
llm4s.credentials.anthropic.apiKey = ${?ANTHROPIC_API_KEY}
"#;
    let variables = [
        ("OPENAI_API_KEY", "k"),
        ("ANTHROPIC_API_KEY", "a"),
        ("TOWLINE_PROVIDERS_OPENAI_MAIN_MODEL", "gpt-5"),
    ];
    let settings = env(&variables)
        .text(Format::Hocon, "application.conf", text)
        .load()
        .unwrap();
    let selected = settings.llm().unwrap().unwrap();
    assert_eq!(
        (selected.name(), selected.model()),
        ("openai-main", "gpt-5")
    );
    assert_eq!(selected.timeouts().stream().as_secs(), 300);
    let other = settings.provider("backupClaude").unwrap();
    assert_eq!(other.api_key().unwrap().expose(), "a");
    assert_eq!(
        settings.for_model("backup-claude").unwrap().name(),
        "backupClaude"
    );
}

#[test]
fn discovery_finds_the_files_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "application.conf",
        "llm4s { llm.model = groq/low, groq.apiKey = low, xai.apiKey = x }",
    );
    write(
        folder.path(),
        "towline.yaml",
        "towline: { llm: { model: groq/high } }",
    );
    write(folder.path(), ".env", "GROQ_API_KEY=dot\n");
    let discovered = || Loader::new().discover_in(folder.path());
    let provider = llm(discovered());
    assert_eq!(provider.model(), "high");
    assert_eq!(provider.api_key().unwrap().expose(), "dot");
    assert_eq!(
        discovered()
            .load()
            .unwrap()
            .for_model("xai/m")
            .unwrap()
            .api_key()
            .unwrap()
            .expose(),
        "x"
    );
    // A file that somebody named takes the place of those that were found.
    let other = write(
        folder.path(),
        "other.toml",
        "towline.llm.model = 'groq/other'",
    );
    assert_eq!(llm(discovered().file(&other)).model(), "other");
    let named = discovered().env([("TOWLINE_CONFIG", other.display().to_string())]);
    assert_eq!(llm(named).model(), "other");
    assert!(
        Loader::new()
            .discover_in(folder.path().join("nowhere"))
            .load()
            .unwrap()
            .llm()
            .unwrap()
            .is_none()
    );
}

#[test]
fn two_settings_files_in_one_folder_are_a_fault_naming_both() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "towline.yaml", "");
    write(folder.path(), "towline.toml", "");
    let error = load_fault(Loader::new().discover_in(folder.path())).to_string();
    assert!(
        error.starts_with("more than one settings file: "),
        "{error}"
    );
    assert!(
        error.contains("towline.toml and ") && error.contains("towline.yaml"),
        "{error}"
    );
}

#[test]
fn a_later_file_outranks_an_earlier_one() {
    let file = |model: &str| {
        format!("towline.llm.model = '{model}'\ntowline.vllm.base_url = 'http://{model}'")
    };
    let loader = Loader::new()
        .text(Format::Toml, "a.toml", file("vllm/a"))
        .text(Format::Toml, "b.toml", file("vllm/b"));
    let settings = loader.load().unwrap();
    assert_eq!(settings.llm().unwrap().unwrap().model(), "b");
    assert_eq!(origin(&settings, "towline.llm.model"), Some("b.toml"));
}

#[test]
fn foreign_sections_are_faults_in_our_files_and_fine_in_shared_ones() {
    let ours = Loader::new().text(Format::Toml, "towline.toml", "[openai]\napi_key='k'");
    let error = load_fault(ours).to_string();
    assert!(error.contains("unknown section 'openai', from towline.toml: settings live under 'towline': write towline.openai"), "{error}");
    let shared = Loader::new()
        .text(Format::Hocon, "application.conf", "openai.apiKey = k")
        .load()
        .unwrap();
    assert!(warnings(&shared).contains("application.conf has no section towline or llm4s"));
}

#[test]
fn a_file_of_unknown_format_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "settings.ini", "");
    let error = load_fault(Loader::new().file(path)).to_string();
    assert!(error.contains("settings.ini is not known"), "{error}");
}

#[test]
fn empty_files_and_null_values_are_no_settings() {
    for (format, text) in [
        (Format::Toml, ""),
        (Format::Yaml, ""),
        (Format::Yaml, "# nothing\n"),
        (Format::Yaml, "towline:\n  openai:\n    api_key:\n"),
        (Format::Json, "{}"),
        (
            Format::Json,
            r#"{"towline": {"openai": {"api_key": null}}}"#,
        ),
        (Format::Hocon, ""),
        (Format::Hocon, "towline { openai { apiKey = null } }"),
    ] {
        let settings = Loader::new().text(format, "f", text).load().unwrap();
        assert!(settings.llm().unwrap().is_none(), "{format} {text}");
    }
}

#[test]
fn numbers_are_text_where_text_is_wanted_unless_their_spelling_is_lost() {
    let project = |text: &str| {
        let text = format!(
            "towline.openai.project = {text}\ntowline.llm.model = 'openai/m'\ntowline.openai.api_key = 'k'"
        );
        Loader::new().text(Format::Toml, "t.toml", text)
    };
    assert_eq!(llm(project("1234")).project(), Some("1234"));
    let error = load_fault(project("1.10")).to_string();
    assert!(error.contains("put it in quotes"), "{error}");
    assert!(
        load_fault(project("true"))
            .to_string()
            .contains("put it in quotes")
    );
    let date = load_fault(project("1979-05-27")).to_string();
    assert!(date.contains("towline.openai.project"), "{date}");
}
