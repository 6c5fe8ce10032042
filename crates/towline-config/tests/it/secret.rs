//! Secrets: read from files, shown to nobody.

use crate::{env, llm, llm_fault, load_fault, write};
use towline_config::{Format, Loader};

/// Planted wherever a secret may stand.
const PLANTED: &str = "planted-7f3a9c";

#[test]
fn a_secret_is_read_from_the_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "key", "  from-file\n\n");
    let path = path.display().to_string();
    let base = env(&[("LLM_MODEL", "openai/m")]);
    for name in [
        "OPENAI_API_KEY_FILE",
        "TOWLINE_OPENAI_API_KEY_FILE",
        "TOWLINE_CREDENTIALS_OPENAI_API_KEY_FILE",
    ] {
        let provider = llm(base.clone().env([(name, path.as_str())]));
        assert_eq!(provider.api_key().unwrap().expose(), "from-file", "{name}");
    }
    let set = base
        .env([("OPENAI_API_KEY", "direct")])
        .set(format!("towline.openai.api_key_file={path}"));
    assert_eq!(llm(set).api_key().unwrap().expose(), "from-file");
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_the_only_fault() {
    let folder = tempfile::tempdir().unwrap();
    let empty = write(folder.path(), "key", " \n").display().to_string();
    // As keys in base 64 may be.
    let slashed = format!("ab/{PLANTED}+cd==");
    for (path, expected) in [
        (
            "./nowhere/key",
            "./nowhere/key cannot be read, there is no such file",
        ),
        (&empty, "is empty"),
        (PLANTED, "there is no file of the name that it holds"),
        (&slashed, "there is no file of the name that it holds"),
    ] {
        let loader = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY_FILE", path)]);
        let error = loader.load().unwrap().llm().unwrap_err();
        assert_eq!(error.faults().len(), 1, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        // Some write the key itself there.
        assert!(!error.to_string().contains(PLANTED), "{error}");
        assert!(
            error
                .to_string()
                .contains("from environment OPENAI_API_KEY_FILE"),
            "{error}"
        );
    }
}

#[test]
fn a_secret_and_its_file_in_one_layer_are_a_fault() {
    let fault = llm_fault(env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", PLANTED),
        ("OPENAI_API_KEY_FILE", "x"),
    ]));
    assert!(
        fault.starts_with("both towline.openai.api_key and towline.openai.api_key_file are set"),
        "{fault}"
    );
    assert!(!fault.contains(PLANTED));
}

/// A loader with a planted secret in every layer and every place where one may stand.
fn planted() -> Loader {
    let proxy = format!("http://user:{PLANTED}@proxy.test:3128");
    let url = format!("https://user:{PLANTED}@server.test/v1?key={PLANTED}&{PLANTED}#{PLANTED}");
    env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", PLANTED),
        ("LANGFUSE_URL", &url),
        ("LANGFUSE_SECRET_KEY", PLANTED),
        ("AWS_SECRET_ACCESS_KEY", PLANTED),
        ("HTTPS_PROXY", &proxy),
        ("TOWLINE_GROQ_HEADERS", &format!("authorization={PLANTED}")),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            &format!("authorization=Basic%20{PLANTED}"),
        ),
    ])
    .text(Format::DotEnv, ".env", format!("XAI_API_KEY='{PLANTED}'"))
    .text(
        Format::Toml,
        "towline.toml",
        format!(
            "[towline.openai]\napi-key = '{PLANTED}'\n[towline.mistral]\napi-key = '{PLANTED}'"
        ),
    )
    .set(format!(
        "towline.openai.headers.authorization=Bearer {PLANTED}"
    ))
    .set(format!("towline.credentials.openai.api_key={PLANTED}"))
}

