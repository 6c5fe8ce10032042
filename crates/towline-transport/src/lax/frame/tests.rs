use super::{Desk, FRAMES, Frame, MAX_BYTES};
use crate::lax::tape::{self, Kind, Token};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

/// Kind, place and escapes of each token that `tape` has. A key that had escapes in an earlier text and
/// has none in this one is plain, and read as any other.
fn places(tape: &[Token]) -> Vec<(Kind, usize, usize, usize)> {
    let place = |token: &Token| {
        let zero = tape[token.after].end;
        let kind = match token.kind {
            Kind::Key => Kind::Plain,
            kind => kind,
        };
        (kind, zero + token.start, zero + token.end, token.more)
    };
    tape.iter().map(place).collect()
}

fn written(text: &str) -> Option<Vec<(Kind, usize, usize, usize)>> {
    let mut tape = Vec::new();
    tape::write(text.as_bytes(), &mut tape)?;
    Some(places(&tape))
}

fn frame_of(text: &str) -> Frame {
    let mut frame = Frame::default();
    tape::write(text.as_bytes(), &mut frame.tape).unwrap();
    frame.learn(text.as_bytes()).unwrap();
    assert_eq!(Some(places(&frame.tape)), written(text));
    frame
}

fn fitted(frame: &mut Frame, text: &str) -> Option<Vec<(Kind, usize, usize, usize)>> {
    frame.fit(text.as_bytes())?;
    Some(places(&frame.tape))
}

