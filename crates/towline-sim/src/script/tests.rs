use super::Script;
use crate::{fault::Fault, reply::ReplyKind};
use proptest::prelude::*;
use std::time::Duration;

fn refused(text: &str) -> String {
    Script::from_json(text).map(drop).unwrap_err().to_string()
}

#[test]
fn reads_every_field() {
    let script = Script::from_json(include_str!("tests/every-field.json")).unwrap();

    assert_eq!(script.keys.len(), 1);
    assert_eq!(script.models, ["sim-chat"]);
    assert_eq!(script.pace, Some(Duration::from_millis(20)));
    assert_eq!(script.seed, Some(7));
    let faults: Vec<&Fault> = script.rules.iter().flat_map(|rule| rule.faults()).collect();
    assert_eq!(
        faults.len(),
        22,
        "one of each kind, two stalls of the head, two errors inside the stream"
    );
    let replies = script.rules.iter().filter_map(|rule| rule.reply());
    let kinds = replies.map(|reply| match &reply.kind {
        ReplyKind::Turn(turn) if turn.calls.is_empty() => "turn",
        ReplyKind::Turn(_) => "calls",
        ReplyKind::Json { .. } => "json",
        ReplyKind::Raw(_) => "raw",
        ReplyKind::Sse(_) => "sse",
        ReplyKind::Lines(_) => "ndjson",
    });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            "turn", "turn", "calls", "json", "raw", "raw", "sse", "ndjson"
        ]
    );
}

#[test]
fn names_the_unknown_field_and_its_line() {
    let message = refused("{\n  \"rules\": [\n    {\"match\": {\"modle\": \"m\"}}\n  ]\n}");
    assert!(message.contains("unknown field `modle`"), "{message}");
    assert!(message.contains("line 3"), "{message}");
}

#[test]
fn names_the_unknown_fault() {
    let message = refused(r#"{"rules": [{"faults": ["explode"]}]}"#);
    assert!(message.contains("unknown variant `explode`"), "{message}");
    assert!(
        message.contains("one_byte_at_a_time"),
        "it lists what there is: {message}"
    );
}

#[test]
fn names_the_rule_and_field_of_a_value_that_cannot_be() {
    let message =
        refused(r#"{"rules": [{}, {"faults": ["reset_head", {"status": {"status": 42}}]}]}"#);
    assert!(
        message.contains("rules[1].faults[1].status.status: 42 is not"),
        "{message}"
    );

    let message = refused(r#"{"rules": [{"respond": {"raw": {"headers": {"a b": "c"}}}}]}"#);
    assert!(
        message.contains("rules[0].respond.raw.headers: a name is not"),
        "{message}"
    );

    let message = refused(r#"{"rules": [{"respond": {"sse": [{"data": 1}, {"event": "x"}]}}]}"#);
    assert!(
        message.contains("rules[0].respond.sse[1]: takes data"),
        "{message}"
    );

    let message = refused(r#"{"rules": [{"respond": {"raw": {"body_base64": "***"}}}]}"#);
    assert!(
        message.contains("rules[0].respond.raw.body_base64: is not base64"),
        "{message}"
    );
}

#[test]
fn refuses_a_reply_that_is_two_things_or_nothing() {
    for reply in [
        r#"{"text": "a", "json": {"body": 1}}"#,
        r#"{"json": {"body": 1}, "raw": {}}"#,
        r#"{"finish": "length"}"#,
        r#"{"raw": {}, "reasoning": "a"}"#,
        "{}",
    ] {
        let message = refused(&format!(r#"{{"rules": [{{"respond": {reply}}}]}}"#));
        assert!(
            message.contains("rules[0].respond: takes either"),
            "{reply}: {message}"
        );
    }
}

#[test]
fn a_message_never_shows_a_key() {
    let message = refused(r#"{"keys": ["sk-planted"], "kyes": ["sk-planted"]}"#);
    assert!(!message.contains("sk-planted"), "{message}");
    let script = Script::from_json(r#"{"keys": ["sk-planted"]}"#).unwrap();
    assert!(!format!("{script:?}").contains("sk-planted"));
}

#[test]
fn a_value_in_the_wrong_place_is_not_shown_but_placed() {
    let key = "planted-embedding-key-0123456789, expected \"nothing";
    let key = &serde_json::to_string(key).unwrap();
    let wrong = [
        (
            format!("{{\"keys\": {key}}}"),
            "invalid type: string, expected a sequence",
        ),
        (
            format!("{{\"seed\": {key}}}"),
            "invalid type: string, expected u64",
        ),
        (
            format!("{{{key}: 1}}"),
            "unknown field, expected one of `keys`",
        ),
        (
            format!("{{\"rules\": [{{\"match\": {{\"headers\": {key}}}}}]}}"),
            "invalid type: string, expected a map",
        ),
        (
            format!("{{\"rules\": [{{\"faults\": [{key}]}}]}}"),
            "unknown variant, expected one of `status`",
        ),
        (
            format!("{{\"rules\": [{{\"faults\": [{{\"stall_head\": {key}}}]}}]}}"),
            "unknown variant, expected `ms` or `forever`",
        ),
        (format!("{{\"keys\": [{key}"), "EOF while parsing a list"),
        (format!("{{\"keys\": {key} {key}}}"), "line 1"),
        (key.clone(), "invalid type: string, expected struct"),
        (
            format!("{{\"rules\": [{{\"match\": {{\"headers\": {{{key}: \"x\"}}}}}}]}}"),
            "rules[0].match.headers",
        ),
    ];
    for (text, part) in wrong {
        let message = refused(&text);
        assert!(!message.contains("planted"), "{text}: {message}");
        assert!(!message.contains("nothing"), "{text}: {message}");
        assert!(message.contains(part), "{text}: {message}");
        assert!(
            message.contains("line 1") || message.contains("rules[0]"),
            "{message}"
        );
    }
}

proptest! {
    /// Whatever stands where, and whatever quotes and phrases a key is made of.
    #[test]
    fn no_value_shows(key in "[a-z,:`'\" ]{0,12}(, expected |` at line 7|)planted-[0-9]{4}[`'\",a-z ]{0,12}") {
        let coded = serde_json::to_string(&key).unwrap();
        for text in [
            format!("{{\"keys\": {coded}}}"),
            format!("{{\"pace_ms\": {coded}}}"),
            format!("{{{coded}: {coded}}}"),
            format!("{{\"rules\": [{{\"faults\": [{coded}]}}]}}"),
            format!("{{\"rules\": [{{\"faults\": [{{\"status\": {coded}}}]}}]}}"),
        ] {
            prop_assert!(!refused(&text).contains("planted"), "{}", refused(&text));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _read = Script::from_json(&text);
    }
}
