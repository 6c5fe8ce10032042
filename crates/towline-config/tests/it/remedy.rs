//! Every fault says what to do, whatever it is of.

use crate::write;
use std::path::Path;
use towline_config::{ConfigError, Format, Loader};

/// Settings in words, each an override, or a variable.
fn words(words: &str) -> Loader {
    let pairs = words.split(' ').map(|word| word.split_once('='));
    pairs
        .flatten()
        .fold(Loader::new(), |loader, (name, value)| {
            if name.starts_with("towline") {
                loader.set(format!("{name}={value}"))
            } else {
                loader.env([(name, value)])
            }
        })
}

fn error(loader: Loader) -> ConfigError {
    match loader.load() {
        Ok(settings) => settings.llm().unwrap_err(),
        Err(error) => error,
    }
}

/// A file that is not UTF-8.
fn latin(folder: &Path) -> String {
    let path = folder.join("latin.toml");
    std::fs::write(&path, b"a = '\xff'").unwrap();
    path.display().to_string()
}

/// What is wrong with a source as a whole, or with a name in it.
fn of_sources(folder: &Path) -> Vec<Loader> {
    let text = |format, text| Loader::new().text(format, "t", text);
    let two = folder.join("two");
    std::fs::create_dir(&two).unwrap();
    write(&two, "towline.toml", "");
    write(&two, "towline.json", "{}");
    let mut loaders = vec![
        Loader::new().file("gone.toml"),
        Loader::new().file(folder.join("two").join("..").join(".toml")),
        Loader::new().file(latin(folder)),
        Loader::new().file("a.ini"),
        Loader::new().dotenv("gone"),
        Loader::new().discover_in(two),
        text(Format::DotEnv, "LLM_MODEL openai/m"),
        text(Format::Toml, "a = b c"),
        text(Format::Yaml, "a: ["),
        text(Format::Json, "{"),
        text(Format::Hocon, "a = {"),
        text(Format::Hocon, "towline.llm.model = ${a.b.c}"),
        text(Format::Toml, "towline.llm.model = '${GONE}'"),
        text(Format::Toml, "openai.api_key = 'k'"),
        Loader::new().set("llm.model=openai/m"),
        Loader::new().set("word=openai/m"),
        Loader::new().set("word"),
    ];
    loaders.extend(
        [
            "towline.llm.modle=x",
            "towline.zzz=x",
            "towline.llm=x",
            "TOWLINE_OPENAI_APIKEY=k",
        ]
        .map(words),
    );
    loaders
}

/// What is wrong with the value of a key, or without it.
fn of_keys(folder: &Path) -> Vec<Loader> {
    let empty = write(folder, "empty", "\n").display().to_string();
    let latin = latin(folder);
    let openai = "LLM_MODEL=openai/m OPENAI_API_KEY=k";
    let main = "towline.providers.main.provider=groq towline.providers.main.model=m";
    let mut lines: Vec<String> = [
        "LLM_MODEL=openai/m",
        "LLM_MODEL=vllm/m",
        "LLM_MODEL=nobody/m",
        "LLM_MODEL=/m",
        "OPENAI_API_KEY=k",
        "LLM_MODEL=azure/m AZURE_API_KEY=k AZURE_API_BASE=h",
        "LLM_MODEL=main towline.providers.main.api_key=k",
        "LLM_MODEL=main towline.providers.main.provider=grok",
        "LLM_MODEL=openai/m OPENAI_API_KEY_FILE=/gone",
        "LLM_MODEL=openai/m OPENAI_API_KEY_FILE=gone",
        "LLM_MODEL=openai/m OPENAI_API_KEY_FILE=/",
        main,
    ]
    .map(str::to_owned)
    .into();
    lines.extend([&empty, &latin].map(|f| format!("LLM_MODEL=openai/m OPENAI_API_KEY_FILE={f}")));
    lines.push(format!(
        "towline.llm.model=openai/m {main} towline.providers.provider=main"
    ));
    let set = [
        "TOWLINE_OPENAI_HEADERS=x",
        "TOWLINE_OPENAI_STREAM_USAGE=maybe",
        "OPENAI_BASE_URL=h",
        "OPENAI_API_KEY_FILE=x",
        "towline.transport.ca_file=/gone",
        "towline.providers.provider=gone",
        "towline.retry.base_delay=9s towline.retry.max_delay=1s",
    ];
    lines.extend(set.map(|set| format!("{openai} {set}")));
    let certificate = "towline.transport.client_certificate_file";
    lines.push(format!("{openai} {certificate}={empty}"));
    lines.push(format!(
        "{openai} {certificate}={empty} towline.transport.client_key_file={latin}"
    ));
    lines.iter().map(|line| words(line)).collect()
}

#[test]
fn every_fault_of_a_source_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (n, loader) in of_sources(folder.path()).into_iter().enumerate() {
        for fault in error(loader).faults() {
            let text = fault.to_string();
            assert!(fault.remedy().len() > 10, "{n}: {text}");
            assert!(text.ends_with(fault.remedy()), "{n}: {text}");
        }
    }
}

#[test]
fn every_fault_of_a_key_names_the_key_the_variable_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (n, loader) in of_keys(folder.path()).into_iter().enumerate() {
        for fault in error(loader).faults() {
            let text = fault.to_string();
            assert!(fault.remedy().len() > 10, "{n}: {text}");
            assert!(fault.key().is_some(), "{n}: {text}");
            assert!(fault.variables().next().is_some(), "{n}: {text}");
        }
    }
}

#[test]
fn the_faults_of_lists_and_of_embeddings_say_it_too() {
    let openai = "LLM_MODEL=openai/m OPENAI_API_KEY=k";
    for list in ["fallback=gone", "fallback=vllm/m,groq/m"] {
        let settings = words(&format!("{openai} towline.{list}")).load().unwrap();
        for fault in settings.stack().unwrap_err().faults() {
            assert!(fault.remedy().len() > 10, "{fault}");
            assert!(fault.variables().next().is_some(), "{fault}");
        }
    }
    for (provider, part) in [("gone", "for example openai"), ("groq", "EMBEDDING_MODEL")] {
        let line = format!("{openai} EMBEDDING_PROVIDER={provider}");
        let error = words(&line).load().unwrap().embedding().unwrap_err();
        for fault in error.faults() {
            assert!(fault.remedy().contains(part), "{fault}");
            assert!(fault.variables().next().is_some(), "{fault}");
        }
    }
}
