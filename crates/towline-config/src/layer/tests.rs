//! The table test: every key in every layer.
#![cfg(all(feature = "dotenv", feature = "toml"))]

use crate::{
    Format, Loader, Settings,
    key::{Key, Kind, all, named, named_fields},
};
use std::collections::{BTreeMap, BTreeSet};

/// The layers as the test numbers them, lowest first.
const FILE: usize = 0;
const DOTENV: usize = 1;
const ENVIRONMENT: usize = 2;
const SET: usize = 3;

/// Every key, and those of a named provider; a map of headers stands for one header.
fn keys() -> Vec<Key> {
    let fields: Vec<String> = named_fields().collect();
    let named = fields.iter().map(|field| named("main", field).unwrap());
    all().values().cloned().chain(named).collect()
}

/// The key under which the value of a key is shown.
fn shown_key(key: &Key) -> String {
    match key.kind {
        Kind::Headers => format!("{}.x-test", key.full()),
        _ => key.full(),
    }
}

/// A value that passes, another one for each number, and what is shown of it.
fn value(kind: Kind, number: usize) -> (String, String) {
    let same = |text: String| (text.clone(), text);
    match kind {
        Kind::Text | Kind::Path => same(format!("value-{number}")),
        Kind::SecretFile => same(format!("/run/value-{number}")),
        Kind::List => same(format!("host-{number}, other")),
        Kind::Models => same(format!("openai/m-{number}, groq/m")),
        Kind::Phrases => same(format!("a{{1,{number}}}")),
        Kind::Prices => same(format!(
            "openai/m-{number} = input $0.25, output ${number}.00"
        )),
        Kind::Ratio(_) => (format!("{number}2.5%"), format!("0.{number}25")),
        Kind::Secret => (format!("secret-{number}"), "***".to_owned()),
        Kind::Headers => (format!("x-test=secret-{number}"), "***".to_owned()),
        Kind::Url | Kind::BaseUrl => same(format!("http://host-{number}.test")),
        Kind::Proxy => same(format!("http://proxy-{number}.test:3128")),
        Kind::Bool => same(number.is_multiple_of(2).to_string()),
        Kind::Count(_) | Kind::Within(..) | Kind::Cap(_) | Kind::Port => {
            same((number + 10).to_string())
        }
        Kind::Duration | Kind::Clock => (format!("{} s", number + 1), format!("{}s", number + 1)),
        Kind::Choice(words) => same(words[number % words.len()].to_owned()),
        Kind::Vendor => same(["openai", "groq", "xai", "cohere"][number % 4].to_owned()),
    }
}

/// Settings in which these layers set every key.
fn load(layers: &[usize]) -> Settings {
    let mut loader = Loader::new();
    for key in keys() {
        if layers.contains(&SET) {
            loader = loader.set(format!("{}={}", key.full(), value(key.kind, SET).0));
        }
    }
    let variables = |layer: usize| {
        keys()
            .into_iter()
            .map(move |key| (key.generic(), value(key.kind, layer).0))
    };
    if layers.contains(&ENVIRONMENT) {
        loader = loader.env(variables(ENVIRONMENT));
    }
    if layers.contains(&DOTENV) {
        let lines: Vec<String> = variables(DOTENV)
            .map(|(name, value)| format!("{name}='{value}'"))
            .collect();
        loader = loader.text(Format::DotEnv, ".env", lines.join("\n"));
    }
    if layers.contains(&FILE) {
        let lines: Vec<String> = keys()
            .iter()
            .map(|key| format!("{} = '{}'", key.full(), value(key.kind, FILE).0))
            .collect();
        loader = loader.text(Format::Toml, "towline.toml", lines.join("\n"));
    }
    loader.load().unwrap()
}

fn origin(layer: usize, variable: &str) -> String {
    match layer {
        FILE => "towline.toml".to_owned(),
        DOTENV => format!(".env {variable}"),
        ENVIRONMENT => format!("environment {variable}"),
        _ => "--set".to_owned(),
    }
}

fn shown(settings: &Settings) -> BTreeMap<String, (String, String)> {
    settings
        .sources()
        .map(|source| {
            let seen = (source.shown().to_owned(), source.origin().to_owned());
            (source.key().to_owned(), seen)
        })
        .collect()
}

