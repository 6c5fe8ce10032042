use super::{blanks, into_text, measure, unescape};
use proptest::prelude::*;
use std::borrow::Cow;
use towline_core::Text;

/// What stands before the closing quote, its escapes, and its length.
fn find(text: &str) -> Option<(&str, usize, usize)> {
    let (length, escapes) = measure(text.as_bytes())?;
    Some((&text[..length], escapes, length))
}

#[test]
fn a_string_ends_at_the_first_quote_that_is_not_escaped() {
    assert_eq!(find(r#"a" b"#), Some(("a", 0, 1)));
    assert_eq!(find(r#"a\"b""#), Some((r#"a\"b"#, 1, 4)));
    assert_eq!(find(r#"a\\" b""#), Some((r"a\\", 1, 3)));
    assert_eq!(find("a\nb\""), None);
    assert_eq!(find("a\\n\u{1}\""), None);
    assert_eq!(find("a\\\u{1}\""), None);
    assert_eq!(find("a\\"), None);
    assert_eq!(find("a\\\""), None);
    assert_eq!(find("a"), None);
    let long = "x".repeat(100) + "\"";
    assert_eq!(find(&long).map(|(_, _, length)| length), Some(100));
}

#[test]
fn blanks_are_counted_to_the_first_byte_that_is_none() {
    for spaces in 0..40 {
        let text = format!("\n{}x", " ".repeat(spaces));
        assert_eq!(blanks(text.as_bytes()), spaces + 1);
    }
    assert_eq!(blanks(b"x"), 0);
    assert_eq!(blanks(b" \r\n\t"), 4);
    assert_eq!(blanks(b""), 0);
}

#[test]
fn a_part_of_the_buffer_is_shared_and_an_owned_one_is_taken() {
    let buffer = Text::from("some text");
    let shared = into_text(&buffer, Cow::Borrowed(&buffer[5..]));
    assert_eq!(shared.as_ptr(), buffer[5..].as_ptr());
    let owned = "other".to_owned();
    let place = owned.as_ptr();
    assert_eq!(into_text(&buffer, Cow::Owned(owned)).as_ptr(), place);
}

proptest! {
    #[test]
    fn every_string_is_unescaped_as_by_serde_json(text in "(\\PC|[\"\\\\\n\t\u{1}]){0,60}") {
        let string = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(unescape(&string).unwrap(), text);
    }

    #[test]
    fn no_other_text_is_taken_for_a_string(text in "[\"\\\\nu0-9a-d\n]{0,12}") {
        let theirs = serde_json::from_str::<String>(&text).ok();
        prop_assert_eq!(unescape(&text).ok().map(Cow::into_owned), theirs);
    }

    /// Escapes close to each other and far apart, and what may not stand between them.
    #[test]
    fn long_strings_are_read_as_by_serde_json(
        pieces in prop::collection::vec(("[a-z\u{e4}]{0,40}", "(\\\\[nt\"\\\\x\u{1}])|\u{1}|"), 0..8),
    ) {
        let inner: String = pieces.iter().flat_map(|(text, special)| [&**text, special]).collect();
        let string = format!("\"{inner}\"");
        let theirs = serde_json::from_str::<String>(&string).ok();
        prop_assert_eq!(unescape(&string).ok().map(Cow::into_owned), theirs);
        let sound = serde_json::from_str::<serde::de::IgnoredAny>(&string).is_ok();
        let skipped = crate::lax::from_str::<serde::de::IgnoredAny>(&string).is_ok();
        prop_assert_eq!(skipped, sound);
    }
}
