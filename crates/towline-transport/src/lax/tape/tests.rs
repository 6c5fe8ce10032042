use super::{Kind, LONGEST, Token, number_at, write};

fn kinds(text: &str) -> Option<Vec<Kind>> {
    let mut tape = Vec::new();
    write(text.as_bytes(), &mut tape)?;
    // The first is not in the text.
    Some(tape.iter().skip(1).map(|token| token.kind).collect())
}

#[test]
fn keys_come_before_their_values_and_ends_after_all_that_ends() {
    use Kind::{Count, End, Escaped, False, Key, List, Null, Number, Object, Plain, True};
    let text = r#" {"a": [1, -2, "b", "\n"], "\t":{}, "c":[true ,false,null]} "#;
    let expected = [
        Object, Key, List, Count, Number, Plain, Escaped, End, Escaped, Object, End, Key, List,
        True, False, Null, End, End,
    ];
    assert_eq!(kinds(text), Some(expected.to_vec()));
    assert_eq!(kinds("1"), Some(vec![Count]));
}

#[test]
fn an_object_says_which_token_comes_after_its_end() {
    let mut tape = Vec::new();
    write(br#"[{"a":1},2]"#, &mut tape).unwrap();
    assert_eq!(tape[1].more, tape.len());
    assert_eq!(tape[tape[2].more].kind, Kind::Count);
    assert_eq!((tape[5].start, tape[5].end), (7, 8));
}

#[test]
fn numbers_that_a_count_cannot_hold_are_of_the_other_kind() {
    let kind =
        |text: &str| number_at(text.as_bytes(), 0).map(|Token { kind, end, .. }| (kind, end));
    assert_eq!(kind("0"), Some((Kind::Count, 1)));
    assert_eq!(kind("123456789012345678"), Some((Kind::Count, 18)));
    assert_eq!(kind("1234567890123456789"), Some((Kind::Number, 19)));
    assert_eq!(kind("-1.5e+3,"), Some((Kind::Number, 7)));
    for wrong in ["", "01", "-", "1.", "1e", "x", ".5"] {
        assert_eq!(kind(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_text_of_very_many_values_has_no_tape() {
    let list = |values: usize| format!("[{}]", vec!["1"; values].join(","));
    // Besides the values there are the list, its end, and the token before all.
    assert!(kinds(&list(LONGEST - 3)).is_some());
    assert_eq!(kinds(&list(LONGEST - 2)), None);
}
