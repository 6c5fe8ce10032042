use super::Template;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use towline_core::Text;

const SKIPPED: &[&str] = &["pad", "seq"];

fn event(seq: &str, text: &str, rest: &str) -> String {
    format!("{{\"id\":\"c\",\"seq\":{seq},\"delta\":{{\"content\":{text}}}{rest}}}")
}

fn learn(event: &str, text: &str) -> Option<Template> {
    let event = Text::from(event);
    let at = event.find(text).unwrap();
    Template::learn(&event, &event[at..at + text.len()], SKIPPED)
}

fn text(template: &Template, event: &str) -> Option<String> {
    let event = Bytes::copy_from_slice(event.as_bytes());
    template.text(&event).map(String::from)
}

#[test]
fn an_event_that_differs_only_in_its_text_is_read_without_parsing() {
    let template = learn(&event("1", "\"Hi\"", ""), "Hi").unwrap();
    let read = text(&template, &event("1", "\" there \u{fc}\"", ""));
    assert_eq!(read, Some(" there \u{fc}".to_owned()));
}

#[test]
fn a_text_with_escapes_is_parsed_by_itself() {
    let template = learn(&event("1", "\"Hi\"", ""), "Hi").unwrap();
    let escaped = event("1", "\"a\\n\\\"b\\\" \\u00fc\\\\\"", "");
    assert_eq!(
        text(&template, &escaped),
        Some("a\n\"b\" \u{fc}\\".to_owned())
    );
}

#[test]
fn what_nobody_reads_may_differ_before_and_behind_the_text() {
    let padded =
        |seq: &str, text: &str, pad: &str| event(seq, text, &format!(",\"pad\":\"{pad}\",\"n\":1"));
    let template = learn(&padded("7", "\"Hi\"", "aB3"), "Hi").unwrap();
    let read = |seq: &str, pad: &str| text(&template, &padded(seq, "\"you\"", pad));
    let you = Some("you".to_owned());
    assert_eq!(read("8", ""), you);
    assert_eq!(read("123456", "aa"), you);
    assert_eq!(read("0", "aa"), you);
    for odd in ["", "08", "1.5", "1e3", "-1", "\"8\"", "null", "[]"] {
        assert_eq!(read(odd, "aa"), None, "{odd}");
    }
    assert_eq!(read("8", "x\\\""), None);
    assert_eq!(read("8", "x\","), None);
}

#[test]
fn a_value_or_a_part_of_a_name_is_not_taken_for_a_field() {
    let template = learn("{\"a\":\"pad\",\"unpad\":\"x\",\"t\":\"Hi\"}", "Hi").unwrap();
    let other = "{\"a\":\"pad\",\"unpad\":\"y\",\"t\":\"Hi\"}";
    assert_eq!(text(&template, other), None);
}

#[test]
fn anything_unusual_goes_to_the_parser() {
    let template = learn(&event("1", "\"Hi\"", ""), "Hi").unwrap();
    for odd in [
        "\"\"",
        "null",
        "\"a\nb\"",
        "\"a\\x\"",
        "\"a\",\"content\":\"b\"",
        "\"a\\\"",
    ] {
        assert_eq!(text(&template, &event("1", odd, "")), None, "{odd}");
    }
    let more = event("1", "\"a\"", ",\"usage\":{}");
    assert_eq!(text(&template, &more), None);
    let mut broken = event("1", "\"a\"", "").into_bytes();
    let at = broken.iter().rposition(|byte| *byte == b'a').unwrap();
    broken[at] = 0xFF;
    assert_eq!(template.text(&Bytes::from(broken)), None);
}

#[test]
fn what_is_not_a_string_of_the_event_is_not_learned() {
    let event = Text::from("{\"delta\":\"Hi\"}");
    for (from, to) in [(10, 10), (11, 12), (9, 12), (10, 11)] {
        assert!(Template::learn(&event, &event[from..to], SKIPPED).is_none());
    }
    assert!(Template::learn(&event, "Hi", SKIPPED).is_none());
    assert!(Template::learn(&event, &event[10..12], SKIPPED).is_some());
}

proptest! {
    /// Whatever it reads, a parser reads the same, and nothing else differs from what was learned
    /// but what nobody reads.
    #[test]
    fn what_a_template_reads_is_what_a_parser_reads(
        text in prop_oneof!["[a-z \u{e4}\u{1F600}]{0,6}", "\\PC{0,6}", "[\"\\\\\\nu0-9]{0,8}"],
        raw in any::<bool>(),
        first in prop_oneof![Just(""), Just(" ")],
        seq in "[0-9.e\"-]{0,4}",
        pad in "[a-z\\\\\",]{0,5}",
        cut in any::<prop::sample::Index>(),
        byte in prop::option::weighted(0.2, any::<u8>()),
    ) {
        let shape = |seq: &str, text: &str, pad: &str| {
            format!("{{\"seq\":{first}{seq},\"t\":{first}{text},\"pad\":{first}\"{pad}\",\"n\":[1]}}")
        };
        let template = learn(&shape("1", "\"Hi\"", "aB"), "Hi").unwrap();
        let text = if raw { format!("\"{text}\"") } else { serde_json::to_string(&text).unwrap() };
        let mut event = shape(&seq, &text, &pad).into_bytes();
        if let Some(byte) = byte {
            let at = cut.index(event.len());
            event[at] = byte;
        }
        let event = Bytes::from(event);
        if let Some(read) = template.text(&event) {
            let value: Value = serde_json::from_slice(&event).unwrap();
            prop_assert_eq!(value["t"].as_str(), Some(read.as_str()));
            prop_assert_eq!(&value["n"], &serde_json::json!([1]));
            prop_assert_eq!(value.as_object().map(serde_json::Map::len), Some(4));
            prop_assert!(value["seq"].is_u64() && value["pad"].is_string());
        } else if byte.is_none() {
            // It is not so careful that it never reads anything.
            let plain = seq.parse::<u64>().is_ok_and(|n| n.to_string() == seq)
                && !pad.contains(['"', '\\']) && !raw && text.len() > 2;
            prop_assert!(!plain, "{:?}", event);
        }
    }
}