#[cfg(all(feature = "toml", feature = "dotenv"))]
#[test]
fn nothing_prints_a_secret() {
    let loader = planted();
    let mut seen = format!("{loader:?} {loader:#?}");
    let settings = loader.load().unwrap();
    let provider = settings.llm().unwrap().unwrap();
    assert_eq!(provider.api_key().unwrap().expose(), PLANTED);
    seen.push_str(&format!(
        "{settings:?} {settings:#?} {provider:?} {:?}",
        provider.transport()
    ));
    for source in settings.sources() {
        seen.push_str(&format!("{source} {source:?}"));
    }
    for warning in settings.warnings() {
        seen.push_str(warning);
    }
    assert!(!seen.contains(PLANTED), "{seen}");
    assert!(
        seen.contains("towline.transport.https_proxy = http://***@proxy.test:3128"),
        "{seen}"
    );
    assert!(
        seen.contains("= https://***@server.test/v1?key=***&***#*** ("),
        "{seen}"
    );
}

#[test]
fn a_header_that_is_written_wrongly_is_told_by_its_number() {
    for (text, number) in [
        ("X-Key: abcSECRETabc==", 1),
        ("a=b, ,X-Key: abcSECRETabc==", 3),
        ("a=b,abcSECRETabc==", 2),
        ("abcSECRETabc", 1),
        ("=abcSECRETabc", 1),
    ] {
        let loader = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")]);
        let fault = load_fault(loader.env([("TOWLINE_OPENAI_HEADERS", text)])).to_string();
        let expected = format!(
            "entry {number} is not of the form name=value (towline.openai.headers / TOWLINE_OPENAI_HEADERS), \
             from environment TOWLINE_OPENAI_HEADERS"
        );
        assert!(fault.starts_with(&expected), "{fault}");
        assert!(fault.contains("name=value,name=value"), "{fault}");
        assert!(!fault.to_lowercase().contains("secret"), "{fault}");
    }
}

#[test]
fn a_header_without_a_value_is_left_out() {
    let loader = env(&[("LLM_MODEL", "openai/m"), ("OPENAI_API_KEY", "k")]);
    let provider = llm(loader.env([("TOWLINE_OPENAI_HEADERS", "X-Empty=,x-full=a%20b")]));
    let [(name, value)] = provider.headers() else {
        panic!("{:?}", provider.headers())
    };
    assert_eq!((name.as_str(), value.expose()), ("x-full", "a b"));
}

#[test]
fn an_address_with_more_than_an_address_is_a_fault_that_does_not_repeat_it() {
    for (vendor, name) in [("openai", "OPENAI_BASE_URL"), ("azure", "AZURE_API_BASE")] {
        for (url, expected) in [
            ("https://a.test/v1?key=SECRETQ", "found one with a query"),
            ("https://a.test/v1?", "found one with a query"),
            (
                "https://me:SECRETQ@a.test/v1",
                "found one with user and password",
            ),
            ("https://a.test/v1#SECRETQ", "found one with a fragment"),
        ] {
            let model = format!("{vendor}/m");
            let key = format!("{}_API_KEY", vendor.to_uppercase());
            let loader = env(&[("LLM_MODEL", &model), (&key, "k"), (name, url)]);
            let error = loader
                .load()
                .and_then(|settings| settings.llm().map(|_| ()))
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.to_string().contains("SECRETQ"), "{error}");
        }
    }
}

#[cfg(feature = "toml")]
#[test]
fn the_origin_of_the_key_is_that_of_the_one_in_use() {
    let file = "towline.openai.api_key = 'from-file'";
    let loader = env(&[("LLM_MODEL", "openai/m")]).text(Format::Toml, "towline.toml", file);
    let provider = llm(loader.clone());
    assert_eq!(provider.api_key_origin(), Some("towline.toml"));
    let name = "TOWLINE_CREDENTIALS_OPENAI_API_KEY";
    let provider = llm(loader.env([(name, "from-env")]));
    assert_eq!(provider.api_key().unwrap().expose(), "from-env");
    let origin = format!("environment {name}");
    assert_eq!(provider.api_key_origin(), Some(origin.as_str()));
    let none = env(&[("LLM_MODEL", "vllm/m"), ("VLLM_BASE_URL", "http://s")]);
    assert_eq!(llm(none).api_key_origin(), None);
}

