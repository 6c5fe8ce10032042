#![cfg(test)]
//! The process environment, in a process of its own: nothing here changes that of the tests.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::Command};
use towline_config::Loader;

/// What the child does: it is this test binary again, with other variables.
#[test]
fn child() {
    match Loader::new().process_env().load() {
        Ok(settings) => {
            if let Ok(Some(provider)) = settings.llm() {
                println!("child sees {} of {}", provider.model(), provider.vendor());
            }
        }
        Err(error) => println!("child fails: {error}"),
    }
}

fn run(variables: &[(&str, OsString)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env_clear()
        .args(["child", "--exact", "--nocapture"]);
    let output = command.envs(variables.iter().cloned()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_process_environment_is_read() {
    let seen = run(&[
        ("LLM_MODEL", "vllm/m".into()),
        ("VLLM_BASE_URL", "http://h.test".into()),
    ]);
    assert!(seen.contains("child sees m of vllm"), "{seen}");
}

#[test]
fn a_value_that_is_not_text_is_a_fault_where_it_is_ours_and_no_matter_where_not() {
    let bytes = || OsString::from_vec(vec![0x66, 0xff]);
    let seen = run(&[
        ("LLM_MODEL", "vllm/m".into()),
        ("VLLM_BASE_URL", "http://h.test".into()),
        ("OTHER", bytes()),
    ]);
    assert!(seen.contains("child sees m of vllm"), "{seen}");
    let seen = run(&[("OPENAI_API_KEY", bytes())]);
    assert!(
        seen.contains(
            "child fails: the value is not UTF-8 text (towline.openai.api_key / OPENAI_API_KEY), \
             from environment OPENAI_API_KEY: set it again, with plain characters"
        ),
        "{seen}"
    );
}
