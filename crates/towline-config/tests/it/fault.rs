//! Faults: all of them, each with what a person needs.

use crate::{env, load_fault, warnings};
#[cfg(feature = "toml")]
use towline_config::Format;
use towline_config::Loader;
use towline_core::{Error, ErrorKind};

#[test]
fn all_faults_come_at_once() {
    let error = load_fault(
        env(&[
            ("LLM_MODEL", "openai/m"),
            ("TOWLINE_TIMEOUTS_CONNECT", "10"),
            ("TOWLINE_OPENAI_APIKEY", "k"),
        ])
        .set("towline.llm.modle=x")
        .set("towline.openai.context_window=many")
        .set("nonsense")
        .file("nowhere.toml")
        .dotenv("nowhere.env"),
    );
    let text = error.to_string();
    for part in [
        "8 faults in the configuration:",
        "nowhere.toml cannot be read, there is no such file",
        "nowhere.env cannot be read, there is no such file",
        "expected a duration such as \"30 s\", found a bare number (towline.timeouts.connect / TOWLINE_TIMEOUTS_CONNECT), from environment TOWLINE_TIMEOUTS_CONNECT: write the unit, such as \"30 s\" or \"500 ms\"",
        "unknown variable TOWLINE_OPENAI_APIKEY, from environment: did you mean TOWLINE_OPENAI_API_KEY?",
        "unknown key 'towline.llm.modle', from --set: did you mean towline.llm.model?",
        "expected a whole number of at least 1, found other text (towline.openai.context_window / TOWLINE_OPENAI_CONTEXT_WINDOW), from --set",
        "an override is not of the form key=value",
        "Missing OpenAI API key",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn a_fault_can_be_taken_apart() {
    let error = load_fault(Loader::new().set("towline.timeouts.connect=10"));
    let [fault] = error.faults() else {
        panic!("one fault: {error}")
    };
    assert_eq!(fault.key(), Some("towline.timeouts.connect"));
    assert_eq!(
        fault.variables().collect::<Vec<_>>(),
        ["TOWLINE_TIMEOUTS_CONNECT"]
    );
    assert_eq!(fault.origin(), Some("--set"));
    assert!(fault.problem().contains("found a bare number"));
    assert_eq!(
        fault.remedy(),
        "write the unit, such as \"30 s\" or \"500 ms\""
    );
    let core = Error::from(error);
    assert_eq!(core.kind(), ErrorKind::Config);
    assert!(!core.is_retryable());
}

#[test]
fn wrong_types_are_told_for_each_kind() {
    for (text, expected) in [
        (
            "timeouts.connect=soon",
            "units are ms, s, min (or m), h and d",
        ),
        ("timeouts.connect=0 s", "found zero"),
        ("timeouts.connect=-1 s", "expected a duration"),
        (
            "openai.base_url=localhost:8080",
            "found text that does not begin with http:// or https://",
        ),
        (
            "openai.base_url=http:///v1",
            "found an address without a host",
        ),
        (
            "openai.api=grpc",
            "expected one of chat, responses, found another word",
        ),
        ("openai.stream_usage=maybe", "expected true or false"),
        ("openai.context_window=0", "found a number below 1"),
        ("openai.context_window=12.5", "expected a whole number"),
        (
            "metrics.prometheus.port=70000",
            "found a number above 65535",
        ),
        (
            "tracing.mode=langfuze",
            "expected one of console, print, langfuse",
        ),
        (
            "openai.headers=novalue",
            "entry 1 is not of the form name=value",
        ),
    ] {
        let loader = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")]);
        let error = load_fault(loader.set(format!("towline.{text}"))).to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.contains("--set"), "{text}: {error}");
    }
}

#[test]
fn unknown_keys_get_a_suggestion_and_a_section_is_not_a_value() {
    for (text, expected) in [
        (
            "towline.opnai.api_key=k",
            "did you mean towline.openai.api_key?",
        ),
        ("towline.llm=x", "towline.llm is a section, not a value"),
        (
            "llm.model=x",
            "keys begin with 'towline.': did you mean towline.llm.model?",
        ),
        (
            "towline.zzz.yyy=x",
            "unknown key 'towline.zzz', from --set: see the list of keys",
        ),
        (
            "towline.providers.main.api_kye=k",
            "did you mean towline.providers.main.api_key?",
        ),
    ] {
        let loader = Loader::new().set("towline.llm.model=main").set(text);
        let told = load_fault(loader).to_string();
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn an_unknown_key_is_a_fault_in_a_section_that_is_not_in_use_too() {
    let used = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")]);
    for (text, expected) in [
        (
            "towline.anthropic.api_kye=k",
            "did you mean towline.anthropic.api_key?",
        ),
        (
            "towline.credentials.groq.api_kee=k",
            "did you mean towline.credentials.groq.api_key?",
        ),
        (
            "towline.providers.spare.basee_url=x",
            "did you mean towline.providers.spare.base_url?",
        ),
        (
            "towline.embeddings.voyage.modell=x",
            "did you mean towline.embeddings.voyage.model?",
        ),
        (
            "towline.ollama.zzz=x",
            "unknown key 'towline.ollama.zzz', from --set: see the list of keys",
        ),
    ] {
        let error = load_fault(used.clone().set(text)).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_wrong_type_in_a_section_that_is_not_in_use_is_a_warning() {
    let settings = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")])
        .set("towline.groq.context_window=many")
        .set("towline.providers.spare.model=m")
        .load()
        .unwrap();
    let warnings = warnings(&settings);
    for part in [
        "towline.groq.context_window",
        "Configured provider 'spare' is missing required field 'provider'",
    ] {
        assert!(warnings.contains(part), "{part} is not in {warnings}");
    }
}

#[cfg(feature = "toml")]
#[test]
fn an_unknown_key_in_a_file_is_a_fault_in_a_section_that_is_not_in_use_too() {
    let text = "[towline.openai]\napi_key='k'\n[towline.anthropic]\nbase-ulr='http://a.test'";
    let loader = Loader::new().text(Format::Toml, "t.toml", text);
    let error = load_fault(loader.set("towline.llm.model=openai/m")).to_string();
    assert!(
        error.contains("from t.toml: did you mean towline.anthropic.base_url?"),
        "{error}"
    );
}

#[test]
fn variables_of_other_programs_are_left_alone() {
    let settings = env(&[
        ("TOWLINE_PORT", "tcp://10.0.0.7:8080"),
        ("TOWLINE_SERVICE_HOST", "10.0.0.7"),
        ("TOWLINE_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("TOWLINE_WORKSPACE_PORT", "tcp://10.0.0.8:8080"),
        ("WORKSPACE_PORT", "tcp://10.0.0.9:8080"),
        ("CHUNK_SIZE", "large"),
        ("TOWLINE_BUILD_NUMBER", "7"),
    ])
    .load()
    .unwrap();
    let warnings = warnings(&settings);
    assert!(
        warnings.contains("TOWLINE_BUILD_NUMBER is not a setting"),
        "{warnings}"
    );
    assert!(warnings.contains("CHUNK_SIZE"), "{warnings}");
    assert!(!warnings.contains("PORT"), "{warnings}");
}

#[cfg(feature = "toml")]
#[test]
fn one_key_with_two_values_in_one_file_is_a_fault_naming_both() {
    let two_roots = "[towline.openai]\napi-version='a'\nbase_url='http://a.test'\n[llm4s.openai]\nbaseUrl='http://b.test'";
    let error = load_fault(
        Loader::new()
            .text(Format::Toml, "t.toml", two_roots)
            .set("towline.llm.model=openai/m"),
    );
    assert!(
        error.to_string().contains(
            "llm4s.openai.baseUrl and towline.openai.base_url are one key with two values"
        ),
        "{error}"
    );
    let two_spellings = "[towline.llm]\nmodel='openai/a'\n[towline.openai]\nbase-url='http://a.test'\nbaseUrl='http://a.test'";
    let same = Loader::new().text(Format::Toml, "t.toml", two_spellings);
    assert!(same.load().is_ok());
}

#[cfg(feature = "toml")]
#[test]
fn keys_without_effect_and_secrets_written_out_are_warnings() {
    let text = "[towline.tracing]\nmode='langfuse'\n[towline.openai]\napi_key='literal'\n[towline.groq]\napi_key='${K}'";
    let settings = Loader::new()
        .text(Format::Toml, "t.toml", text)
        .env([("K", "kept")])
        .load()
        .unwrap();
    let warnings = warnings(&settings);
    assert!(
        warnings.contains("no effect in this version: towline.tracing.mode"),
        "{warnings}"
    );
    assert!(
        warnings.contains("towline.openai.api_key is written out in t.toml"),
        "{warnings}"
    );
    assert!(!warnings.contains("groq"), "{warnings}");
}

#[cfg(feature = "toml")]
#[test]
fn a_selection_of_the_wrong_type_is_one_fault() {
    let text = "towline.llm.model = ['a']\ntowline.openai.api_key = 'k'";
    let error = load_fault(Loader::new().text(Format::Toml, "t.toml", text));
    assert_eq!(error.faults().len(), 1, "{error}");
}

#[test]
fn a_file_that_a_variable_names_must_be_there() {
    let error = load_fault(env(&[("TOWLINE_CONFIG", "nowhere.toml")])).to_string();
    assert_eq!(
        error,
        "nowhere.toml cannot be read, there is no such file, from environment TOWLINE_CONFIG: \
         check the path; it counts from the working directory"
    );
    let option = Loader::new().file_of_option("--config", "/nowhere.toml");
    assert_eq!(
        load_fault(option).to_string(),
        "/nowhere.toml cannot be read, there is no such file, from --config: check the path, and \
         that the file is there for this program"
    );
}