#[expect(clippy::too_many_lines, reason = "one line per way to break it")]
#[test]
fn no_fault_prints_a_secret() {
    let broken = [
        planted().set(PLANTED),
        planted()
            .set("towline.openai.timeouts.request=30")
            .set("towline.openai.apikey=x"),
        planted().set(format!("towline.timeouts.request={PLANTED}")),
        planted().set(format!("towline.openai.base_url={PLANTED}")),
        planted().set(format!("towline.openai.api={PLANTED}")),
        planted().set(format!("towline.openai.context_window={PLANTED}")),
        planted().set(format!("towline.openai.stream_usage={PLANTED}")),
        planted().set(format!("towline.transport.proxy=ftp://{PLANTED}")),
        planted().set(format!("towline.openai.headers={PLANTED}")),
        planted().set(format!("towline.openai.headers=x-key: {PLANTED}==")),
        planted().set(format!("towline.openai.headers=a=b,{PLANTED}==")),
        planted().set(format!("towline.openai.headers.x-key: {PLANTED}.x==")),
        planted().set(format!("towline.openai.headers.x-key: {PLANTED}=")),
        planted().set(format!("towline.openai.headers.{PLANTED}.x=y")),
        planted().env([("TOWLINE_OPENAI_HEADERS", format!("X-Key: {PLANTED}=="))]),
        planted().text(
            Format::Toml,
            "a.toml",
            format!("[towline.openai.headers]\n'x-key: {PLANTED}' = 'x'"),
        ),
        planted().set(format!(
            "towline.openai.base_url=https://a.test/v1?k={PLANTED}"
        )),
        planted().set(format!(
            "towline.openai.base_url=https://{PLANTED}@a.test/v1"
        )),
        planted().set(format!(
            "towline.openai.base_url=https://a.test/v1#{PLANTED}"
        )),
        planted().set(format!(
            "towline.transport.proxy=https://{PLANTED}@proxy.test"
        )),
        planted().text(
            Format::Toml,
            "a.toml",
            format!("[towline.openai]\napi_key = '{PLANTED}' x"),
        ),
        planted().set("towline.llm.model=mistral/m").text(
            Format::Toml,
            "a.toml",
            format!("towline.mistral.api_key = [ '{PLANTED}' ]"),
        ),
        planted().text(Format::Toml, "a.toml", format!("towline = '{PLANTED}'")),
        planted().text(
            Format::Toml,
            "a.toml",
            format!("[llm4s.openai]\napi_key='{PLANTED}'\n[towline.openai]\napi_key='y'"),
        ),
        planted().text(Format::Json, "a.json", format!("\"{PLANTED}\"")),
        planted().text(
            Format::Json,
            "a.json",
            format!("{{\"towline\": {{\"openai\": \"{PLANTED}\" x"),
        ),
        planted().text(
            Format::Yaml,
            "a.yaml",
            format!("towline:\n  openai: [ {PLANTED}\n"),
        ),
        planted().text(
            Format::Yaml,
            "a.yaml",
            format!("towline: {{ openai: *{PLANTED} }}"),
        ),
        planted().text(Format::Yaml, "a.yaml", PLANTED),
        planted().text(
            Format::Hocon,
            "a.conf",
            format!("towline.openai.api_key = \"{PLANTED}"),
        ),
        planted().text(
            Format::Hocon,
            "a.conf",
            format!("towline {{ openai = {PLANTED} ] }}"),
        ),
        planted().text(
            Format::DotEnv,
            "a.env",
            format!("OPENAI_API_KEY=\"{PLANTED}"),
        ),
        planted().text(Format::DotEnv, "a.env", format!("LLM_MODEL {PLANTED}")),
    ];
    for (number, loader) in broken.into_iter().enumerate() {
        let error = loader
            .clone()
            .load()
            .expect_err(&format!("number {number}"));
        let core = towline_core::Error::from(error.clone());
        let seen = format!("{error} {error:?} {core} {core:?} {}", core.report());
        assert!(!seen.contains(PLANTED), "{loader:?}: {seen}");
    }
}