#[test]
fn every_key_takes_the_value_of_the_highest_layer_that_sets_it() {
    assert!(
        keys().len() > 2000,
        "the table has shrunk to {}",
        keys().len()
    );
    for subset in 1_usize..16 {
        let layers: Vec<usize> = (0..4).filter(|layer| subset & (1 << layer) != 0).collect();
        let highest = *layers.last().unwrap();
        let shown = shown(&load(&layers));
        for key in keys() {
            let expected = (value(key.kind, highest).1, origin(highest, &key.generic()));
            let name = shown_key(&key);
            assert_eq!(
                shown.get(&name),
                Some(&expected),
                "{name} in layers {layers:?}"
            );
        }
    }
}

#[test]
fn every_default_is_below_every_layer_and_passes_its_own_check() {
    let mut loader = Loader::new();
    // One field of each vendor puts its defaults in force.
    for vendor in crate::Vendor::all() {
        loader = loader
            .set(format!("towline.{}.stream_usage=true", vendor.section()))
            .set(format!("towline.embeddings.{}.api_key=k", vendor.section()));
    }
    let shown = shown(&loader.load().unwrap());
    for key in all().values() {
        if let Some(default) = &key.default {
            let expected = (default.clone().into_owned(), "default".to_owned());
            let expected = Some(&expected).filter(|_| key.used);
            assert_eq!(shown.get(&key.full()), expected, "{}", key.name);
            let value = figment::value::Value::from(default.as_ref());
            assert!(crate::key::check(key.kind, &value).is_ok(), "{}", key.name);
        }
    }
}

#[test]
fn every_variable_of_a_key_sets_it_alone_and_the_earlier_name_wins() {
    let most = keys()
        .iter()
        .map(|key| key.variables().count())
        .max()
        .unwrap();
    for nth in 0..most {
        let bound: Vec<(Key, String)> = keys()
            .into_iter()
            .filter_map(|key| {
                let name = key.variables().nth(nth)?;
                Some((key, name))
            })
            .collect();
        // From this name on: all later names are set too, and lose.
        let variables: Vec<(String, String)> = keys()
            .into_iter()
            .flat_map(|key| {
                let names: Vec<String> = key.variables().skip(nth).collect();
                names
                    .into_iter()
                    .map(move |name| (name, value(key.kind, nth).0))
            })
            .collect();
        let shown = shown(&Loader::new().env(variables).load().unwrap());
        for (key, variable) in bound {
            let seen = shown
                .get(&shown_key(&key))
                .map(|(_, origin)| origin.clone());
            assert_eq!(
                seen,
                Some(format!("environment {variable}")),
                "{}",
                key.name
            );
        }
    }
}

#[test]
fn no_secret_of_any_key_in_any_layer_is_shown() {
    for layer in [FILE, DOTENV, ENVIRONMENT, SET] {
        let settings = load(&[layer]);
        let seen = format!("{settings:?} {settings:#?}");
        let at = seen
            .find("secret-")
            .map(|at| &seen[at.saturating_sub(80)..at]);
        assert_eq!(at, None, "layer {layer}");
    }
}

#[test]
fn no_variable_sets_two_keys() {
    let mut seen = BTreeSet::new();
    for key in keys() {
        for variable in key.variables() {
            assert!(seen.insert(variable.clone()), "{variable} is there twice");
        }
    }
}

#[test]
fn every_key_is_read_in_kebab_camel_and_snake_case_under_both_roots() {
    let expected = shown(&load(&[FILE]));
    for root in ["towline", "llm4s"] {
        for spelling in [snake, kebab, camel] {
            let lines: Vec<String> = keys()
                .iter()
                .map(|key| {
                    let segments: Vec<String> = key.name.split('.').map(spelling).collect();
                    format!(
                        "{root}.{} = '{}'",
                        segments.join("."),
                        value(key.kind, FILE).0
                    )
                })
                .collect();
            let loader = Loader::new().text(Format::Toml, "towline.toml", lines.join("\n"));
            assert_eq!(shown(&loader.load().unwrap()), expected);
        }
    }
}

fn snake(segment: &str) -> String {
    segment.to_owned()
}

fn kebab(segment: &str) -> String {
    segment.replace('_', "-")
}

fn camel(segment: &str) -> String {
    let mut words = segment.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (head, tail) = word.split_at(1);
        format!("{text}{}{tail}", head.to_uppercase())
    })
}
