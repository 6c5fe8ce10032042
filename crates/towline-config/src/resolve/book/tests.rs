use super::mismatched;
use crate::key::{Kind, all, check};
use figment::value::{Dict, Empty, Tag, Value};
use std::collections::BTreeSet;

/// What passes for few keys.
fn odd_values() -> Vec<Value> {
    let inner = Dict::from([("planted".to_owned(), Value::from("planted"))]);
    vec![
        Value::from("planted words"),
        Value::from("-1"),
        Value::from("99999999999999999999"),
        Value::from("7"),
        Value::from(7),
        Value::from(0.5),
        Value::from(-1),
        Value::from(true),
        Value::from("0 s"),
        Value::from("https://"),
        Value::from("socks5://planted:planted@host"),
        Value::from("https://planted@host/v1?planted"),
        Value::from(inner.clone()),
        Value::from(vec![Value::from(inner)]),
        Value::Empty(Tag::Default, Empty::None),
    ]
}

#[test]
fn every_value_that_does_not_pass_is_told_with_key_variable_and_remedy() {
    let (mut seen, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for key in all().values() {
        kinds.insert(key.kind.title());
        for value in odd_values() {
            let Err(mismatch) = check(key.kind, &value) else {
                continue;
            };
            seen.insert(key.kind.title());
            let fault = mismatched(key, key.kind, mismatch);
            let text = fault.to_string();
            assert!(fault.remedy().len() > 10, "{text}");
            assert_eq!(fault.key(), Some(&*key.full()), "{text}");
            assert!(fault.variables().next().is_some(), "{text}");
            assert!(!text.contains("planted"), "{text}");
        }
    }
    assert_eq!(seen, kinds, "a kind took every value, or was not tried");
}

#[test]
fn the_remedy_of_a_kind_is_a_value_of_it() {
    let examples = [
        (Kind::Url, "https://llm.example.com/v1"),
        (Kind::BaseUrl, "https://llm.example.com/v1"),
        (Kind::Proxy, "http://proxy.example.com:3128"),
        (Kind::Bool, "true"),
        (Kind::Count(0), "1"),
        (Kind::Within(3, 9), "3"),
        (Kind::Cap(1000), "100"),
        (Kind::Port, "9464"),
        (Kind::Duration, "30 s"),
        (Kind::Clock, "off"),
        (Kind::Ratio(1), "50%"),
        (Kind::Models, "openai/gpt-4o"),
        (
            Kind::Prices,
            "openai/gpt-4o = input 2.50, output 10, cache_read 1.25",
        ),
        (Kind::Vendor, "anthropic"),
        (Kind::Path, "/etc/towline/file"),
    ];
    for (kind, example) in examples {
        assert!(kind.remedy().contains(example), "{}", kind.remedy());
        assert!(check(kind, &Value::from(example)).is_ok(), "{example}");
    }
}
