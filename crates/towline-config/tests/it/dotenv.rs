//! `.env` files.
#![cfg(feature = "dotenv")]

use crate::{env, llm, load_fault, warnings, write};
use towline_config::{Format, Loader};

fn key(contents: &str) -> String {
    let loader = env(&[("LLM_MODEL", "openai/m"), ("OUTER", "outer")]).text(
        Format::DotEnv,
        ".env",
        contents,
    );
    llm(loader).api_key().unwrap().expose().to_owned()
}

#[test]
fn values_are_read_as_shells_and_other_readers_write_them() {
    for (contents, expected) in [
        ("OPENAI_API_KEY=plain", "plain"),
        ("\u{feff}export OPENAI_API_KEY = spaced # comment", "spaced"),
        ("# comment\n\nOPENAI_API_KEY=a#b\r\n", "a#b"),
        (
            "OPENAI_API_KEY='single ${OUTER} \\n'",
            "single ${OUTER} \\n",
        ),
        (
            "OPENAI_API_KEY=\"double \\\"q\\\" \\$ \\${x} \\\\\" # comment",
            "double \"q\" $ ${x} \\",
        ),
        ("OPENAI_API_KEY=\"two\nlines\"", "two\nlines"),
        (
            "OPENAI_API_KEY='two\nlines # kept'\nXAI_API_KEY=x",
            "two\nlines # kept",
        ),
        ("OPENAI_API_KEY=p$$w0rd$x", "p$$w0rd$x"),
        ("OPENAI_API_KEY=${OUTER}-key", "outer-key"),
        ("INNER=inner\nOPENAI_API_KEY=${INNER}", "inner"),
        ("OUTER=inner\nOPENAI_API_KEY=\"${OUTER}\"", "outer"),
        ("OPENAI_API_KEY=a=b", "a=b"),
        ("OPENAI_API_KEY=first\nOPENAI_API_KEY=second", "second"),
        ("# it's \"odd\nOPENAI_API_KEY=k", "k"),
    ] {
        assert_eq!(key(contents), expected, "{contents}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_its_number() {
    for (contents, expected) in [
        (
            "A=1\nLLM_MODEL: openai/m",
            "line 2 is not of the form NAME=value: there is no '='",
        ),
        (
            "A='x\ny'\nLLM_MODEL-2=1",
            "line 3 is not of the form NAME=value: the name has other characters",
        ),
        (
            "LLM_MODEL='x",
            "line 1 is not of the form NAME=value: a quote is not closed",
        ),
        (
            "LLM_MODEL='x' y",
            "line 1 is not of the form NAME=value: there is text behind the closing quote",
        ),
        (
            "TOWLINE_X=${NOPE}",
            "${NOPE} is not set (TOWLINE_X), from .env",
        ),
    ] {
        let error = load_fault(Loader::new().text(Format::DotEnv, ".env", contents)).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_other_programs_write_is_a_warning_at_most() {
    let load = |contents: &str| {
        let loader = Loader::new().text(Format::DotEnv, ".env", contents);
        loader.load().unwrap()
    };
    for (contents, expected) in [
        ("PROMPT=${NOPE} x", "${NOPE} is not set (PROMPT), from .env"),
        ("my.var=1", "line 1 is not of the form NAME=value"),
        ("nonsense", "line 1 is not of the form NAME=value"),
        ("A='x", "line 1 is not of the form NAME=value"),
    ] {
        let settings = load(contents);
        assert!(settings.llm().unwrap().is_none(), "{contents}");
        assert!(warnings(&settings).starts_with(expected), "{contents}");
    }
    for silent in ["export FOO", "FOO=1", "export OPENAI_API_KEY"] {
        assert_eq!(warnings(&load(silent)), "", "{silent}");
    }
    // A key that leans on such a line is at fault itself.
    let leaning = "PROMPT=${NOPE}\nOPENAI_API_KEY=${PROMPT}";
    let error = load_fault(Loader::new().text(Format::DotEnv, ".env", leaning)).to_string();
    assert!(
        error.starts_with("${PROMPT} is not set (OPENAI_API_KEY)"),
        "{error}"
    );
}

#[cfg(feature = "toml")]
#[test]
fn it_may_name_the_settings_file_and_the_environment_outranks_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = |name: &str| {
        format!("towline.llm.model = 'vllm/{name}'\ntowline.vllm.base_url = 'http://s'")
    };
    write(folder.path(), "mine.toml", &model("mine"));
    write(folder.path(), "towline.toml", &model("found"));
    let other = write(folder.path(), "other.toml", &model("other"));
    write(folder.path(), ".env", "TOWLINE_CONFIG=mine.toml");
    let loader = Loader::new().discover_in(folder.path());
    assert_eq!(llm(loader.clone()).model(), "mine");
    let other = other.display().to_string();
    let above = loader.clone().env([("TOWLINE_CONFIG", other.as_str())]);
    assert_eq!(llm(above).model(), "other");
    assert_eq!(llm(loader.clone().file(&other)).model(), "other");

    write(folder.path(), ".env", "TOWLINE_CONFIG=nowhere.toml");
    let error = load_fault(loader).to_string();
    assert!(error.contains("nowhere.toml cannot be read"), "{error}");
    assert!(error.contains("from .env TOWLINE_CONFIG"), "{error}");
}

#[test]
fn files_in_other_formats_see_its_variables() {
    if cfg!(feature = "toml") {
        let provider = llm(Loader::new()
            .text(Format::DotEnv, ".env", "MY_KEY=from-dotenv")
            .text(
                Format::Toml,
                "t.toml",
                "towline.llm.model='groq/m'\ntowline.groq.api_key='${MY_KEY}'",
            ));
        assert_eq!(provider.api_key().unwrap().expose(), "from-dotenv");
    }
}

#[test]
fn one_that_is_named_takes_the_place_of_the_one_that_is_found() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        ".env",
        "LLM_MODEL=vllm/found\nVLLM_BASE_URL=http://found",
    );
    let other = write(
        folder.path(),
        "local.env",
        "LLM_MODEL=vllm/named\nVLLM_BASE_URL=http://named",
    );
    assert_eq!(
        llm(Loader::new().discover_in(folder.path())).model(),
        "found"
    );
    assert_eq!(
        llm(Loader::new().discover_in(folder.path()).dotenv(other)).model(),
        "named"
    );
}
