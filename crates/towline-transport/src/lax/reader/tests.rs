use super::{Raw, from_str, read};
use crate::lax::{LaxCount, LaxList, LaxObject, LaxText};
use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    text: LaxText<'a>,
    count: LaxCount,
    flag: Option<bool>,
    #[serde(borrow)]
    raw: Option<Raw<'a>>,
}

/// What the reader reads, `serde_json` reads the same; what it refuses is left to `serde_json`.
fn agrees(text: &str) -> bool {
    let ours = read::<Value>(text);
    let theirs = serde_json::from_str::<Value>(text);
    let skipped = read::<serde::de::IgnoredAny>(text).is_some();
    let ignored = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    assert!(ignored || !skipped, "skipped {text:?}");
    match (ours, theirs) {
        (Some(ours), Ok(theirs)) => {
            assert_eq!(ours, theirs, "of {text:?}");
            true
        }
        (Some(ours), Err(error)) => panic!("read {ours:?} of {text:?}, which is wrong: {error}"),
        (None, _) => false,
    }
}

#[test]
fn what_servers_send_is_read_without_help() {
    let text = r#"{
        "text": "one\ntwo \"three\"",
        "other": [1, -2.5e+3, null, {"a": ["b\u00e9"]}, true, false],
        "count": 12,
        "raw": {"a" : 1}
    }"#;
    let wire: Wire<'_> = read(text).unwrap();
    assert_eq!(wire.text.0, "one\ntwo \"three\"");
    assert_eq!(wire.count, LaxCount(Some(12)));
    assert_eq!(wire.raw, Some(Raw(r#"{"a" : 1}"#)));
    assert_eq!(wire, serde_json::from_str(text).unwrap());
}

#[test]
fn text_without_escapes_is_borrowed() {
    let wire: Wire<'_> = read(r#"{"text":"plain and simple, longer than a word"}"#).unwrap();
    assert!(matches!(wire.text.0, Cow::Borrowed(_)));
}

#[test]
fn the_lax_shapes_read_the_same() {
    for text in [
        r#"[{"text":1,"count":"2"},{"text":null,"count":null},3,"four",[],{"text":{},"count":[1]}]"#,
        r#"{"not":"a list"}"#,
        "null",
        r#"[{"raw":null},{"raw":"x"},{"raw":-1.50}]"#,
    ] {
        let ours: LaxList<Wire<'_>> = from_str(text).unwrap();
        let theirs: LaxList<Wire<'_>> = serde_json::from_str(text).unwrap();
        assert_eq!(ours.0, theirs.0);
        let ours: LaxObject<Wire<'_>> = from_str(text).unwrap();
        let theirs: LaxObject<Wire<'_>> = serde_json::from_str(text).unwrap();
        assert_eq!(ours.0, theirs.0);
    }
}

#[test]
fn what_is_wrong_is_an_error_of_serde_json() {
    for text in [
        "",
        " ",
        "[1,]",
        "[1 2]",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{1:2}"#,
        "01",
        "1.",
        "-",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"a\nb\"",
        "\"\\u12\"",
        "[1] 2",
        "{]",
        "[}",
        "+1",
        "1e",
        "\"\\",
    ] {
        assert!(!agrees(text), "{text:?}");
        let ours = from_str::<Value>(text).unwrap_err();
        let theirs = serde_json::from_str::<Value>(text).unwrap_err();
        assert_eq!(ours.to_string(), theirs.to_string());
    }
}

#[test]
fn a_field_named_twice_is_an_error() {
    assert!(read::<Wire<'_>>(r#"{"count":1,"count":2}"#).is_none());
    assert!(from_str::<Wire<'_>>(r#"{"count":1,"count":2}"#).is_err());
}

#[test]
fn the_unusual_is_left_to_serde_json() {
    let deep = "[".repeat(100) + &"]".repeat(100);
    for text in ["-1", "1.5", "12345678901234567890", deep.as_str()] {
        assert!(!agrees(text), "{text:?}");
        assert_eq!(
            from_str::<Value>(text).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }
    // The stack of a program is not for a server to fill.
    let deeper = "[".repeat(100_000);
    assert!(from_str::<Value>(&deeper).is_err());
}

#[test]
fn characters_by_number_are_read() {
    for text in [r#""\u00e9""#, r#""\ud83d\ude00 \n""#, r#"{"k\u0041":"v"}"#] {
        assert!(agrees(text), "{text:?}");
    }
    // Half a pair is none.
    assert!(!agrees(r#""\ud83d""#));
}

#[test]
fn keys_may_be_owned_and_numbers() {
    let map: BTreeMap<String, u64> = read(r#"{"a\"b":1}"#).unwrap();
    assert_eq!(map, BTreeMap::from([("a\"b".to_owned(), 1)]));
    let map: BTreeMap<u64, u64> = from_str(r#"{"1":2}"#).unwrap();
    assert_eq!(map, BTreeMap::from([(1, 2)]));
}

/// Asks for nothing and takes nothing.
#[derive(Debug)]
struct Idle;

impl<'de> Deserialize<'de> for Idle {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[test]
fn what_nobody_reads_is_an_error_and_no_loop() {
    for text in ["1", "[1]", r#"{"a":1}"#] {
        assert!(read::<Idle>(text).is_none(), "{text}");
        assert!(from_str::<Idle>(text).is_err(), "{text}");
    }
    assert!(read::<Vec<Idle>>("[1,2]").is_none());
    assert!(read::<BTreeMap<String, Idle>>(r#"{"a":1}"#).is_none());
}

#[test]
fn a_key_that_nobody_reads_is_looked_at_all_the_same() {
    let text = r#"{"\ud800":1}"#;
    assert!(from_str::<LaxText<'_>>(text).is_err());
    assert!(serde_json::from_str::<LaxText<'_>>(text).is_err());
}

#[test]
fn a_text_of_a_known_frame_reads_as_with_serde_json() {
    let texts = [
        r#"{"text":"one","count":1,"raw":{"k":[1,"two"]},"flag":true}"#,
        // The same frame.
        r#"{"text":"o\nther","count":20,"raw":{"k":[-1.5,""]},"flag":true}"#,
        // No longer, and again.
        r#"{"text":"one","count":1,"raw":{"k":[1,2]},"flag":true}"#,
        r#"{"text":"","count":-1,"raw":{"k":[0,"\u00e9"]},"flag":true}"#,
        r#"{"text":"three","count":3,"raw":{"k":[3,"3"]},"flag":true}"#,
    ];
    for text in texts {
        let theirs: Wire<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(from_str::<Wire<'_>>(text).unwrap(), theirs, "{text}");
    }
}

/// Text that holds JSON, which is read while the text around it is.
#[derive(Debug, PartialEq)]
struct Nested(u64);

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = LaxText::deserialize(deserializer)?;
        from_str(&text.0)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[test]
fn a_text_may_be_read_while_another_is() {
    for number in [1, 22, 3] {
        let text = format!(r#"["{number}",{{"a":"{number}"}}]"#);
        let (one, map): (Nested, BTreeMap<String, Nested>) = from_str(&text).unwrap();
        assert_eq!((one, &map["a"]), (Nested(number), &Nested(number)));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(|number: f64| json!(number)),
        "\\PC{0,40}".prop_map(Value::from),
        "[a-z\\\\\"\n\t\u{1}/ ]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec(("[a-z\"\\\\é]{0,30}", inner), 0..6)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_reads_as_with_serde_json(value in value(), pretty: bool) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        agrees(&text);
        prop_assert_eq!(from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn damaged_json_reads_as_with_serde_json(
        value in value(),
        pretty: bool,
        place: prop::sample::Index,
        damage in "[\\[\\]{},:\"\\\\0-9eE.+ \nun\\-]{0,2}",
        length in 0..3_usize,
    ) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let mut characters: Vec<char> = text.chars().collect();
        let start = place.index(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, damage.chars());
        agrees(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_reads_as_with_serde_json(text in "[\\[\\]{},:\"\\\\0-9eE.+ \nutrlfas\\-]{0,24}") {
        agrees(&text);
    }
}
