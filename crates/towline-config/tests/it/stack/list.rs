//! Lists of targets and phrases.

use super::{names, stack, with};
use crate::env;
#[cfg(feature = "toml")]
use towline_config::Format;
use towline_config::Loader;

/// Two named providers beside the selected one.
const NAMED: [&str; 6] = [
    "providers.East.provider=openai",
    "providers.East.model=e",
    "providers.East.api_key=k",
    "providers.west.provider=groq",
    "providers.west.model=w",
    "providers.west.api_key=k",
];

fn with_named(keys: &[&str]) -> Loader {
    let all: Vec<&str> = NAMED.iter().chain(keys).copied().collect();
    with(&all)
}

#[test]
fn targets_are_specs_and_names_in_their_order() {
    let keys = [
        "fallback=groq/a/b, west ,,East/other",
        "balance.deployments=east",
    ];
    let stack = with_named(&keys).load().unwrap().stack().unwrap();
    assert_eq!(
        names(stack.fallback()),
        ["groq/a/b", "west/w", "East/other"]
    );
    assert_eq!(names(stack.deployments()), ["East/e"]);
}

#[cfg(feature = "toml")]
#[test]
fn a_file_lists_targets_and_a_higher_layer_takes_them_back() {
    let text =
        "towline.fallback = ['groq/a', 'groq/b']\ntowline.guard.forbidden = ['a{1,3}', 'b,c']";
    let file = env(&[("GROQ_API_KEY", "k")]).text(Format::Toml, "t.toml", text);
    let stack = file.clone().load().unwrap().stack().unwrap();
    assert_eq!(names(stack.fallback()), ["groq/a", "groq/b"]);
    assert_eq!(stack.guard().forbidden(), ["a{1,3}", "b,c"]);
    let higher = |file: Loader, text: &str| {
        let loader = file.env([("TOWLINE_FALLBACK", text)]);
        names(loader.load().unwrap().stack().unwrap().fallback())
    };
    assert_eq!(higher(file.clone(), "groq/c"), ["groq/c"]);
    assert!(higher(file.clone(), "none").is_empty());
    assert_eq!(higher(file, " ").len(), 2);
}

#[test]
fn phrases_of_a_variable_stand_one_on_a_line() {
    let loader = env(&[("TOWLINE_GUARD_FORBIDDEN", "a{1,3}\n\n b,c \r\nd")]);
    let stack = loader.load().unwrap().stack().unwrap();
    assert_eq!(stack.guard().forbidden(), ["a{1,3}", "b,c", "d"]);
}

#[test]
fn all_faults_of_all_targets_come_at_once() {
    let keys = [
        "fallback=wset, gorq/m, mistral/m, groq/",
        "balance.deployments=cohere/m",
    ];
    let settings = with_named(&keys).load().unwrap();
    let error = settings.stack().unwrap_err();
    assert_eq!(error.faults().len(), 5, "{error}");
    let told = error.to_string();
    for part in [
        "there is no named provider 'wset' (towline.fallback / TOWLINE_FALLBACK), from --set: write \
         provider/model, such as openai/gpt-4o, or one of East, west",
        "Unknown provider prefix: gorq in 'gorq/m' (towline.fallback / TOWLINE_FALLBACK), from \
         --set: did you mean groq/m?",
        "Missing Mistral API key (towline.mistral.api_key / MISTRAL_API_KEY)",
        "; towline.fallback names this provider",
        "Missing model name in 'groq/' (towline.fallback / TOWLINE_FALLBACK)",
        "Missing Cohere API key",
        "; towline.balance.deployments names this provider",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(settings.llm().unwrap().is_some());
}

#[test]
fn a_target_that_is_there_twice_is_left_out() {
    let keys = [
        "fallback=groq/a,groq/b,groq/a",
        "balance.deployments=east,East",
    ];
    let stack = with_named(&keys).load().unwrap().stack().unwrap();
    assert_eq!(names(stack.fallback()), ["groq/a", "groq/b"]);
    assert_eq!(names(stack.deployments()), ["East/e"]);
    let lints = stack.lints();
    let repeated = lints.iter().filter(|lint| lint.name() == "target-repeated");
    assert_eq!(repeated.count(), 2, "{lints:?}");
}

#[test]
fn the_selected_target_is_not_gone_to_again() {
    let settings = with(&["fallback=openai/m,groq/a"]).load().unwrap();
    let stack = settings.stack().unwrap();
    assert_eq!(stack.fallback().len(), 2);
    let selected = settings.llm().unwrap().unwrap();
    let after: Vec<&str> = stack
        .fallback_after(selected)
        .map(|target| target.name())
        .collect();
    assert_eq!(after, ["groq"]);
    assert_eq!(stack.deployments_beside(selected).count(), 0);
    let other = settings.for_model("openai/other").unwrap();
    assert_eq!(stack.fallback_after(&other).count(), 2);
}

#[test]
fn the_stack_of_a_program_shows_no_key() {
    let loader = env(&[
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", "secret-1"),
        ("GROQ_API_KEY", "secret-2"),
        ("TOWLINE_FALLBACK", "groq/a"),
    ]);
    let shown = format!("{:?}", loader.load().unwrap().stack().unwrap());
    assert!(!shown.contains("secret-"), "{shown}");
    assert!(stack(&[]).fallback().is_empty());
}
