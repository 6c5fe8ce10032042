//! JSON that only some parsers take, as all would have it.

use std::borrow::Cow;

/// What stands for half a character, as JSON.
const REPLACEMENT: &str = "\\ufffd";

/// The JSON once more, for a second try. Every key of an object stands in it only once: of two the last
/// counts, as most parsers have it. Half of a surrogate pair, which a server sends that cuts its text by
/// UTF-16 units, becomes the replacement character, since no UTF-8 text can hold it. `None` where it is no
/// JSON.
#[must_use]
pub fn mended(json: &str) -> Option<String> {
    let json = whole_characters(json);
    serde_json::from_str::<serde_json::Value>(&json)
        .ok()
        .map(|value| value.to_string())
}

/// The same, with the replacement character for every surrogate that is alone.
fn whole_characters(json: &str) -> Cow<'_, str> {
    let mut whole = String::new();
    let mut rest = json;
    let mut kept = 0;
    while let Some(at) = rest.find('\\') {
        let start = json.len() - rest.len() + at;
        let escape = json.get(start..).unwrap_or_default();
        let length = match unit(escape) {
            Some(0xD800..=0xDBFF) if is_low(escape.get(6..)) => 12,
            Some(0xD800..=0xDFFF) => {
                whole.push_str(json.get(kept..start).unwrap_or_default());
                whole.push_str(REPLACEMENT);
                kept = start + 6;
                6
            }
            // Also a backslash that is escaped itself. What follows may be a character of any length.
            _ => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    whole.push_str(json.get(kept..).unwrap_or_default());
    Cow::Owned(whole)
}

fn is_low(escape: Option<&str>) -> bool {
    matches!(escape.and_then(unit), Some(0xDC00..=0xDFFF))
}

/// The UTF-16 unit that `escape` begins with, if it is one by number.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::mended;
    use proptest::prelude::*;

    fn text(json: &str) -> Option<String> {
        serde_json::from_str(&mended(json)?).ok()
    }

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        let cases = [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\n\uD83D""#, "\u{fffd}\n\u{fffd}"),
            (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
            (r#""\ud83d\ude00 \u00e9""#, "\u{1f600} \u{e9}"),
        ];
        for (json, expected) in cases {
            assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn of_two_values_of_a_key_the_last_counts() {
        assert_eq!(mended(r#"{"a":1,"a":2}"#).as_deref(), Some(r#"{"a":2}"#));
        assert_eq!(mended("{").as_deref(), None);
        assert_eq!(mended(r#""\"#).as_deref(), None);
    }

    proptest! {
        #[test]
        fn what_every_parser_takes_stays(value in "(\\PC|[\"\\\\\n]){0,40}") {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(text(&json), Some(value));
        }

        #[test]
        fn any_text_is_mended_or_refused(json in "[\"\\\\ud8e0-9n\u{e4}]{0,30}") {
            if let Ok(theirs) = serde_json::from_str::<String>(&json) {
                prop_assert_eq!(text(&json), Some(theirs));
            } else {
                let _refused_or_mended = mended(&json);
            }
        }
    }
}
