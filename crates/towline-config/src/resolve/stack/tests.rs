use crate::{
    Loader, Settings,
    key::{
        Kind,
        table::{Field, STACK, TARGET},
    },
};

fn settings(set: Option<String>) -> Settings {
    let loader = Loader::new().env([
        ("LLM_MODEL", "openai/m"),
        ("OPENAI_API_KEY", "k"),
        ("GROQ_API_KEY", "k"),
    ]);
    let set = set.into_iter().fold(loader, Loader::set);
    set.load().unwrap()
}

/// A value that is not the default, and contradicts no other default.
fn other(field: &Field) -> String {
    match field.kind {
        Kind::Bool if field.default == Some("true") => "false".to_owned(),
        Kind::Bool => "true".to_owned(),
        Kind::Clock | Kind::Duration if field.name.ends_with("max_cooldown") => "77 min".to_owned(),
        Kind::Clock | Kind::Duration if field.name.ends_with("max_delay") => "77 min".to_owned(),
        Kind::Clock | Kind::Duration => "7 s".to_owned(),
        Kind::Cap(_) | Kind::Count(_) | Kind::Within(..) => "77".to_owned(),
        Kind::Ratio(_) => "0.77".to_owned(),
        Kind::Choice(words) => words.last().copied().unwrap_or_default().to_owned(),
        Kind::Models => "groq/other".to_owned(),
        Kind::Prices => "openai/m = input 1".to_owned(),
        kind => format!("{kind:?}"),
    }
}

#[test]
fn every_key_of_a_target_is_read_for_the_program_and_for_a_section() {
    let plain = settings(None);
    let program = plain.stack().unwrap().target;
    let provider = plain.llm().unwrap().unwrap().target().clone();
    for field in TARGET {
        let value = format!("{}={}", field.name, other(field));
        let whole = settings(Some(format!("towline.{value}")));
        assert_ne!(whole.stack().unwrap().target, program, "{value}");
        assert_ne!(*whole.llm().unwrap().unwrap().target(), provider, "{value}");
        let own = settings(Some(format!("towline.openai.{value}")));
        assert_eq!(own.stack().unwrap().target, program, "{value}");
        assert_ne!(*own.llm().unwrap().unwrap().target(), provider, "{value}");
    }
}

#[test]
fn every_key_of_the_stack_is_read() {
    let plain = format!("{:?}", settings(None).stack().unwrap());
    for field in STACK {
        let set = settings(Some(format!("towline.{}={}", field.name, other(field))));
        let shown = format!("{:?}", set.stack().unwrap());
        assert_ne!(shown, plain, "{}", field.name);
    }
}