#[test]
fn a_text_with_other_strings_and_numbers_fits() {
    let mut frame = frame_of(r#"{"id": "a", "n": [1, -2.5], "u": {"x": null, "y": "\n"}}"#);
    for text in [
        r#"{"id": "a", "n": [1, -2.5], "u": {"x": null, "y": "\n"}}"#,
        r#"{"id": "longer", "n": [100, 7], "u": {"x": null, "y": ""}}"#,
        r#"{"id": "\"\u00e9", "n": [-0.1e5, 0], "u": {"x": null, "y": "plain"}}"#,
    ] {
        assert_eq!(fitted(&mut frame, text), written(text), "{text}");
    }
}

#[test]
fn a_text_with_anything_else_changed_does_not_fit() {
    let mut frame = frame_of(r#"{"id": "a", "n": [1, 2], "x": null}"#);
    for text in [
        "",
        "{",
        r#"{"id": "a", "n": [1, 2], "x": null} "#,
        r#"{"id": "a", "n": [1, 2], "x": null"#,
        r#"{"id": "a", "n": [1, 2], "x": true}"#,
        r#"{"id": "a", "n": [1, 2, 3], "x": null}"#,
        r#"{"id": "a", "n": [1], "x": null}"#,
        r#"{"id":"a", "n": [1, 2], "x": null}"#,
        r#"{"ix": "a", "n": [1, 2], "x": null}"#,
        r#"{"id": 1, "n": [1, 2], "x": null}"#,
        r#"{"id": "a", "n": ["1", 2], "x": null}"#,
        r#"{"id": "a", "n": [01, 2], "x": null}"#,
        r#"{"id": "a", "n": [1., 2], "x": null}"#,
        r#"{"id": "a", "n": [, 2], "x": null}"#,
        "{\"id\": \"a\nb\", \"n\": [1, 2], \"x\": null}",
        r#"{"id": "\x", "n": [1, 2], "x": null}"#,
        r#"{"id": "a" b", "n": [1, 2], "x": null}"#,
    ] {
        assert_eq!(fitted(&mut frame, text), None, "{text:?}");
    }
}

#[test]
fn nothing_that_a_value_said_is_kept() {
    let frame = frame_of(r#"{"id":"private","n":4711,"list":["pri\"vate",-4711.5]}"#);
    let kept = String::from_utf8(frame.between).unwrap();
    assert_eq!(kept, r#"{"id":"","n":,"list":["",]}"#);
}

#[test]
fn the_frames_of_the_last_texts_are_remembered_and_large_ones_are_not() {
    let mut desk = Desk::default();
    let read = |desk: &mut Desk, text: &str| {
        if desk.find(text.as_bytes()).is_none() {
            desk.write(text.as_bytes(), |_| Some(())).unwrap();
        }
        String::from_utf8(desk.frames[0].between.clone()).unwrap()
    };
    for key in ["a", "b", "c", "d", "e"] {
        read(&mut desk, &format!(r#"{{"{key}":1}}"#));
    }
    assert_eq!(desk.frames.len(), FRAMES);
    // Of use again, it comes first; the one that was forgotten takes the place of the oldest.
    assert_eq!(read(&mut desk, r#"{"b":22}"#), r#"{"b":}"#);
    assert_eq!(read(&mut desk, r#"{"a":3}"#), r#"{"a":}"#);
    let kept = desk.frames.iter().map(|frame| frame.between.clone());
    let kept = String::from_utf8(kept.collect::<Vec<_>>().concat()).unwrap();
    assert_eq!(kept, r#"{"a":}{"b":}{"e":}{"d":}"#);

    for large in [json!(vec![0; 300]), json!({ "k".repeat(MAX_BYTES): 1 })] {
        assert_eq!(read(&mut desk, &large.to_string()), r#"{"a":}"#);
        assert_eq!(desk.frames.len(), FRAMES);
        assert_eq!(desk.spare.tape.capacity(), 0);
    }
}

#[test]
fn what_is_not_json_leaves_no_frame() {
    let mut desk = Desk::default();
    for wrong in ["", "{", "[1,]"] {
        assert_eq!(desk.write(wrong.as_bytes(), |_| Some(())), None);
        assert!(desk.find(wrong.as_bytes()).is_none(), "{wrong:?}");
    }
    assert!(desk.frames.is_empty());
}

/// Two values of the same form, which differ in what strings and numbers say.
fn alike() -> impl Strategy<Value = (Value, Value)> {
    let text = "[a-z\\\\\"\n\u{e9}]{0,12}";
    let number = || {
        prop_oneof![
            (0..2000_i64).prop_map(Value::from),
            (-9.0..9.0).prop_map(|x: f64| json!(x))
        ]
    };
    let leaf = prop_oneof![
        Just((Value::Null, Value::Null)),
        Just((json!(true), json!(true))),
        (text, text).prop_map(|(one, other)| (json!(one), json!(other))),
        (number(), number()),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|pairs| {
                let (one, other): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                (json!(one), json!(other))
            }),
            vec(("[a-z\"\u{e9}]{0,8}", inner), 0..6).prop_map(|entries| {
                let entry = |(key, (one, other)): (String, (Value, Value))| {
                    ((key.clone(), one), (key, other))
                };
                let (one, other): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
                    entries.into_iter().map(entry).unzip();
                (one.into(), other.into())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn the_tape_of_a_text_that_fits_is_the_one_that_is_written_without_a_frame(
        (one, other) in alike(),
        pretty: bool,
    ) {
        let write = |value: &Value| match pretty {
            true => serde_json::to_string_pretty(value).unwrap(),
            false => value.to_string(),
        };
        let (one, other) = (write(&one), write(&other));
        let fit = fitted(&mut frame_of(&one), &other);
        prop_assert!(fit.is_some());
        prop_assert_eq!(fit, written(&other));
    }

    #[test]
    fn a_damaged_text_fits_only_where_it_is_json_and_then_has_the_same_tape(
        (one, other) in alike(),
        place: prop::sample::Index,
        damage in "[\\[\\]{},:\"\\\\0-9eE.+ \nun\\-]{0,2}",
        length in 0..3_usize,
    ) {
        let other = other.to_string();
        let mut characters: Vec<char> = other.chars().collect();
        let start = place.index(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, damage.chars());
        let damaged: String = characters.into_iter().collect();
        if let Some(tape) = fitted(&mut frame_of(&one.to_string()), &damaged) {
            prop_assert_eq!(Some(tape), written(&damaged));
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&damaged).is_ok());
        }
    }
}
